package registry

import (
	"context"
	"maps"
	"slices"

	"github.com/openecr/openecr/internal/ref"
)

// ImageDetail is an image with its tags, by name, without its manifest.
type ImageDetail struct {
	Image
	Tags []ref.Tag
}

// TagDetail is a tag with its image.
type TagDetail struct {
	Tag
	Image Image
}

// DescribeImages are the images that the ids name, each once, in that order. An unknown one fails the call.
func (r *Registry) DescribeImages(ctx context.Context, c Caller, p Path, ids []ImageID) ([]ImageDetail, error) {
	p = p.own(c)
	var details []ImageDetail
	err := r.viewRepository(ctx, c, "DescribeImages", p, func(tx Tx, repo Repository) error {
		var digests []ref.Digest
		firstID := make(map[ref.Digest]ImageID)
		for _, id := range ids {
			d, err := resolveImage(tx, repo, p, id)
			if err != nil {
				return err
			}
			if _, seen := firstID[d]; !seen {
				digests = append(digests, d)
				firstID[d] = id
			}
		}
		images, err := tx.ImagesByDigest(repo.ID, digests)
		if err != nil {
			return err
		}
		byDigest := imagesByDigest(images)
		ordered := make([]Image, len(digests))
		for i, d := range digests {
			image, ok := byDigest[d]
			if !ok {
				return imageNotFound(p, firstID[d])
			}
			ordered[i] = image
		}
		details, err = withTags(tx, repo, ordered)
		return err
	})
	return details, err
}

// ListImages is one page of a repository's images, in no promised order.
func (r *Registry) ListImages(ctx context.Context, c Caller, p Path, page Page) ([]ImageDetail, NextPage, error) {
	p = p.own(c)
	var details []ImageDetail
	var next NextPage
	err := r.viewRepository(ctx, c, "DescribeImages", p, func(tx Tx, repo Repository) error {
		scope := pageScope(c, "DescribeImages", ref.RepositoryARN(repo.Account, repo.Name))
		position, err := r.openPage(scope, page)
		if err != nil {
			return err
		}
		var after ref.Digest
		if position != "" {
			if after, err = ref.ParseDigest(position); err != nil {
				return err
			}
		}
		images, err := tx.Images(repo.ID, after, page.Size+1)
		if err != nil {
			return err
		}
		next = ""
		if len(images) > page.Size {
			images = images[:page.Size]
			next = r.sealPage(scope, images[page.Size-1].Digest.String())
		}
		details, err = withTags(tx, repo, images)
		return err
	})
	return details, next, err
}

func withTags(tx Tx, repo Repository, images []Image) ([]ImageDetail, error) {
	digests := make([]ref.Digest, len(images))
	for i, image := range images {
		digests[i] = image.Digest
	}
	tags, err := tx.TagsOf(repo.ID, digests)
	if err != nil {
		return nil, err
	}
	byImage := make(map[ref.Digest][]ref.Tag)
	for _, t := range tags {
		byImage[t.Image] = append(byImage[t.Image], t.Name)
	}
	details := make([]ImageDetail, len(images))
	for i, image := range images {
		details[i] = ImageDetail{image, byImage[image.Digest]}
	}
	return details, nil
}

// DescribeTags is one page of a repository's tags with their images, by name.
func (r *Registry) DescribeTags(ctx context.Context, c Caller, p Path, page Page) ([]TagDetail, NextPage, error) {
	p = p.own(c)
	var details []TagDetail
	var next NextPage
	err := r.viewRepository(ctx, c, "DescribeImageTags", p, func(tx Tx, repo Repository) error {
		scope := pageScope(c, "DescribeImageTags", ref.RepositoryARN(repo.Account, repo.Name))
		var err error
		details, next, err = r.tagPage(tx, repo, scope, page)
		return err
	})
	return details, next, err
}

func withImages(tx Tx, repo Repository, tags []Tag) ([]TagDetail, error) {
	named := make(map[ref.Digest]bool)
	for _, t := range tags {
		named[t.Image] = true
	}
	images, err := tx.ImagesByDigest(repo.ID, slices.Collect(maps.Keys(named)))
	if err != nil {
		return nil, err
	}
	byDigest := imagesByDigest(images)
	details := make([]TagDetail, len(tags))
	for i, t := range tags {
		details[i] = TagDetail{t, byDigest[t.Image]}
	}
	return details, nil
}

func imagesByDigest(images []Image) map[ref.Digest]Image {
	m := make(map[ref.Digest]Image, len(images))
	for _, image := range images {
		m[image.Digest] = image
	}
	return m
}

// ListTags are the names of at most limit tags that come after the given one, in byte order, and whether there are
// more. Everybody may.
func (r *Registry) ListTags(ctx context.Context, p Path, after ref.Tag, limit int) (names []ref.Tag, more bool, err error) {
	err = r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		tags, err := tx.Tags(repo.ID, after, limit+1)
		if err != nil {
			return err
		}
		more = len(tags) > limit
		names = make([]ref.Tag, min(len(tags), limit))
		for i := range names {
			names[i] = tags[i].Name
		}
		return nil
	})
	return names, more, err
}

// DescribeRegistry is the caller's own registry.
func (r *Registry) DescribeRegistry(ctx context.Context, c Caller) (AccountDetail, error) {
	var detail AccountDetail
	err := r.meta.View(ctx, func(tx Tx) error {
		account, err := r.openRegistry(tx, c, "DescribeRegistries", Path{}.own(c))
		if err != nil {
			return err
		}
		detail, err = accountDetail(tx, account)
		return err
	})
	return detail, err
}
