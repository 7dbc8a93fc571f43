package registry_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

var raceFor = flag.Duration("duration", 0, "how long TestPromisesHoldInTheRaceRig goes on after its two seconds: make soak")

// The race rig: on two nodes over one pair of stores, clients check, push, mount, pull and delete, and beside them
// everything that looks after the data runs in loops: collection with a lease of milliseconds, verification and backups.
// Nobody may see a promise broken:
//
//   - a push that skipped a layer because it was AVAILABLE, or mounted it, puts its image until the lease has gone by the clock
//   - an image that is there has all its layers, and these have their bytes
//   - verification finds nothing, meanwhile or in a backup or in the end
//   - nothing is left over, once all promises have run out
//
// Owners may break their own promises: in repository "wild" layers and the repository itself are deleted, so a push may
// fail there. Still no answer may be one that clients cannot understand.
func TestPromisesHoldInTheRaceRig(t *testing.T) {
	raceRigOver(t, func(f *fixture) { f.overFolder(t.TempDir()) })
}

// raceRigOver runs the rig over other stores than those of a fixture.
func raceRigOver(t *testing.T, stores func(*fixture)) {
	t.Helper()
	// On a busy machine nothing may be done within the first lease.
	lease := 40 * time.Millisecond
	for ; !runRaceRig(t, stores, lease, max(2*time.Second, 5*lease)) && !t.Failed(); lease *= 4 {
		if lease > 10*time.Second {
			t.Fatalf("no push skipped a layer and was done within %s: nothing was tried", lease)
		}
	}
	if *raceFor > 0 {
		runRaceRig(t, stores, lease, *raceFor)
	}
}

var (
	keptPaths = []registry.Path{app, {Registry: string(ownerAlias), Name: "kept"}}
	wildPath  = registry.Path{Registry: app.Registry, Name: "wild"}
)

type raceRig struct {
	*fixture
	nodes     []*registry.Registry
	lease     time.Duration
	abandoned time.Duration // how old uploads must be to be collected, and bytes without a row
	contents  []string      // of layers that pushes share
	images    chan pushedImage

	pushes, kept, pulls, collected, verified, backups atomic.Int64 // kept: pushes that relied on a promise and were done within it
}

// pushedImage is one that is deleted when enough others have been pushed, so that there is always garbage.
type pushedImage struct {
	registry.Path
	ref.Digest
}

// runRaceRig says whether any push relied on a promise.
func runRaceRig(t *testing.T, stores func(*fixture), lease, long time.Duration) bool {
	f := newFixture(t)
	stores(f)
	r := &raceRig{fixture: f, lease: lease, abandoned: 5 * time.Second, images: make(chan pushedImage, 10)}
	for i := range 12 {
		content := filled(fmt.Sprint("layer ", i), 1+i*i*2000)
		r.contents = append(r.contents, content)
		f.known[sum(content)] = true
	}
	_, err := registry.EnsureSetting(t.Context(), f.meta, "token-key", []byte("what copies know the registry by"))
	f.must(err)
	r.nodes = []*registry.Registry{r.nodeAt(time.Now), r.nodeAt(time.Now)}
	f.createRepository(owner, keptPaths[1].Name)
	f.createRepository(owner, wildPath.Name)

	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	var running sync.WaitGroup
	loop := func(do func()) {
		running.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				do()
			}
		})
	}
	for i := range 6 {
		c := raceClient{r, r.nodes[i%2], rand.New(rand.NewPCG(uint64(i), 1))}
		loop(c.step)
	}
	loop(r.collectOn)
	loop(func() { r.verifyAll(r.nodes[1]) })
	backups := 0
	loop(func() {
		r.backUp(filepath.Join(t.TempDir(), fmt.Sprint(backups)))
		backups++
	})
	running.Wait()
	r.checkEnd()
	t.Logf("lease %s: %d pushes, of which %d relied on a promise and were done within it; %d pulls; %d layers collected; %d verifications and %d backups of what was there",
		lease, r.pushes.Load(), r.kept.Load(), r.pulls.Load(), r.collected.Load(), r.verified.Load(), r.backups.Load())
	return r.kept.Load() > 0 && r.collected.Load() > 0
}

func (r *raceRig) nodeAt(now func() time.Time) *registry.Registry {
	return registry.New(registry.Config{Meta: r.meta, Blobs: r.store, Host: "registry.test", Lease: r.lease, Now: now})
}

func (r *raceRig) collectOn() {
	rules := registry.CollectRules{Abandoned: r.abandoned, Grace: r.abandoned}
	done, err := r.nodes[0].Collect(r.Context(), rules)
	if err == nil {
		_, err = r.nodes[0].CollectStrays(r.Context(), rules)
	}
	r.collected.Add(done.Layers.Count)
	if errors.Is(err, registry.ErrJobTaken) {
		time.Sleep(time.Millisecond) // a backup holds it
	} else if err != nil {
		r.Errorf("collect: %v", err)
	}
}

func (r *raceRig) verifyAll(node *registry.Registry) {
	_, err := node.Verify(r.Context(), whole, func(f registry.Fault) { r.Errorf("verify: %s", f) })
	if err != nil {
		r.Error(err)
	}
	r.verified.Add(1)
	time.Sleep(r.lease / 4) // let others have a turn
}

// backUp copies as app.Backup does, and looks whether the copy is whole.
func (r *raceRig) backUp(dir string) {
	job, err := registry.TakeJob(r.Context(), r.meta, registry.JobCollect, time.Now)
	if errors.Is(err, registry.ErrJobTaken) {
		time.Sleep(time.Millisecond)
		return
	}
	r.must(err)
	blobs, err := blobfs.Open(filepath.Join(dir, "blobs"))
	r.must(err)
	meta, err := sqlmeta.Open(r.Context(), sqlmeta.Options{Path: filepath.Join(dir, "rows.db")})
	r.must(err)
	_, err = transfer.Copy(r.Context(), transfer.Pair{Meta: r.meta, Blobs: r.store}, transfer.Pair{Meta: meta, Blobs: blobs}, transfer.Options{Parallel: 2})
	job.Leave(r.Context())
	if err != nil {
		r.Errorf("backup: %v", err)
	} else {
		r.verifyAll(registry.New(registry.Config{Meta: meta, Blobs: blobs}))
		r.backups.Add(1)
	}
	r.must(meta.Close())
	time.Sleep(r.lease) // likewise, collection in the first place
}

// checkEnd: once all promises have run out, only what images need is stored, and it is whole.
func (r *raceRig) checkEnd() {
	later := r.nodeAt(func() time.Time { return time.Now().Add(3 * day) })
	_, err := later.Collect(r.Context(), registry.CollectRules{})
	r.must(err)
	_, err = later.CollectStrays(r.Context(), registry.CollectRules{})
	r.must(err)
	r.verifyAll(later)
	needed := make(map[ref.Digest]bool)
	for _, p := range append(keptPaths, wildPath) {
		r.view(p, func(tx registry.Tx, repo registry.Repository) error {
			layers, err := tx.LayersAfter(repo.ID, ref.Digest{}, 1000)
			for _, l := range layers {
				needed[l.Digest] = true
			}
			return err
		})
	}
	equal(r, "places with bytes", r.stored(), len(needed))
}

type raceClient struct {
	*raceRig
	registry *registry.Registry
	*rand.Rand
}

func (c raceClient) step() {
	kept := keptPaths[c.IntN(len(keptPaths))]
	switch c.IntN(10) {
	case 0, 1, 2:
		c.push(kept)
	case 3:
		c.push(wildPath)
	case 4, 5:
		c.pull(kept)
	case 6:
		c.pull(wildPath)
	case 7, 8:
		_, _, err := c.registry.DeleteImages(c.Context(), owner, kept, tagged(c.tag()))
		c.fine("delete images", err)
	case 9:
		c.wreck()
	}
}

func (c raceClient) tag() string { return fmt.Sprint("tag-", c.IntN(5)) }

// fine fails the test for an error that no client could understand.
func (c raceClient) fine(what string, err error) {
	if err != nil && registry.KindOf(err) == registry.Internal {
		c.Errorf("%s: %v", what, err)
	}
}

// push is what docker does: it asks for all layers, brings what is missing, and puts the image.
func (c raceClient) push(p registry.Path) {
	contents := []string{fmt.Sprint("of one push ", c.pushes.Add(1))}
	for _, i := range c.Perm(len(c.contents))[:1+c.IntN(3)] {
		contents = append(contents, c.contents[i])
	}
	digests := make([]ref.Digest, len(contents))
	for i, content := range contents {
		digests[i] = sum(content)
	}
	began := time.Now()
	statuses, err := c.registry.CheckLayers(c.Context(), owner, p, digests)
	if err != nil {
		c.refused(p, "check", err, registry.Internal)
		return
	}
	relied := false
	for i, s := range statuses {
		if s.Available {
			relied = true
			continue
		}
		mounted, err := c.registry.MountLayer(c.Context(), owner, p, keptPaths[c.IntN(2)], digests[i])
		c.refused(p, "mount", err, registry.Internal)
		if mounted {
			relied = true
		} else if err := c.upload(p, contents[i]); err != nil {
			c.refused(p, "upload", err, registry.LayerAlreadyExists)
		}
	}
	image, err := c.registry.PutImage(c.Context(), owner, p, registry.NewImage{Manifest: []byte(imageOf(digests[0], digests...)), Tags: []string{c.tag()}})
	inTime := time.Since(began) < c.lease-time.Millisecond // the registry counts whole ones
	if inTime || registry.KindOf(err) != registry.LayersNotFound {
		c.refused(p, fmt.Sprintf("put an image %s after its layers were promised for %s", time.Since(began), c.lease), err, registry.ImageAlreadyExists)
	}
	if relied && inTime && p != wildPath {
		c.kept.Add(1)
	}
	if err == nil {
		c.retire(pushedImage{p, image.Digest})
	}
}

// retire deletes the image that was pushed ten images before.
func (c raceClient) retire(pushed pushedImage) {
	for {
		select {
		case c.images <- pushed:
			return
		case oldest := <-c.images:
			_, _, err := c.registry.DeleteImages(c.Context(), owner, oldest.Path, digested(oldest.Digest))
			c.fine("delete an image", err)
		}
	}
}

// refused fails the test for an error of any other kind than the one expected, in a repository where nobody breaks
// promises.
func (c raceClient) refused(p registry.Path, what string, err error, expected registry.Kind) {
	c.fine(what, err)
	if err != nil && p != wildPath && registry.KindOf(err) != expected {
		c.Errorf("%s: %v", what, err)
	}
}

// upload leaves one in many unfinished.
func (c raceClient) upload(p registry.Path, content string) error {
	up, err := c.registry.StartUpload(c.Context(), owner, p)
	if err != nil {
		return err
	}
	half := c.IntN(len(content))
	for _, piece := range []string{content[:half], content[half:]} {
		if _, err := c.registry.AppendUpload(c.Context(), owner, p, up.ID, part(-1, piece)); err != nil {
			return err
		}
		if c.IntN(50) == 0 {
			return c.upload(p, content)
		}
	}
	_, err = c.registry.FinishUpload(c.Context(), owner, p, up.ID, []string{sum(content).String()}, registry.FinishRules{})
	return err
}

// pull reads an image with all its layers. What is missing is a fault only if the image is still there.
func (c raceClient) pull(p registry.Path) {
	id := registry.ImageID{Tag: c.tag()}
	image, err := c.registry.FindImage(c.Context(), p, id)
	c.fine("find an image", err)
	if err != nil {
		return
	}
	layers, _ := named(image.Manifest, "layers")
	for _, d := range layers {
		if err = c.read(p, d); err != nil {
			break
		}
	}
	c.fine("pull", err)
	c.pulls.Add(1)
	if err == nil {
		return
	}
	now, again := c.registry.FindImage(c.Context(), p, registry.ImageID{Digest: image.Digest.String()})
	if again == nil && now.PushedAt.Equal(image.PushedAt) {
		c.Errorf("an image is there, but: %v", err)
	}
}

func (c raceClient) read(p registry.Path, d ref.Digest) error {
	content, err := c.registry.OpenLayer(c.Context(), p, d)
	if err != nil {
		return err
	}
	defer content.Close()
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return err
	}
	if got := ref.NewDigest(ref.SHA256, h.Sum(nil)); got != d {
		c.Errorf("layer %s has the bytes of %s", d, got)
	}
	return nil
}

// wreck deletes what pushes to the wild repository rely on.
func (c raceClient) wreck() {
	if c.IntN(3) > 0 {
		c.fine("delete a layer", c.registry.DeleteLayer(c.Context(), owner, wildPath, sum(c.contents[c.IntN(len(c.contents))])))
		return
	}
	_, err := c.registry.DeleteRepository(c.Context(), owner, wildPath, c.IntN(2) == 0)
	c.fine("delete a repository", err)
	if err == nil {
		_, err = c.registry.CreateRepository(c.Context(), owner, wildPath.Name, registry.Catalog{}, nil)
		c.fine("create a repository", err)
	}
}
