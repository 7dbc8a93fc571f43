package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// RepositoryPage is a repository as visitors see it. Kinds RegistryNotFound, RepositoryNotFound.
func (r *Registry) RepositoryPage(ctx context.Context, p Path) (RepositoryPage, error) {
	var result RepositoryPage
	err := r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		page := RepositoryPage{URI: r.URI(repo), CreatedAt: repo.CreatedAt}
		if page.Listing, err = r.listingOf(tx, repo); err != nil {
			return err
		}
		for _, text := range []struct {
			said *string
			to   *string
		}{{repo.Catalog.About, &page.About}, {repo.Catalog.Usage, &page.Usage}} {
			if text.said != nil {
				*text.to = *text.said
			}
		}
		if page.Images, err = tx.CountImages(repo.ID); err != nil {
			return err
		}
		if page.Tags, err = tx.CountTags(repo.ID, ""); err != nil {
			return err
		}
		if page.Newest, err = newestTag(tx, repo); err != nil {
			return err
		}
		page.Daily, err = r.dailyDownloads(tx, repo)
		result = page
		return err
	})
	if err != nil && KindOf(err) == Internal {
		return RepositoryPage{}, fmt.Errorf("repository page: %w", err)
	}
	return result, err
}

func newestTag(tx Tx, repo Repository) (*TagDetail, error) {
	tags, err := tx.FindTags(repo.ID, "", TagsByDate, 0, 1)
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	details, err := withImages(tx, repo, tags)
	if err != nil {
		return nil, err
	}
	return &details[0], nil
}

// dailyDownloads fills the days on which nobody came.
func (r *Registry) dailyDownloads(tx Tx, repo Repository) ([]DownloadDay, error) {
	first := dayOf(r.now()).AddDate(0, 0, 1-ChartDays)
	counted, err := tx.DownloadsByDay(repo.ID, first)
	days := make([]DownloadDay, ChartDays)
	for i := range days {
		days[i].Day = first.AddDate(0, 0, i)
	}
	for _, c := range counted {
		if i := int(c.Day.Sub(first) / (24 * time.Hour)); i >= 0 && i < len(days) {
			days[i].Count = c.Count
		}
	}
	return days, err
}

// ImageTags is one page of the tags of a repository.
func (r *Registry) ImageTags(ctx context.Context, p Path, q TagQuery) (TagPage, error) {
	q.Page, q.Size = max(q.Page, 1), min(max(q.Size, 1), MaxSearchPage)
	var result TagPage
	err := r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		var page TagPage
		if page.Total, err = tx.CountTags(repo.ID, q.Text); err != nil {
			return err
		}
		tags, err := tx.FindTags(repo.ID, q.Text, q.Sort, (q.Page-1)*q.Size, q.Size)
		if err != nil {
			return err
		}
		page.Tags, err = tagRows(tx, repo, tags)
		result = page
		return err
	})
	if err != nil && KindOf(err) == Internal {
		return TagPage{}, fmt.Errorf("image tags: %w", err)
	}
	return result, err
}

func tagRows(tx Tx, repo Repository, tags []Tag) ([]TagRow, error) {
	details, err := withImages(tx, repo, tags)
	if err != nil || len(details) == 0 {
		return nil, err
	}
	images := make([]ref.Digest, len(details))
	for i, d := range details {
		images[i] = d.Image.Digest
	}
	faces, err := facesOf(tx, repo, images)
	if err != nil {
		return nil, err
	}
	attached, err := attachments(tx, repo, images)
	if err != nil {
		return nil, err
	}
	rows := make([]TagRow, len(details))
	for i, d := range details {
		rows[i] = TagRow{TagDetail: d, Kind: kindOf(faces, d.Image), Platforms: faces[d.Image.Digest].Platforms, Attached: attached[d.Image.Digest]}
	}
	return rows, nil
}

func facesOf(tx Tx, repo Repository, images []ref.Digest) (map[ref.Digest]Face, error) {
	faces, err := tx.Faces(repo.ID, images)
	byImage := make(map[ref.Digest]Face, len(faces))
	for _, f := range faces {
		byImage[f.Image] = f
	}
	return byImage, err
}

func kindOf(faces map[ref.Digest]Face, i Image) ArtifactKind {
	if f, ok := faces[i.Digest]; ok {
		return kindOfTraits(f.Traits)
	}
	return artifactKind(i.ArtifactType, i.ArtifactMediaType)
}

// maxAttached bounds the referrers that one answer looks at.
const maxAttached = 1000

// cosignSuffixes are how cosign names what it says about an image, behind "sha256-" and the image's digest, and what it
// is when its manifest does not say.
var cosignSuffixes = map[string]ArtifactKind{".sig": KindSignature, ".att": KindAttestation, ".sbom": KindSBOM}

// attachments are what images of the repository say about the given ones, without what is written in their manifests.
func attachments(tx Tx, repo Repository, images []ref.Digest) (map[ref.Digest][]Attachment, error) {
	attached := make(map[ref.Digest][]Attachment)
	referrers, err := tx.ReferrersOf(repo.ID, images, maxAttached)
	if err != nil {
		return nil, err
	}
	subjects := make(map[ref.Tag]ref.Digest)
	var names []ref.Tag
	for _, d := range images {
		for suffix := range cosignSuffixes {
			name := ref.Tag(strings.Replace(d.String(), ":", "-", 1) + suffix)
			subjects[name] = d
			names = append(names, name)
		}
	}
	tags, err := tx.TagsNamed(repo.ID, names)
	if err != nil {
		return nil, err
	}
	details, err := withImages(tx, repo, tags)
	if err != nil {
		return nil, err
	}
	var all []ref.Digest
	for _, i := range referrers {
		all = append(all, i.Digest)
	}
	for _, d := range details {
		all = append(all, d.Image.Digest)
	}
	faces, err := facesOf(tx, repo, all)
	if err != nil {
		return nil, err
	}
	tagged := make(map[ref.Digest]bool)
	for _, d := range details {
		a := attachment(d.Image, kindOf(faces, d.Image))
		a.Tag = d.Name
		if a.Kind == KindImage || a.Kind == KindOther {
			a.Kind = cosignSuffixes[string(d.Name[strings.LastIndexByte(string(d.Name), '.'):])]
		}
		tagged[d.Image.Digest] = true
		attached[subjects[d.Name]] = append(attached[subjects[d.Name]], a)
	}
	for _, i := range referrers {
		if !tagged[i.Digest] {
			attached[i.Subject] = append(attached[i.Subject], attachment(i, kindOf(faces, i)))
		}
	}
	return attached, nil
}

func attachment(i Image, k ArtifactKind) Attachment {
	return Attachment{Kind: k, Digest: i.Digest, MediaType: i.MediaType, ArtifactType: i.ArtifactType, Size: i.Size, PushedAt: i.PushedAt}
}
