package registry_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// listing is one of the three paged lists, reduced to the names of its entries.
type listing struct {
	name string
	page func(f *fixture, p registry.Path, page registry.Page) ([]string, registry.NextPage, error)
}

var listings = []listing{
	{"images", func(f *fixture, p registry.Path, page registry.Page) ([]string, registry.NextPage, error) {
		details, next, err := f.registry.ListImages(f.Context(), owner, p, page)
		var names []string
		for _, d := range details {
			names = append(names, d.Digest.String())
		}
		return names, next, err
	}},
	{"tags", func(f *fixture, p registry.Path, page registry.Page) ([]string, registry.NextPage, error) {
		details, next, err := f.registry.DescribeTags(f.Context(), owner, p, page)
		var names []string
		for _, d := range details {
			names = append(names, string(d.Name))
			if d.Image.Digest != d.Tag.Image {
				f.Errorf("tag %s is of %s but comes with %s", d.Name, d.Tag.Image, d.Image.Digest)
			}
		}
		return names, next, err
	}},
	{"repositories", func(f *fixture, p registry.Path, page registry.Page) ([]string, registry.NextPage, error) {
		repos, next, err := f.registry.ListRepositories(f.Context(), owner, p.Registry, page)
		var names []string
		for _, r := range repos {
			names = append(names, string(r.Name))
		}
		return names, next, err
	}},
}

// all walks the pages of one size; between runs after each page.
func (l listing) all(f *fixture, size int, between func(seen []string)) []string {
	f.Helper()
	var seen []string
	page := registry.Page{Size: size}
	for {
		names, next, err := l.page(f, app, page)
		f.must(err)
		if len(names) > size || len(names) < size && next != "" {
			f.Errorf("page of %d has %d entries and a next one: %v", size, len(names), next != "")
		}
		seen = append(seen, names...)
		if next == "" {
			return seen
		}
		page.Token = next
		if between != nil {
			between(names)
		}
	}
}

// imagesWithTags are n images, each with the tag and beside a repository of its number.
func imagesWithTags(f *fixture, n int) {
	f.Helper()
	f.must(f.meta.Update(f.Context(), func(tx registry.Tx) error {
		repo, err := tx.Repository(app.Registry, app.Name)
		for i := range n {
			manifest := indexOf(fmt.Sprint(i))
			image := registry.Image{Digest: sum(manifest), MediaType: ociIndex, Manifest: []byte(manifest), PushedAt: f.now()}
			tag := registry.Tag{Name: ref.Tag(fmt.Sprintf("tag-%03d", i)), Image: image.Digest, CreatedAt: f.now()}
			beside := registry.Repository{Account: owner.Account, Name: ref.RepositoryName(fmt.Sprintf("repository-%03d", i)), CreatedAt: f.now()}
			_, inserted := tx.InsertRepository(beside)
			err = errors.Join(err, tx.InsertImage(repo.ID, image), tx.PutTag(repo.ID, tag), inserted)
		}
		return err
	}))
}

func TestPagesHaveEveryEntryOnce(t *testing.T) {
	f := newFixture(t)
	imagesWithTags(f, 11)
	for _, l := range listings {
		whole := l.all(f, 1000, nil)
		if len(whole) < 11 {
			t.Errorf("%s: only %d", l.name, len(whole))
		}
		for _, size := range []int{1, 3, len(whole) - 1, len(whole), len(whole) + 1} {
			equal(t, fmt.Sprintf("%s in pages of %d", l.name, size), l.all(f, size, nil), whole)
		}
	}
}

// What exists throughout a listing is seen exactly once, whatever comes and goes meanwhile.
func TestPagesUnderInsertsAndDeletes(t *testing.T) {
	f := newFixture(t)
	imagesWithTags(f, 12)
	for _, l := range listings {
		t.Log(l.name)
		stay := l.all(f, 1000, nil)
		n := 0
		seen := l.all(f, 2, func(page []string) {
			n++
			last := page[len(page)-1] // where the next page begins
			stay = slices.DeleteFunc(stay, func(s string) bool { return s == last })
			switch l.name {
			case "images":
				f.delete(registry.ImageID{Digest: last})
				f.put(indexOf(fmt.Sprintf("new %d", n)))
			case "tags":
				f.delete(registry.ImageID{Tag: last})
				f.put(indexOf(fmt.Sprintf("for tags %d", n)), fmt.Sprintf("tag-%03d-new", n), fmt.Sprintf("a-%03d", n))
			case "repositories":
				if _, err := f.registry.DeleteRepository(t.Context(), owner, registry.Path{Name: ref.RepositoryName(last)}, true); err != nil {
					t.Error(err)
				}
				f.createRepository(owner, ref.RepositoryName(fmt.Sprintf("repository-%03d-new", n)))
			}
		})
		for _, name := range stay {
			count := 0
			for _, s := range seen {
				if s == name {
					count++
				}
			}
			if count != 1 {
				t.Errorf("%s was there all the time and seen %d times", name, count)
			}
		}
	}
}

func TestPageTokenOpensOnlyItsOwnList(t *testing.T) {
	f := newFixture(t)
	imagesWithTags(f, 3)
	f.createRepository(owner, "other")
	f.createRepository(stranger, app.Name)
	other := registry.Path{Registry: app.Registry, Name: "other"}
	const text = "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"
	for i, l := range listings {
		_, token, err := l.page(f, app, registry.Page{Size: 1})
		f.must(err)
		raw, err := base64.RawURLEncoding.DecodeString(token)
		f.must(err)
		bad := []string{"nonsense!", "AAAA", token[1:], token + "AAAA", base64.RawURLEncoding.EncodeToString(raw[:16])}
		for b := range raw {
			tampered := slices.Clone(raw)
			tampered[b] ^= 1
			bad = append(bad, base64.RawURLEncoding.EncodeToString(tampered))
		}
		for _, wrong := range bad {
			_, _, err := l.page(f, app, registry.Page{Token: wrong, Size: 1})
			f.refused(err, registry.InvalidParameter, text)
		}
		for j, another := range listings {
			if j != i {
				_, _, err := another.page(f, app, registry.Page{Token: token, Size: 1})
				f.refused(err, registry.InvalidParameter, text)
			}
		}
		if l.name != "repositories" {
			_, _, err = l.page(f, other, registry.Page{Token: token, Size: 1})
			f.refused(err, registry.InvalidParameter, text)
		} else {
			_, _, err = f.registry.ListRepositories(t.Context(), stranger, "", registry.Page{Token: token, Size: 1})
			f.refused(err, registry.InvalidParameter, text)
		}
		if _, _, err := l.page(f, app, registry.Page{Token: token, Size: 1}); err != nil {
			t.Errorf("%s: the token itself: %v", l.name, err)
		}
		f.registry = f.node() // another node opens it too
		if _, _, err := l.page(f, app, registry.Page{Token: token, Size: 1}); err != nil {
			t.Errorf("%s: on another node: %v", l.name, err)
		}
	}
}

func TestPageTokenIsItsAccountsOwn(t *testing.T) {
	f := newFixture(t)
	imagesWithTags(f, 3)
	f.setPolicy(`{"Effect":"Allow","Principal":"*","Action":"*"}`)
	_, token, err := f.registry.DescribeTags(t.Context(), owner, app, registry.Page{Size: 1})
	f.must(err)
	_, _, err = f.registry.DescribeTags(t.Context(), stranger, app, registry.Page{Size: 1})
	f.must(err) // the list itself is open to the other account
	_, _, err = f.registry.DescribeTags(t.Context(), stranger, app, registry.Page{Size: 1, Token: token})
	f.refused(err, registry.InvalidParameter, "")
}

func TestListTags(t *testing.T) {
	f := newFixture(t)
	f.putImage("a", "b", "B", "a", "10", "9")
	for _, c := range []struct {
		after ref.Tag
		limit int
		want  []ref.Tag
		more  bool
	}{
		{"", 10, []ref.Tag{"10", "9", "B", "a", "b"}, false},
		{"", 5, []ref.Tag{"10", "9", "B", "a", "b"}, false},
		{"", 4, []ref.Tag{"10", "9", "B", "a"}, true},
		{"9", 2, []ref.Tag{"B", "a"}, true},
		{"C", 2, []ref.Tag{"a", "b"}, false}, // a tag that is not there
		{"b", 2, []ref.Tag{}, false},
		{"", 0, []ref.Tag{}, true},
	} {
		got, more, err := f.registry.ListTags(t.Context(), registry.Path{Registry: string(ownerAlias), Name: app.Name}, c.after, c.limit)
		f.must(err)
		equal(t, fmt.Sprintf("%d after %q", c.limit, c.after), got, c.want)
		equal(t, fmt.Sprintf("more than %d after %q", c.limit, c.after), more, c.more)
	}
	_, _, err := f.registry.ListTags(t.Context(), registry.Path{Registry: string(ownerAlias), Name: "none"}, "", 1)
	f.refused(err, registry.RepositoryNotFound, "")
}
