package registry_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// A small memory forgets a part of what it knew, and says nothing wrong.
func TestMemoryIsBounded(t *testing.T) {
	f := newFixture(t)
	layers := fill(f, app, 1000)
	f.registry = registry.New(registry.Config{Meta: f.meta, Blobs: f.blobs, Now: f.now, CacheBytes: 1}) // hundreds of layers all the same
	f.available(layers...)
	var statements int64
	for _, layer := range layers {
		statements += f.counted(func() { equal(t, "layer", f.available(layer), []bool{true}) })
	}
	if statements == 0 || statements == int64(len(layers)) {
		t.Errorf("%d of %d layers were forgotten, want some", statements, len(layers))
	}
}

// What is forgotten no longer counts, so a busy repository does not use the budget up.
func TestMemoryIsGivenBack(t *testing.T) {
	f := newFixture(t)
	f.blobs.AllowAbsent = true // fill makes rows without bytes
	layers := fill(f, app, 5)
	f.registry = registry.New(registry.Config{Meta: f.meta, Blobs: f.blobs, Now: f.now, CacheBytes: 2500})
	f.available(layers...)
	for i := range layers {
		f.createRepository(owner, "passing")
		_, err := f.registry.DeleteRepository(t.Context(), owner, registry.Path{Name: "passing"}, false) // forgets names
		f.must(err)
		f.put(imageOf(layers[0], layers[i])) // forgets these layers
		f.available(layers[0], layers[i])
		equal(t, "statements of a hit", f.counted(func() { f.available(layers...) }), 0)
	}
}

func TestRepositoryThatIsDeletedIsForgottenAtOnce(t *testing.T) {
	f := newFixture(t)
	a := f.push("a")
	f.available(a)
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	_, err = f.registry.CheckLayers(t.Context(), owner, app, []ref.Digest{a})
	f.refused(err, registry.RepositoryNotFound, "")
}

// An image put while a check reads must not leave the media type of before in memory.
func TestAnswerReadBeforeAPutIsNotRememberedAfterIt(t *testing.T) {
	f := newFixture(t)
	config := f.push("config")
	f.meta.onFind = func() { f.put(imageOf(config), "tag") }
	f.available(config)
	status, err := f.registry.StatLayer(t.Context(), app, config)
	f.must(err)
	equal(t, "media type", status.MediaType, ociConfig)
}

func TestConcurrentPushesChecksAndDeletes(t *testing.T) {
	f := newFixture(t)
	shared := f.push("shared")
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for round := range 5 {
				content := fmt.Sprintf("layer %d of client %d", round, client)
				config, err := f.finish(f.start(content), sum(content))
				if err != nil {
					t.Error(err)
					return
				}
				manifest, tag := imageOf(config.Digest, shared), fmt.Sprint("client-", client)
				if _, err := f.tryPut(manifest, tag); err != nil {
					t.Error(err)
				}
				statuses, err := f.registry.CheckLayers(t.Context(), owner, app, []ref.Digest{shared, config.Digest})
				if err != nil || !statuses[0].Available || !statuses[1].Available {
					t.Errorf("check: %v, %v", statuses, err)
				}
				if round%2 == 0 {
					if _, failures, err := f.registry.DeleteImages(t.Context(), owner, app, tagged(tag)); err != nil || len(failures) > 0 {
						t.Errorf("delete: %v, %v", failures, err)
					}
				}
				f.advance(time.Hour)
			}
		})
	}
	clients.Wait()
	equal(t, "images that stay", len(f.images()), 2*4)
}
