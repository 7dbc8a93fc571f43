package registry_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// limit replaces the registry by one with these quotas.
func (f *fixture) limit(l registry.Limits) {
	f.registry = registry.New(registry.Config{Meta: f.meta, Blobs: f.store, Host: "registry.test", PageKey: []byte("page key"), Now: f.now, Limits: l})
}

// race runs attempt 20 times at once and says how many succeeded; every other must be refused with that kind and text.
func (f *fixture) race(kind registry.Kind, text string, attempt func(i int) error) int {
	f.Helper()
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { errs[i] = attempt(i) })
	}
	wg.Wait()
	succeeded := 0
	for i, err := range errs {
		if err == nil {
			succeeded++
			continue
		}
		f.refused(err, kind, strings.ReplaceAll(text, "{i}", fmt.Sprint(i)))
	}
	return succeeded
}

func TestOfManyWritersExactlyAsManySucceedAsTheQuotaHasRoomFor(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		room    int
		kind    registry.Kind
		text    string
		attempt func(f *fixture, i int) error
	}{
		"repositories": {
			room: 2, // app is there already
			kind: registry.LimitExceeded,
			text: "The registry with id '123456789012' already has the maximum allowed number of repositories which is '3'",
			attempt: func(f *fixture, i int) error {
				_, err := f.registry.CreateRepository(f.Context(), owner, ref.RepositoryName(fmt.Sprint("new-", i)), registry.Catalog{}, nil)
				return err
			},
		},
		"images": {
			prepare: func(f *fixture) { f.push("config") },
			room:    3,
			kind:    registry.LimitExceeded,
			text:    "The repository with name 'team/app' in registry with id '123456789012' already has the maximum allowed number of images which is '3'",
			attempt: func(f *fixture, i int) error {
				manifest := strings.Replace(imageOf(sum("config")), `"config"`, fmt.Sprintf(`"annotations":{"i":"%d"},"config"`, i), 1)
				_, err := f.tryPut(manifest, "")
				return err
			},
		},
		"tags of an image": {
			prepare: func(f *fixture) { f.putImage("config") },
			room:    3,
			kind:    registry.LimitExceeded,
			text:    "Adding tag 't{i}' to an image in the repository with name 'team/app' in registry with id '123456789012' exceeds the maximum allowed number of tags per image which is '3'",
			attempt: func(f *fixture, i int) error {
				_, err := f.tryPut(imageOf(sum("config")), fmt.Sprint("t", i))
				return err
			},
		},
		"tags of a repository": {
			room: 3,
			kind: registry.TooManyResourceTags,
			text: "The resource would have 4 tags and may have at most 3",
			attempt: func(f *fixture, i int) error {
				return f.registry.TagResource(f.Context(), owner, ref.Resource{Account: owner.Account, Repository: app.Name}, []registry.ResourceTag{{Key: fmt.Sprint("k", i)}})
			},
		},
		"tags of a registry": {
			room: 3,
			kind: registry.TooManyResourceTags,
			text: "The resource would have 4 tags and may have at most 3",
			attempt: func(f *fixture, i int) error {
				return f.registry.TagResource(f.Context(), owner, ref.Resource{Account: owner.Account}, []registry.ResourceTag{{Key: fmt.Sprint("k", i)}})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.limit(registry.Limits{Repositories: 3, ImagesPerRepository: 3, TagsPerImage: 3, ResourceTags: 3})
			if c.prepare != nil {
				c.prepare(f)
			}
			equal(t, "how many succeed", f.race(c.kind, c.text, func(i int) error { return c.attempt(f, i) }), c.room)
		})
	}
}

func TestPartsAreLimitedInNumberForTheAPIOnly(t *testing.T) {
	f := newFixture(t)
	f.limit(registry.Limits{LayerParts: 3})
	up := f.start()
	n := f.race(registry.LimitExceeded, "The upload with id '"+up.ID+"' in the repository with name 'team/app' in registry with id '123456789012' already has the maximum allowed number of layer parts which is '3'", func(int) error {
		counted := part(-1, "abc")
		counted.Counted = true
		_, err := f.registry.AppendUpload(t.Context(), owner, app, up.ID, counted)
		return err
	})
	equal(t, "parts accepted", n, 3)
	_, err := f.registry.AppendUpload(t.Context(), owner, app, up.ID, part(-1, "abc"))
	f.must(err)
	_, err = f.finish(up, sum("abcabcabcabc"))
	f.must(err)
}

func TestLayersAreLimitedInSize(t *testing.T) {
	f := newFixture(t)
	f.limit(registry.Limits{LayerBytes: 10})
	const text = "The layer for the repository with name 'team/app' in registry with id '123456789012' exceeds the maximum allowed size which is '10' bytes"
	tooLarge := func(err error) {
		t.Helper()
		var refused *registry.Error // wrapped by the store that read the part
		if !errors.As(err, &refused) || refused.Kind != registry.LimitExceeded || refused.Message != text {
			t.Errorf("error %v", err)
		}
	}
	up := f.start("0123")
	for _, length := range []int64{7, -1} { // announced or not
		_, err := f.registry.AppendUpload(t.Context(), owner, app, up.ID, registry.Part{First: 4, Length: length, Body: strings.NewReader("4567890")})
		tooLarge(err)
	}
	equal(t, "offset", f.find(up).Offset, 4)
	_, err := f.registry.AppendUpload(t.Context(), owner, app, up.ID, registry.Part{First: 4, Length: -1, Body: strings.NewReader("456789")})
	f.must(err)
	_, err = f.registry.AppendUpload(t.Context(), owner, app, up.ID, part(-1, "x"))
	tooLarge(err)
	_, err = f.finish(up, sum("0123456789"))
	f.must(err)
}

// A body that fails at the limit fails with its own error.
func TestBodyThatFailsAtTheSizeLimit(t *testing.T) {
	f := newFixture(t)
	f.limit(registry.Limits{LayerBytes: 4})
	gone := errors.New("gone")
	up := f.start()
	body := io.MultiReader(strings.NewReader("0123"), errorReader{gone})
	_, err := f.registry.AppendUpload(t.Context(), owner, app, up.ID, registry.Part{First: 0, Length: -1, Body: body})
	if !errors.Is(err, gone) {
		t.Errorf("error %v, want %v", err, gone)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// A tag that moves away makes room, and a refused put leaves nothing behind.
func TestRefusedPutLeavesNothing(t *testing.T) {
	f := newFixture(t)
	f.limit(registry.Limits{TagsPerImage: 1, ImagesPerRepository: 2})
	first := f.putImage("first", "tag")
	_, err := f.tryPut(imageOf(sum("first")), "other")
	f.refused(err, registry.LimitExceeded, "")
	equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": first})
	second := f.putImage("second", "tag")
	equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": second})
	f.put(imageOf(sum("first")), "other")
	f.push("third")
	_, err = f.tryPut(imageOf(sum("third")), "third")
	f.refused(err, registry.LimitExceeded, "")
	equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": second, "other": first})
}
