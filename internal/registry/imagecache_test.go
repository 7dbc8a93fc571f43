package registry_test

import (
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// alone makes the registry of the fixture the only user of its store.
func (f *fixture) alone() {
	f.registry = registry.New(registry.Config{Meta: f.meta, Blobs: f.blobs, Now: f.now, Alone: true})
}

func (f *fixture) pulled(id registry.ImageID) (ref.Digest, registry.Kind) {
	image, err := f.registry.PullImage(f.Context(), app, id)
	return image.Digest, registry.KindOf(err)
}

func TestPullsAreAnsweredFromMemoryUntilSomethingChanges(t *testing.T) {
	f := newFixture(t)
	f.alone()
	config := f.push("config")
	next := imageOf(config, config)
	first, second := f.put(imageOf(config), "latest"), f.put(next, "next")
	latest, byDigest := registry.ImageID{Tag: "latest"}, registry.ImageID{Digest: first.String()}
	pulls := func(what string, id registry.ImageID, want ref.Digest) {
		t.Helper()
		for range 2 {
			got, _ := f.pulled(id)
			equal(t, what, got, want)
		}
		equal(t, what+": statements from memory", f.counted(func() { f.pulled(id) }), 0)
	}
	pulls("by tag", latest, first)
	pulls("by digest", byDigest, first)

	f.put(imageOf(config, config, config), "other")
	pulls("after another push", latest, first)
	f.must(f.registry.DeleteTag(t.Context(), owner, app, "next"))
	f.put(next, "latest")
	pulls("a moved tag", latest, second)

	f.must(f.registry.DeleteImage(t.Context(), owner, app, first))
	_, kind := f.pulled(byDigest)
	equal(t, "a deleted image", kind, registry.ImageNotFound)
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	_, kind = f.pulled(latest)
	equal(t, "a deleted repository", kind, registry.RepositoryNotFound)
}

// Another node may change what this one remembers: a tag is never remembered then, and a digest for two seconds.
func TestPullsOfAFleet(t *testing.T) {
	f := newFixture(t)
	config := f.push("config")
	image := f.put(imageOf(config), "latest")
	other := registry.New(registry.Config{Meta: f.meta, Blobs: f.blobs, Now: f.now})
	byDigest := registry.ImageID{Digest: image.String()}
	f.pulled(byDigest)
	f.pulled(registry.ImageID{Tag: "latest"})
	f.must(other.DeleteImage(t.Context(), owner, app, image))
	_, kind := f.pulled(registry.ImageID{Tag: "latest"})
	equal(t, "tag", kind, registry.ImageNotFound)
	f.advance(2 * time.Second)
	_, kind = f.pulled(byDigest)
	equal(t, "digest after two seconds", kind, registry.ImageNotFound)
}

// A store of one's own needs no statement every two seconds, and still nothing is seen too late.
func TestAloneRepositoriesAreRememberedForLonger(t *testing.T) {
	f := newFixture(t)
	f.alone()
	a := f.push("a")
	f.available(a)
	f.advance(59 * time.Second)
	equal(t, "statements", f.counted(func() { f.available(a) }), 0)
	f.setPolicy(`{"Effect":"Deny","Principal":"*","Action":"*"}`)
	_, err := f.registry.CheckLayers(t.Context(), owner, app, []ref.Digest{a})
	f.refused(err, registry.AccessDenied, "")
}
