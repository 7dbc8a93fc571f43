package registry_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// pageToken is a token with what it should mean.
type pageToken struct {
	text  registry.NextPage
	list  string // the only list it opens, for one account
	after string
}

// page is one of a list: its beginning, or what a token of any list and any age leads to. The error is the one that a
// token of another list earns.
func (m *machine) page(t *rapid.T, list string) (page registry.Page, after string, err error) {
	page.Size = rapid.IntRange(1, 3).Draw(t, "page size")
	if len(m.tokens) == 0 || rapid.Bool().Draw(t, "first page") {
		return page, "", nil
	}
	token := m.tokens[len(m.tokens)-1-rapid.IntRange(0, min(4, len(m.tokens)-1)).Draw(t, "token")]
	page.Token = token.text
	if token.list != list {
		err = refusal(registry.InvalidParameter)
	}
	return page, token.after, err
}

// agreePage demands the entries after a key, at most as many as the page has, and a token if there are more.
func agreePage[T any](t *rapid.T, m *machine, list string, size int, got []T, next registry.NextPage, gotErr error, all []T, key func(T) string, after string, wantErr error) {
	t.Helper()
	want := slices.DeleteFunc(all, func(e T) bool { return key(e) <= after })
	more := len(want) > size
	want = want[:min(size, len(want))]
	agree(t, "page of "+list, got, gotErr, want, wantErr)
	if gotErr != nil {
		return
	}
	agree(t, "whether more follows in "+list, next != "", nil, more, nil)
	if more {
		m.tokens = append(m.tokens, pageToken{next, list, key(want[len(want)-1])})
	}
}

// ListRepositories of a registry, which is named by its id here.
func (m *machine) ListRepositories(t *rapid.T) {
	c, reg := anyCaller(t), pick(t, "registry", "", string(owner.Account), string(stranger.Account), "111111111111", string(ownerAlias))
	account := reg
	if reg == "" {
		account = string(c.Account)
	}
	list := "repositories of " + account + " for " + string(c.Account)
	page, after, wantErr := m.page(t, list)
	got, next, gotErr := m.registry.ListRepositories(t.Context(), c, reg, page)
	if wantErr == nil {
		switch account {
		case string(owner.Account), string(stranger.Account):
			wantErr = permitted(c, "DescribeRepositories", ref.AccountID(account), nil)
		default:
			wantErr = refusal(registry.RegistryNotFound)
		}
	}
	var all []registry.Repository
	for _, repo := range m.model.ownedBy(ref.AccountID(account)) {
		all = append(all, repo.Repository)
	}
	for i := range got {
		got[i] = plain(got[i])
	}
	agreePage(t, m, list, page.Size, got, next, gotErr, all, func(r registry.Repository) string { return string(r.Name) }, after, wantErr)
}

// listed opens a repository for a list of what is in it.
func (m *machine) listed(c registry.Caller, p registry.Path, what, action string) (repo *modelRepository, list string, err error) {
	repo, err = m.model.open(c, action, p)
	if err == nil {
		list = what + " of " + string(repo.Account) + "/" + string(repo.Name) + " for " + string(c.Account)
	}
	return repo, list, err
}

func digestKey(d ref.Digest) string { return string(d.Key()) }

// ListImages in order of digests.
func (m *machine) ListImages(t *rapid.T) {
	c, p := m.call(t)
	repo, list, wantErr := m.listed(c, p, "images", "DescribeImages")
	page, after, pageErr := m.page(t, list)
	got, next, gotErr := m.registry.ListImages(t.Context(), c, p, page)
	var all []registry.ImageDetail
	if wantErr == nil {
		wantErr = pageErr
		for _, i := range repo.sorted() {
			all = append(all, registry.ImageDetail{Image: i.row(), Tags: repo.tagsOf(i.digest)})
		}
	}
	agreePage(t, m, list, page.Size, got, next, gotErr, all, func(i registry.ImageDetail) string { return digestKey(i.Digest) }, after, wantErr)
}

func (r *modelRepository) sorted() []*modelImage {
	var images []*modelImage
	for _, i := range r.images {
		images = append(images, i)
	}
	slices.SortFunc(images, func(a, b *modelImage) int { return compareDigests(a.digest, b.digest) })
	return images
}

func (r *modelRepository) sortedTags() []registry.Tag {
	var tags []registry.Tag
	for _, i := range r.sorted() {
		for _, t := range r.tagsOf(i.digest) {
			tags = append(tags, r.tags[t])
		}
	}
	slices.SortFunc(tags, func(a, b registry.Tag) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return tags
}

// DescribeTags with their images.
func (m *machine) DescribeTags(t *rapid.T) {
	c, p := m.call(t)
	repo, list, wantErr := m.listed(c, p, "tags", "DescribeImageTags")
	page, after, pageErr := m.page(t, list)
	got, next, gotErr := m.registry.DescribeTags(t.Context(), c, p, page)
	var all []registry.TagDetail
	if wantErr == nil {
		wantErr = pageErr
		for _, tag := range repo.sortedTags() {
			all = append(all, registry.TagDetail{Tag: tag, Image: repo.images[tag.Image].row()})
		}
	}
	agreePage(t, m, list, page.Size, got, next, gotErr, all, func(t registry.TagDetail) string { return string(t.Name) }, after, wantErr)
}

// ListTags is for everybody, and says where to go on in the open.
func (m *machine) ListTags(t *rapid.T) {
	p, after, limit := m.path(t), pick(t, "after", "", "1", "15", "latest", "z"), rapid.IntRange(0, 3).Draw(t, "limit")
	got, more, gotErr := m.registry.ListTags(t.Context(), p, ref.Tag(after), limit)
	var want []ref.Tag
	repo, wantErr := m.model.find(p)
	if wantErr == nil {
		for _, tag := range repo.sortedTags() {
			if string(tag.Name) > after {
				want = append(want, tag.Name)
			}
		}
	}
	wantMore := len(want) > limit
	agree(t, "ListTags", got, gotErr, want[:min(limit, len(want))], wantErr)
	if gotErr == nil {
		agree(t, "whether more tags follow", more, nil, wantMore, nil)
	}
}

// Referrers of what may not be there.
func (m *machine) Referrers(t *rapid.T) {
	p, subject := m.path(t), sum(anyManifest(t).text)
	types := map[string]*string{"any": nil, "artifact": new(artifact), "config": new(ociConfig), "none": new("")}
	artifactType := types[pick(t, "artifact type", "any", "any", "artifact", "config", "none")]
	after := pick(t, "after", ref.Digest{}, ref.Digest{}, sum(anyManifest(t).text))
	got, more, gotErr := m.registry.Referrers(t.Context(), p, subject, artifactType, after)
	var want []registry.Referrer
	repo, wantErr := m.model.find(p)
	if wantErr == nil {
		for _, i := range repo.sorted() {
			row := i.row()
			if i.subject != subject || digestKey(i.digest) <= digestKey(after) || artifactType != nil && *artifactType != row.ArtifactType {
				continue
			}
			want = append(want, registry.Referrer{
				Descriptor:   registry.Descriptor{Digest: i.digest, Size: int64(len(i.text)), MediaType: i.mediaType},
				ArtifactType: row.ArtifactType,
				Annotations:  i.annotations,
			})
		}
	}
	agree(t, "Referrers", got, gotErr, want, wantErr)
	agree(t, "whether more referrers follow", more, nil, false, nil)
}
