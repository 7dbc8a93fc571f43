package registry_test

import (
	"slices"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// delete deletes images of app and demands that it does.
func (f *fixture) delete(ids ...registry.ImageID) []registry.ImageID {
	f.Helper()
	deleted, failures, err := f.registry.DeleteImages(f.Context(), owner, app, ids)
	f.must(err)
	equal(f, "failures", failures, nil)
	return deleted
}

func tagged(tags ...string) []registry.ImageID {
	ids := make([]registry.ImageID, len(tags))
	for i, tag := range tags {
		ids[i].Tag = tag
	}
	return ids
}

func digested(digests ...ref.Digest) []registry.ImageID {
	ids := make([]registry.ImageID, len(digests))
	for i, d := range digests {
		ids[i].Digest = d.String()
	}
	return ids
}

func both(d ref.Digest, tags ...string) []registry.ImageID {
	ids := tagged(tags...)
	for i := range ids {
		ids[i].Digest = d.String()
	}
	return ids
}

func TestDeleteImages(t *testing.T) {
	f := newFixture(t)
	a, b, bare := sum(indexOf("a")), sum(indexOf("b")), sum(indexOf("bare"))
	for _, c := range []struct {
		name    string
		ids     []registry.ImageID
		deleted []registry.ImageID
		tags    []string // that stay
		images  []ref.Digest
	}{
		{"one tag of two", tagged("a1"), both(a, "a1"), []string{"a2", "b"}, []ref.Digest{a, b, bare}},
		{"last tag takes the image along", tagged("b"), both(b, "b"), []string{"a1", "a2"}, []ref.Digest{a, bare}},
		{"all tags, one by one", tagged("a2", "a1"), both(a, "a1", "a2"), []string{"b"}, []ref.Digest{b, bare}},
		{"digest takes all tags along", digested(a), both(a, "a1", "a2"), []string{"b"}, []ref.Digest{b, bare}},
		{"digest of an untagged image", digested(bare), digested(bare), []string{"a1", "a2", "b"}, []ref.Digest{a, b}},
		{"digest and tag", both(a, "a2"), both(a, "a2"), []string{"a1", "b"}, []ref.Digest{a, b, bare}},
		{"digest and the only tag", both(b, "b"), both(b, "b"), []string{"a1", "a2"}, []ref.Digest{a, bare}},
		{"the same id twice", tagged("b", "b"), both(b, "b"), []string{"a1", "a2"}, []ref.Digest{a, bare}},
		{"several ids of one image", slices.Concat(tagged("a1"), digested(a), both(a, "a1")), both(a, "a1", "a2"), []string{"b"}, []ref.Digest{b, bare}},
		{"tag after its image", slices.Concat(digested(b), tagged("b")), both(b, "b"), []string{"a1", "a2"}, []ref.Digest{a, bare}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
			f.must(err)
			f.createRepository(owner, app.Name)
			f.put(indexOf("a"), "a1", "a2")
			f.put(indexOf("b"), "b")
			f.put(indexOf("bare"))
			equalSets(t, "deleted", f.delete(c.ids...), c.deleted)
			var tags []string
			for tag := range f.tags() {
				tags = append(tags, tag)
			}
			equalSets(t, "tags that stay", tags, c.tags)
			equalSets(t, "images that stay", f.images(), c.images)
		})
	}
}

// equalSets compares without order.
func equalSets[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	count := make(map[T]int)
	for _, v := range want {
		count[v]++
	}
	for _, v := range got {
		count[v]--
	}
	for v, n := range count {
		if n != 0 {
			t.Errorf("%s: %d too few of %v\ngot  %v\nwant %v", what, n, v, got, want)
		}
	}
}

func TestDeleteImagesFailures(t *testing.T) {
	f := newFixture(t)
	a := f.putImage("a", "a1", "a2")
	f.putImage("b", "b")
	unknown := sum("unknown")
	const (
		notFound      = "Requested image not found"
		missingID     = "Invalid request parameters: both tag and digest cannot be null"
		invalidDigest = "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
		noMatch       = "Invalid request parameters: given tag does not map to the given digest"
	)
	want := []registry.ImageFailure{
		{ID: registry.ImageID{}, Code: "MissingDigestAndTag", Reason: missingID},
		{ID: registry.ImageID{Digest: "nonsense"}, Code: "InvalidImageDigest", Reason: invalidDigest},
		{ID: registry.ImageID{Digest: "sha256:xyz", Tag: "a1"}, Code: "InvalidImageDigest", Reason: invalidDigest},
		{ID: registry.ImageID{Digest: unknown.String()}, Code: "ImageNotFound", Reason: notFound},
		{ID: registry.ImageID{Digest: "md5:abc"}, Code: "ImageNotFound", Reason: notFound},
		{ID: registry.ImageID{Tag: "none"}, Code: "ImageNotFound", Reason: notFound},
		{ID: registry.ImageID{Digest: a.String(), Tag: "none"}, Code: "ImageNotFound", Reason: notFound},
		{ID: registry.ImageID{Digest: unknown.String(), Tag: "a1"}, Code: "ImageTagDoesNotMatchDigest", Reason: noMatch},
		{ID: registry.ImageID{Digest: a.String(), Tag: "b"}, Code: "ImageTagDoesNotMatchDigest", Reason: noMatch},
		{ID: registry.ImageID{Digest: "md5:abc", Tag: "a1"}, Code: "ImageTagDoesNotMatchDigest", Reason: noMatch},
	}
	ids := []registry.ImageID{{Tag: "a1"}} // one that goes, among those that fail
	for _, failure := range want {
		ids = append(ids, failure.ID)
	}
	deleted, failures, err := f.registry.DeleteImages(t.Context(), owner, app, ids)
	f.must(err)
	equal(t, "failures", failures, want)
	equal(t, "deleted", deleted, both(a, "a1"))
	equal(t, "tags that stay", f.tags(), map[string]ref.Digest{"a2": a, "b": sum(imageOf(sum("b")))})

	_, failures, err = f.registry.DeleteImages(t.Context(), owner, app, []registry.ImageID{{}, {}, {Tag: "none"}, {Tag: "none"}})
	f.must(err)
	equal(t, "failures of an id given twice", len(failures), 2)
}

// nest makes indexes: outer lists inner and x, inner lists x and y, and these are empty. All are tagged with their name.
func nest(f *fixture) (x, y, inner, outer ref.Digest) {
	f.Helper()
	x, y = f.put(indexOf("x"), "x"), f.put(indexOf("y"), "y")
	inner = f.put(indexOf("inner", x, y), "inner")
	outer = f.put(indexOf("outer", inner, x), "outer")
	return x, y, inner, outer
}

func TestReferencedImagesStay(t *testing.T) {
	f := newFixture(t)
	x, y, inner, outer := nest(f)
	f.put(indexOf("y"), "y2")
	referenced := func(id registry.ImageID, holders string) registry.ImageFailure {
		return registry.ImageFailure{ID: id, Code: "ImageReferencedByManifestList", Reason: "Requested image referenced by manifest list: [" + holders + "]"}
	}
	holdersOfX := inner.String() + ", " + outer.String()
	if outer.String() < inner.String() {
		holdersOfX = outer.String() + ", " + inner.String()
	}
	for _, c := range []struct {
		name     string
		ids      []registry.ImageID
		failures []registry.ImageFailure
	}{
		{"by digest", digested(x), []registry.ImageFailure{referenced(digested(x)[0], holdersOfX)}},
		{"by its only tag", tagged("x"), []registry.ImageFailure{referenced(tagged("x")[0], holdersOfX)}},
		{"by all its tags", tagged("y", "y2"), []registry.ImageFailure{referenced(tagged("y")[0], inner.String()), referenced(tagged("y2")[0], inner.String())}},
		{"by digest and tag", both(x, "x"), []registry.ImageFailure{referenced(both(x, "x")[0], holdersOfX)}},
		{"an index in an index, with what it lists", digested(inner, y), []registry.ImageFailure{
			referenced(digested(inner)[0], outer.String()), referenced(digested(y)[0], inner.String())}},
	} {
		deleted, failures, err := f.registry.DeleteImages(t.Context(), owner, app, c.ids)
		f.must(err)
		equal(t, c.name+": deleted", deleted, nil)
		equalSets(t, c.name+": failures", failures, c.failures)
	}
	equal(t, "images", len(f.images()), 4)
	equal(t, "one tag of two", f.delete(tagged("y2")...), both(y, "y2"))
}

func TestIndexGoesTogetherWithItsImages(t *testing.T) {
	f := newFixture(t)
	for _, order := range [][]string{
		{"x", "y", "inner", "outer"},
		{"outer", "inner", "y", "x"},
		{"inner", "x", "outer", "y"},
	} {
		nest(f)
		equal(t, "ids deleted", len(f.delete(tagged(order...)...)), 4)
		equal(t, "images that stay", f.images(), nil)
	}
}

func TestIndexGoesAndItsImagesStay(t *testing.T) {
	f := newFixture(t)
	x, y, inner, outer := nest(f)
	f.delete(digested(outer)...)
	f.delete(digested(inner)...)
	equalSets(t, "images that stay", f.images(), []ref.Digest{x, y})
	f.delete(digested(x, y)...)
}

func TestIndexThatKeepsATagKeepsItsImages(t *testing.T) {
	f := newFixture(t)
	x := f.putImage("x")
	index := f.put(indexOf("index", x), "one", "two")
	deleted, failures, err := f.registry.DeleteImages(t.Context(), owner, app, slices.Concat(tagged("one"), digested(x)))
	f.must(err)
	equal(t, "deleted", deleted, both(index, "one"))
	equal(t, "failures", len(failures), 1)
	equalSets(t, "images", f.images(), []ref.Digest{x, index})
}

func TestDeletedImageCanBePutAgain(t *testing.T) {
	f := newFixture(t)
	a := f.putImage("a", "tag")
	f.delete(digested(a)...)
	equal(t, "layer stays for a while", f.available(sum("a")), []bool{true})
	equal(t, "image", f.put(imageOf(sum("a")), "tag"), a)
}
