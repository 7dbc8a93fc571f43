package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const day = 24 * time.Hour

func (f *fixture) collect() registry.Collected {
	f.Helper()
	done, err := f.registry.Collect(f.Context(), registry.CollectRules{})
	f.must(err)
	return done
}

func (f *fixture) collectStrays() registry.Collected {
	f.Helper()
	done, err := f.registry.CollectStrays(f.Context(), registry.CollectRules{})
	f.must(err)
	return done
}

// expire lets all promises of this moment run out.
func (f *fixture) expire() { f.advance(2 * registry.Lease) }

func tally(count, bytes int64) registry.Tally { return registry.Tally{Count: count, Bytes: bytes} }

func TestCollectionTakesOnlyWhatNobodyNeeds(t *testing.T) {
	f := newFixture(t)
	other := registry.Path{Registry: app.Registry, Name: "other"}
	f.createRepository(owner, other.Name)
	alone, shared, held := f.push("alone"), f.push("shared"), f.push("held")
	f.put(imageOf(held), "tag")
	f.advance(registry.Lease)
	f.pushTo(other, "shared")
	fresh := f.push("fresh")
	equal(t, "while all is promised", f.collect(), registry.Collected{})

	f.advance(registry.Lease)
	want := registry.Collected{Garbage: registry.Garbage{Layers: tally(2, 11), Blobs: tally(1, 5)}}
	would, err := f.registry.Collect(t.Context(), registry.CollectRules{DryRun: true})
	f.must(err)
	equal(t, "what would be collected", would, want)
	equal(t, "what was collected", f.collect(), want)
	equal(t, "layers that are there", f.available(alone, shared, held, fresh), []bool{false, false, true, true})
	equal(t, "in another repository", f.availableIn(other, shared), []bool{true})
	equal(t, "places with bytes", f.stored(), 3)
	equal(t, "collected again", f.collect(), registry.Collected{})
}

func TestLayersOfDeletedImagesAndRepositoriesAreCollected(t *testing.T) {
	f := newFixture(t)
	doomed := registry.Path{Registry: app.Registry, Name: "doomed"}
	f.createRepository(owner, doomed.Name)
	f.pushTo(doomed, "of a deleted repository")
	image := f.putImage("of a deleted image")
	f.must(f.registry.DeleteImage(t.Context(), owner, app, image))
	_, err := f.registry.DeleteRepository(t.Context(), owner, doomed, true)
	f.must(err)
	equal(t, "at once", f.collect().Garbage, registry.Garbage{Blobs: tally(1, 23)})
	f.expire()
	equal(t, "after its promise", f.collect().Garbage, registry.Garbage{Layers: tally(1, 18), Blobs: tally(1, 18)})
	equal(t, "places with bytes", f.stored(), 0)
}

// A push that was told AVAILABLE has a whole lease to put its image (invariant 2).
func TestWhatACheckPromisedOutlivesALease(t *testing.T) {
	for _, age := range []time.Duration{0, time.Hour, registry.Lease - 1, registry.Lease, registry.Lease + time.Minute, 2*registry.Lease - time.Millisecond} {
		t.Run(age.String(), func(t *testing.T) {
			f := newFixture(t)
			d := f.push("layer")
			f.available(d) // remembered
			f.advance(age)
			equal(t, "available", f.available(d), []bool{true})
			f.advance(registry.Lease - time.Millisecond)
			equal(t, "collected", f.collect(), registry.Collected{})
			f.put(imageOf(d), "tag")
			f.expire()
			equal(t, "collected from under the image", f.collect(), registry.Collected{})
		})
	}
}

// Memory must not promise what collection is about to take.
func TestNothingCollectedIsAnsweredFromMemory(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	elsewhere := f.node()
	for range 100 {
		f.advance(30 * time.Minute)
		for _, node := range []*registry.Registry{f.registry, elsewhere} {
			_, err := node.CheckLayers(t.Context(), owner, app, []ref.Digest{d})
			f.must(err)
		}
	}
	equal(t, "kept by checks alone", f.collect(), registry.Collected{})
	f.expire()
	equal(t, "layers collected", f.collect().Layers, tally(1, 5))
	statuses, err := elsewhere.CheckLayers(t.Context(), owner, app, []ref.Digest{d})
	f.must(err)
	equal(t, "available on another node", statuses[0].Available, false)
	f.push("layer")
	equal(t, "available once pushed again", f.available(d), []bool{true})
}

func TestCheckRightBeforeCollectionWins(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	f.expire()
	f.meta.onUpdate = func() { equal(t, "available", f.available(d), []bool{true}) }
	equal(t, "collected", f.collect(), registry.Collected{})
	equal(t, "promise", f.keepUntil(d), f.now().Add(2*registry.Lease))
}

func TestCheckThatCollectionOvertakesSaysAbsent(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	f.expire()
	f.meta.onFind = func() { f.collect() }
	equal(t, "available", f.available(d), []bool{false})
}

func TestPullThatCollectionOvertakesSaysAbsent(t *testing.T) {
	f := newFixture(t)
	f.blobs.AllowAbsent = true
	d := f.push("layer")
	f.expire()
	var collected bool
	f.blobs.Fault = func(op, _ string) (bool, error) {
		if op == "Open" && !collected {
			collected = true
			f.collect()
		}
		return true, nil
	}
	_, err := f.registry.OpenLayer(t.Context(), app, d)
	f.refused(err, registry.LayerNotFound, "")

	// Bytes that are lost are another matter.
	f.blobs.Fault = nil
	d = f.push("lost")
	for stored, err := range f.blobs.List(t.Context()) {
		f.must(err)
		f.must(f.blobs.Delete(t.Context(), stored.Locator))
	}
	_, err = f.registry.OpenLayer(t.Context(), app, d)
	f.refused(err, registry.Internal, "")
	f.must(f.registry.DeleteLayer(t.Context(), owner, app, d))
}

func TestAbandonedUploadsAreCollected(t *testing.T) {
	f := newFixture(t)
	abandoned, kept, empty := f.start("abc"), f.start("abc"), f.start()
	f.advance(day)
	equal(t, "a day old", f.collect(), registry.Collected{})
	kept, err := f.append(kept, part(3, "def"))
	f.must(err)
	f.advance(time.Millisecond)
	equal(t, "older", f.collect().Garbage, registry.Garbage{Uploads: tally(2, 3)})
	for _, up := range []registry.Upload{abandoned, empty} {
		_, err = f.append(up, part(-1, "def"))
		f.refused(err, registry.UploadNotFound, "")
	}
	equal(t, "places with bytes", f.stored(), 1)
	_, err = f.finish(kept, sum("abcdef"))
	f.must(err)
}

// onRead runs once, at the first read.
type onRead struct {
	io.Reader
	fn func()
}

func (r *onRead) Read(b []byte) (int, error) {
	if r.fn != nil {
		r.fn()
		r.fn = nil
	}
	return r.Reader.Read(b)
}

// A client on a slow line may take longer for a part than others leave an upload alone.
func TestUploadThatIsBusyIsNotAbandoned(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	slow := part(3, "def")
	slow.Body = &onRead{slow.Body, func() {
		f.advance(2 * day)
		equal(t, "collected", f.collect(), registry.Collected{})
	}}
	up, err := f.append(up, slow)
	f.must(err)
	_, err = f.finish(up, sum("abcdef"))
	f.must(err)
}

func TestStraysAreCollectedOnceTheyAreOld(t *testing.T) {
	f := newFixture(t)
	d, up := f.push("named by a blob"), f.start("named by an upload")
	f.strayBytes("stray")
	apart := f.strayBytes("in quarantine")
	f.must(f.meta.Update(t.Context(), func(tx registry.Tx) error {
		return tx.InsertQuarantined(registry.Quarantined{Kind: "blob", Locator: apart, Row: []byte("{}")})
	}))
	f.advance(day)
	equal(t, "young", f.collectStrays(), registry.Collected{Listed: 4})
	f.advance(time.Millisecond)
	would, err := f.registry.CollectStrays(t.Context(), registry.CollectRules{DryRun: true})
	f.must(err)
	want := registry.Collected{Strays: tally(1, 5), Listed: 4}
	equal(t, "what would be collected", would, want)
	equal(t, "old", f.collectStrays(), want)
	equal(t, "places with bytes", f.stored(), 3)
	equal(t, "layer", f.available(d), []bool{true})
	_, err = f.finish(up, sum("named by an upload"))
	f.must(err)
}

// strayBytes stores bytes that no row names, and says where.
func (f *fixture) strayBytes(content string) string {
	f.Helper()
	up := f.start(content)
	f.must(f.meta.Update(f.Context(), func(tx registry.Tx) error { return tx.DeleteUpload(up.ID) }))
	return up.Locator
}

// A crash between the commit that took a row and the bytes is the same as bytes that cannot be removed.
func TestBytesThatCannotBeRemovedGoWithTheNextRun(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.push("one")
			f.push("two")
			f.start("three")
			f.expire()
			f.faultOnce("Delete", apply)
			done, err := f.registry.Collect(t.Context(), registry.CollectRules{})
			f.faulted(err)
			equal(t, "collected", done, registry.Collected{
				Garbage: registry.Garbage{Layers: tally(2, 6), Blobs: tally(2, 6), Uploads: tally(1, 5)}, Failed: 1,
			})
			equal(t, "strays", f.collectStrays().Strays, registry.Tally{})
			equal(t, "collected again", f.collect(), registry.Collected{})
			equal(t, "places with bytes", f.stored(), 0)
		})
	}
}

// A database that falls back by less than the bytes linger has rows again, and their bytes.
func TestBytesLingerBehindTheirRow(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	f.start("upload")
	var blob registry.Blob
	f.must(f.meta.View(t.Context(), func(tx registry.Tx) (err error) {
		blob, err = tx.Blob(d)
		return err
	}))
	f.expire()
	rules := registry.CollectRules{Linger: time.Hour}
	collect := func() registry.Collected {
		t.Helper()
		done, err := f.registry.Collect(t.Context(), rules)
		f.must(err)
		return done
	}
	equal(t, "collected", collect().Garbage, registry.Garbage{Layers: tally(1, 5), Blobs: tally(1, 5), Uploads: tally(1, 6)})
	f.advance(time.Hour - time.Millisecond)
	equal(t, "collected again", collect(), registry.Collected{})
	equal(t, "strays", f.collectStrays().Strays, registry.Tally{})
	equal(t, "places with bytes", f.stored(), 2)
	r, err := f.store.Open(t.Context(), blob.Locator)
	f.must(err)
	f.must(r.Close())
	f.advance(time.Millisecond)
	collect()
	equal(t, "places with bytes an hour later", f.stored(), 0)
}

func TestFaultOfMetaInCollectionThenRetry(t *testing.T) {
	for name, apply := range forms {
		for failing := range 6 { // the job, layers, blobs, upload, released bytes, the job again
			t.Run(fmt.Sprint(name, " in update ", failing), func(t *testing.T) {
				f := newFixture(t)
				held := f.push("held")
				f.put(imageOf(held), "tag")
				f.push("one")
				f.start("two")
				f.expire()
				updates := 0
				f.meta.failUpdate = func() (bool, error) {
					updates++
					if updates == failing+1 {
						return apply, errFault
					}
					return true, nil
				}
				if _, err := f.registry.Collect(t.Context(), registry.CollectRules{}); failing < 5 {
					f.faulted(err)
				} else {
					f.must(err)
				}
				f.meta.heal()
				f.advance(day + time.Minute) // the job too may be held until its lease ends
				f.collect()
				f.collectStrays()
				equal(t, "places with bytes", f.stored(), 1)
				equal(t, "layer of an image", f.available(held), []bool{true})
			})
		}
	}
}

func TestOneCollectionAtATime(t *testing.T) {
	f := newFixture(t)
	job, err := registry.TakeJob(t.Context(), f.meta, registry.JobCollect, f.now)
	f.must(err)
	refused := func() {
		t.Helper()
		if _, err := f.registry.Collect(t.Context(), registry.CollectRules{}); !errors.Is(err, registry.ErrJobTaken) {
			t.Errorf("collection beside another: %v", err)
		}
	}
	refused()
	for range 5 {
		f.advance(time.Minute)
		f.must(job.Keep(t.Context()))
		refused()
	}
	f.advance(2 * time.Minute) // its holder died
	f.collect()
	other, err := registry.TakeJob(t.Context(), f.meta, registry.JobCollect, f.now)
	f.must(err)
	if err := job.Keep(t.Context()); !errors.Is(err, registry.ErrJobTaken) {
		t.Errorf("keeping a job that was lost: %v", err)
	}
	job.Leave(t.Context()) // leaves the other one's alone
	refused()
	other.Leave(t.Context())
	f.collect()
}

func TestStraysAreSearchedForOnceForAllNodes(t *testing.T) {
	f := newFixture(t)
	f.strayBytes("stray")
	searched := func(node *registry.Registry) bool {
		t.Helper()
		done, err := node.CollectStrays(t.Context(), registry.CollectRules{StraysEvery: day})
		f.must(err)
		return done.Listed > 0
	}
	elsewhere := f.node()
	f.faultOnce("List", false)
	_, err := f.registry.CollectStrays(t.Context(), registry.CollectRules{StraysEvery: day})
	f.faulted(err)
	equal(t, "after one that failed", searched(f.registry), true)
	equal(t, "on another node", searched(elsewhere), false)
	f.advance(day - time.Millisecond)
	equal(t, "again", searched(f.registry), false)
	f.advance(time.Millisecond)
	equal(t, "a day later", searched(elsewhere), true)
	equal(t, "a day later on the first", searched(f.registry), false)
	f.advance(time.Millisecond)
	equal(t, "when asked for", f.collectStrays().Strays, tally(1, 5))
}

func TestCollectionGoesInBatchesAtItsRate(t *testing.T) {
	f := newFixture(t)
	for i := range 7 {
		f.push(fmt.Sprint("layer ", i))
	}
	f.expire()
	var heard []registry.Collected
	began := time.Now()
	const rate = 50
	done, err := f.registry.Collect(t.Context(), registry.CollectRules{Rate: rate, Progress: func(c registry.Collected) { heard = append(heard, c) }})
	f.must(err)
	equal(t, "collected", done.Garbage, registry.Garbage{Layers: tally(7, 49), Blobs: tally(7, 49)})
	if took, least := time.Since(began), 14*time.Second/rate; took < least {
		t.Errorf("14 things took %s at a rate of %d in a second, want at least %s", took, rate, least)
	}
	equal(t, "the last that was heard", heard[len(heard)-1], done)

	f.start("slow")
	f.start("idle")
	f.advance(2 * day)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = f.registry.Collect(ctx, registry.CollectRules{Rate: 1, Progress: func(c registry.Collected) {
		if c.Uploads.Count > 0 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("collection that was stopped: %v", err)
	}
	equal(t, "collected afterwards", f.collect().Uploads, tally(1, 4))
}
