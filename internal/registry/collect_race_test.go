package registry_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Two nodes push, delete and collect with a lease so short that it runs out all the time. A push that skipped a layer
// because it was AVAILABLE must be able to put its image until the lease has gone by the clock.
func TestPromisesHoldBesideCollection(t *testing.T) {
	// On a busy machine nothing may be done within the first lease.
	for lease := 40 * time.Millisecond; !promisesHold(t, lease); lease *= 4 {
		if lease > 10*time.Second {
			t.Fatalf("no push skipped a layer and was done within %s: nothing was tried", lease)
		}
	}
}

// promisesHold says whether anything was tried: pushes that skipped a layer, and pushes within the lease.
func promisesHold(t *testing.T, lease time.Duration) bool {
	const clients, rounds = 4, 60
	f := newFixture(t)
	f.blobs.Now = nil
	node := func(now func() time.Time) *registry.Registry {
		return registry.New(registry.Config{Meta: f.meta, Blobs: f.store, Host: "registry.test", Lease: lease, Now: now})
	}
	nodes := []*registry.Registry{node(time.Now), node(time.Now)}
	for i := range clients {
		for _, content := range raceLayers(i) {
			f.known[sum(content)] = true
		}
	}

	ctx, stop := context.WithCancel(t.Context())
	var collecting, pushing sync.WaitGroup
	collecting.Go(func() {
		for ctx.Err() == nil {
			if _, err := nodes[0].Collect(ctx, registry.CollectRules{}); err != nil && ctx.Err() == nil {
				t.Errorf("collect: %v", err)
			}
			if _, err := nodes[0].CollectStrays(ctx, registry.CollectRules{}); err != nil && ctx.Err() == nil {
				t.Errorf("collect strays: %v", err)
			}
		}
	})
	var skipped, kept sync.Map
	for i := range clients {
		pushing.Go(func() {
			p := racer{f, nodes[i%2], rand.New(rand.NewPCG(uint64(i), 2)), lease}
			for round := range rounds {
				skips, inTime := p.push(raceLayers(i), fmt.Sprint("tag-", i))
				skipped.Store([2]int{i, round}, skips)
				kept.Store([2]int{i, round}, inTime)
			}
		})
	}
	pushing.Wait()
	stop()
	collecting.Wait()
	// Once all promises have run out, only what images need is stored.
	later := node(func() time.Time { return time.Now().Add(3 * day) })
	_, err := later.Collect(t.Context(), registry.CollectRules{})
	f.must(err)
	_, err = later.CollectStrays(t.Context(), registry.CollectRules{})
	f.must(err)
	needed := 0
	f.view(app, func(tx registry.Tx, repo registry.Repository) error {
		layers, err := tx.LayersAfter(repo.ID, ref.Digest{}, 1000)
		needed = len(layers)
		return err
	})
	equal(t, "places with bytes", f.stored(), needed)
	return countTrue(&skipped) > 0 && countTrue(&kept) > 0
}

// raceLayers are those of one client and one of all.
func raceLayers(client int) []string { return []string{"shared", fmt.Sprint("of client ", client)} }

func countTrue(m *sync.Map) (n int) {
	m.Range(func(_, v any) bool {
		if v.(bool) {
			n++
		}
		return true
	})
	return n
}

type racer struct {
	*fixture
	registry *registry.Registry
	*rand.Rand
	lease time.Duration
}

// push is what docker does. It says whether a layer was skipped, and whether all was done within the lease.
func (r racer) push(contents []string, tag string) (skipped, inTime bool) {
	digests := make([]ref.Digest, len(contents))
	for i, content := range contents {
		digests[i] = sum(content)
	}
	began := time.Now()
	statuses, err := r.registry.CheckLayers(r.Context(), owner, app, digests)
	if err != nil {
		r.Errorf("check: %v", err)
		return false, false
	}
	for i, s := range statuses {
		if skipped = skipped || s.Available; s.Available {
			continue
		}
		if err := r.upload(contents[i]); err != nil && registry.KindOf(err) != registry.LayerAlreadyExists {
			r.Errorf("upload: %v", err)
		}
	}
	_, err = r.registry.PutImage(r.Context(), owner, app, registry.NewImage{Manifest: []byte(imageOf(digests[0], digests...)), Tags: []string{tag}})
	inTime = time.Since(began) < r.lease-time.Millisecond // the registry counts whole ones
	if err != nil && registry.KindOf(err) != registry.ImageAlreadyExists && (inTime || registry.KindOf(err) != registry.LayersNotFound) {
		r.Errorf("put an image %s after its layers were promised for %s: %v", time.Since(began), r.lease, err)
	}
	if r.IntN(3) > 0 {
		_, _, err := r.registry.DeleteImages(r.Context(), owner, app, tagged(tag))
		if err != nil {
			r.Errorf("delete: %v", err)
		}
	}
	return skipped, inTime
}

func (r racer) upload(content string) error {
	up, err := r.registry.StartUpload(r.Context(), owner, app)
	if err != nil {
		return err
	}
	if _, err := r.registry.AppendUpload(r.Context(), owner, app, up.ID, part(0, content)); err != nil {
		return err
	}
	_, err = r.registry.FinishUpload(r.Context(), owner, app, up.ID, []string{sum(content).String()}, registry.FinishRules{})
	return err
}
