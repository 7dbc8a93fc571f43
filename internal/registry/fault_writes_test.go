package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// write is a call that changes the registry by one transaction.
type write struct {
	name    string
	prepare func(f *fixture)
	do      func(f *fixture) error
	again   string // what the error says when it is done again; empty for none
	done    func(f *fixture) bool
}

var doomed = registry.Path{Registry: app.Registry, Name: "doomed"}

// putTagged puts an image of its own under each tag.
func putTagged(tags ...string) func(f *fixture) {
	return func(f *fixture) {
		for _, tag := range tags {
			f.putImage(tag, tag)
		}
	}
}

func hasTag(tag, config string) func(f *fixture) bool {
	return func(f *fixture) bool { return f.tags()[tag] == sum(imageOf(sum(config))) }
}

func lacksTag(tag string) func(f *fixture) bool {
	return func(f *fixture) bool { _, there := f.tags()[tag]; return !there }
}

// refuses asks the registry, through its caches, and says whether it refuses like that.
func refuses(f *fixture, kind registry.Kind, ask func() error) bool {
	err := ask()
	if err != nil && registry.KindOf(err) == registry.Internal {
		f.Error(err)
	}
	return registry.KindOf(err) == kind
}

var text = "some text"

var writes = []write{
	{"create a repository", nil, func(f *fixture) error {
		_, err := f.registry.CreateRepository(f.Context(), owner, doomed.Name, registry.Catalog{}, nil)
		return err
	}, "already exists", func(f *fixture) bool {
		_, err := f.registry.CheckLayers(f.Context(), owner, doomed, []ref.Digest{sum("x")})
		return err == nil
	}},
	{"delete a repository", func(f *fixture) {
		f.createRepository(owner, doomed.Name)
		f.pushTo(doomed, "layer")
	}, func(f *fixture) error {
		_, err := f.registry.DeleteRepository(f.Context(), owner, doomed, true)
		return err
	}, "does not exist", func(f *fixture) bool {
		return refuses(f, registry.RepositoryNotFound, func() error {
			_, err := f.registry.CheckLayers(f.Context(), owner, doomed, []ref.Digest{sum("layer")})
			return err
		})
	}},
	{"set a policy", func(f *fixture) { f.push("x") }, func(f *fixture) error {
		_, err := f.registry.SetPolicy(f.Context(), owner, app, allowStranger, false)
		return err
	}, "", strangerMayAsk},
	{"delete a policy", func(f *fixture) {
		f.push("x")
		_, err := f.registry.SetPolicy(f.Context(), owner, app, allowStranger, false)
		f.must(err)
	}, func(f *fixture) error {
		_, err := f.registry.DeletePolicy(f.Context(), owner, app)
		return err
	}, "does not exist", func(f *fixture) bool { return !strangerMayAsk(f) }},
	{"put catalog data", nil, func(f *fixture) error {
		_, err := f.registry.PutCatalog(f.Context(), owner, app, registry.Catalog{Description: &text})
		return err
	}, "", func(f *fixture) bool {
		catalog, err := f.registry.RepositoryCatalog(f.Context(), owner, app)
		f.must(err)
		return catalog.Description != nil
	}},
	{"put a display name", nil, func(f *fixture) error {
		return f.registry.PutDisplayName(f.Context(), owner, &text)
	}, "", func(f *fixture) bool {
		name, err := f.registry.DisplayName(f.Context(), owner)
		f.must(err)
		return name != nil
	}},
	{"tag a resource", nil, func(f *fixture) error {
		return f.registry.TagResource(f.Context(), owner, ref.Resource{Account: owner.Account, Repository: app.Name}, []registry.ResourceTag{{Key: "k", Value: "v"}})
	}, "", func(f *fixture) bool {
		tags, err := f.registry.ResourceTags(f.Context(), owner, ref.Resource{Account: owner.Account, Repository: app.Name})
		f.must(err)
		return len(tags) == 1
	}},
	{"cancel an upload", func(f *fixture) { f.start("abc") }, func(f *fixture) error {
		return f.registry.CancelUpload(f.Context(), owner, app, f.lastUpload)
	}, "does not exist", func(f *fixture) bool {
		return refuses(f, registry.UploadNotFound, func() error {
			_, err := f.registry.FindUpload(f.Context(), owner, app, f.lastUpload)
			return err
		})
	}},
	{"mount a layer", func(f *fixture) {
		f.createRepository(owner, doomed.Name)
		f.push("layer")
	}, func(f *fixture) error {
		_, err := f.registry.MountLayer(f.Context(), owner, doomed, app, sum("layer"))
		return err
	}, "", func(f *fixture) bool { return f.availableIn(doomed, sum("layer"))[0] }},
	{"delete a layer", func(f *fixture) { f.push("layer") }, func(f *fixture) error {
		return f.registry.DeleteLayer(f.Context(), owner, app, sum("layer"))
	}, "does not exist", func(f *fixture) bool { return !f.available(sum("layer"))[0] }},
	{"move a tag", putTagged("old", "new"), func(f *fixture) error {
		_, err := f.tryPut(imageOf(sum("new")), "old")
		return err
	}, "already exists", hasTag("old", "new")},
	{"delete a tag", putTagged("old"), func(f *fixture) error {
		return f.registry.DeleteTag(f.Context(), owner, app, "old")
	}, "does not exist", lacksTag("old")},
	{"delete an image", putTagged("old"), func(f *fixture) error {
		return f.registry.DeleteImage(f.Context(), owner, app, sum(imageOf(sum("old"))))
	}, "does not exist", lacksTag("old")},
	{"delete images", putTagged("old"), func(f *fixture) error {
		_, _, err := f.registry.DeleteImages(f.Context(), owner, app, []registry.ImageID{{Tag: "old"}})
		return err
	}, "", lacksTag("old")},
	{"make an account", nil, func(f *fixture) error {
		_, err := f.registry.CreateAccount(f.Context(), "111122223333", "fresh")
		return err
	}, "there already", func(f *fixture) bool {
		_, err := f.registry.AccountOf(f.Context(), registry.Caller{}, "fresh")
		return err == nil
	}},
	{"make an access key", nil, func(f *fixture) error {
		_, err := f.registry.CreateAccessKey(f.Context(), registry.AccessKey{ID: "AKIAFAULTFAULTFAULT0", Account: owner.Account, SealedSecret: []byte("sealed")})
		return err
	}, "conflict", func(f *fixture) bool {
		_, err := f.registry.AccessKey(f.Context(), "AKIAFAULTFAULTFAULT0")
		if err != nil && !errors.Is(err, registry.ErrAbsent) {
			f.Error(err)
		}
		return err == nil
	}},
}

const allowStranger = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr-public:BatchCheckLayerAvailability"}]}`

func strangerMayAsk(f *fixture) bool {
	_, err := f.registry.CheckLayers(f.Context(), stranger, app, []ref.Digest{sum("x")})
	return err == nil
}

// A write that fails has happened as a whole or not at all, whatever the caches knew before, and can be tried again.
func TestFaultOfMetaInEveryWriteThenRetry(t *testing.T) {
	for _, w := range writes {
		for name, apply := range forms {
			t.Run(w.name+", "+name, func(t *testing.T) {
				f := newFixture(t)
				if w.prepare != nil {
					w.prepare(f)
				}
				if w.done(f) {
					t.Fatal("it is done before it has begun")
				}
				f.failUpdateOnce(apply)
				f.faulted(w.do(f))
				if got := w.done(f); got != apply {
					t.Errorf("after a write that %s it is done: %v", name, got)
				}
				err := w.do(f)
				if apply && w.again != "" {
					if err == nil || !strings.Contains(err.Error(), w.again) {
						t.Errorf("done again after it happened: error %v, want one that says %q", err, w.again)
					}
				} else if err != nil {
					t.Errorf("done again: %v", err)
				}
				if !w.done(f) {
					t.Error("it was done again and is not done")
				}
			})
		}
	}
}
