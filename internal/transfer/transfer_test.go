package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/transfer"
)

func TestCopyIsTheSameRegistry(t *testing.T) {
	source, target := newSource(t), newStore(t)
	want := source.dump()
	report, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{Parallel: 4, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	target.equals(want)
	if err := transfer.CheckWhole(t.Context(), target.meta); err != nil {
		t.Errorf("a copy that is done: %v", err)
	}
	if report.Rows["tag"] != 3 || report.Blobs.Count != int64(len(want["blob"])) || report.Copied != report.Blobs || report.Broken.Count != 0 {
		t.Errorf("report %+v", report)
	}
	// It is a registry to go on with.
	target.pushImage("team/app", "3")
	if created := target.addRepository("new"); created.ID <= 3 {
		t.Errorf("a new repository has the id %d, and 3 were given before the copy", created.ID)
	}
}

func TestCopyGoesOnWhereAFaultStoppedIt(t *testing.T) {
	source := newStore(t)
	source.fillRoot()
	source.addRepository("team/app")
	source.pushImage("team/app", "1")
	want := source.dump()
	fault := errors.New("store is down")
	for _, side := range []string{"source", "target"} {
		for _, apply := range []bool{false, true} {
			if side == "source" && apply {
				continue // it is only read
			}
			for n, failed := 0, true; failed; n++ {
				t.Run(fmt.Sprintf("%s/%t/%d", side, apply, n), func(t *testing.T) {
					target := newStore(t)
					faulty := target
					if side == "source" {
						faulty = source
					}
					reached := faulty.failAt(n, apply, fault)
					_, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{})
					failed = reached()
					faulty.heal()
					if err != nil && !errors.Is(err, fault) {
						t.Fatalf("error %v, want the fault", err)
					}
					if err == nil {
						target.equals(want)
						return
					}
					if whole := transfer.CheckWhole(t.Context(), target.meta) == nil; whole {
						checkAllOrNothing(t, target, want)
					}
					_, err = transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{})
					if err != nil && !strings.Contains(err.Error(), "must be empty") { // it was whole, and only the answer was lost
						t.Fatal(err)
					}
					target.equals(want)
				})
			}
		}
	}
}

// checkAllOrNothing holds for a target without a mark.
func checkAllOrNothing(t *testing.T, target *store, want map[string][]string) {
	t.Helper()
	if len(target.dump()["tag"]) > 1 || len(target.dump()["blob"]) > 0 {
		target.equals(want)
	}
}

func TestCopyHasWhatIsPushedMeanwhile(t *testing.T) {
	source, target := newSource(t), newStore(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	var pushed atomic.Int64
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			source.pushImage("other", fmt.Sprint("meanwhile", i))
			pushed.Add(1)
		}
	}()
	for pushed.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	frozen := false
	_, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{Parallel: 2, Freeze: func(context.Context) error {
		close(stop)
		<-stopped
		frozen = true
		return nil
	}})
	if err != nil || !frozen {
		t.Fatalf("frozen %t, error %v", frozen, err)
	}
	target.equals(source.dump())
}

func TestCopyOfALiveRegistryIsOneInstant(t *testing.T) {
	source, target := newSource(t), newStore(t)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				source.pushImage("other", fmt.Sprint("meanwhile", i))
			}
		}
	}()
	_, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{})
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	target.dump() // reads the bytes of all blobs; foreign keys hold the rest
}

func TestBrokenBytesOfAnEarlierRunAreCopiedAgain(t *testing.T) {
	source, target := newSource(t), newStore(t)
	want := source.dump()
	target.blobs.AllowAbsent = true
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	_, err := transfer.Copy(ctx, source.pair(), target.pair(), transfer.Options{Freeze: func(context.Context) error { cancel(interrupted); return interrupted }})
	if !errors.Is(err, interrupted) {
		t.Fatalf("error %v", err)
	}
	for stored, err := range target.blobs.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := target.blobs.Delete(t.Context(), stored.Locator); err != nil {
			t.Fatal(err)
		}
		break
	}
	report, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target.equals(want)
	if report.Broken.Count != 1 || report.Copied.Count != 1 {
		t.Errorf("broken %+v, copied %+v, want one each", report.Broken, report.Copied)
	}
}

func TestCopyRefuses(t *testing.T) {
	source := newSource(t)
	refuses := func(name, want string, from, to *store) {
		t.Helper()
		before := to.dump()
		_, err := transfer.Copy(t.Context(), from.pair(), to.pair(), transfer.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
		to.equals(before)
	}
	refuses("nothing to copy", "holds no registry", newStore(t), newStore(t))

	used := newStore(t)
	if err := used.registry.EnsureRoot(t.Context(), registry.Root{Account: owner.Account, Alias: "other"}); err != nil {
		t.Fatal(err)
	}
	refuses("a target that is in use", "must be empty and holds a registry", source, used)

	bytes := newStore(t)
	u, err := bytes.blobs.Append(t.Context(), registry.Unfinished{Locator: strings.Repeat("0", 32)}, strings.NewReader("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bytes.blobs.Finish(t.Context(), u, nil); err != nil {
		t.Fatal(err)
	}
	refuses("bytes of another registry", "must be empty and holds bytes", source, bytes)

	half := newStore(t)
	stop := errors.New("stop")
	if _, err := transfer.Copy(t.Context(), source.pair(), half.pair(), transfer.Options{Freeze: func(context.Context) error { return stop }}); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err := transfer.CheckWhole(t.Context(), half.meta); err == nil {
		t.Error("half a registry passes for a whole one")
	}
	refuses("half a registry as the source", "half of a registry", half, newStore(t))
	t.Run("another", func(t *testing.T) {
		refuses("half of a copy of another registry", "half of a copy of another registry", newSource(t), half)
	})
}

func TestCopyNamesWhatIsDamagedAtTheSource(t *testing.T) {
	source, target := newSource(t), newStore(t)
	source.blobs.AllowAbsent = true
	d := source.pushLayer("other", "to be lost")
	var lost registry.Blob
	if err := source.meta.View(t.Context(), func(tx registry.Tx) (err error) { lost, err = tx.Blob(d); return err }); err != nil {
		t.Fatal(err)
	}
	if err := source.blobs.Delete(t.Context(), lost.Locator); err != nil {
		t.Fatal(err)
	}
	_, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{})
	if err == nil || !strings.Contains(err.Error(), d.String()) || !strings.Contains(err.Error(), "openecr verify") {
		t.Errorf("error %v", err)
	}
}

func TestKnownBytesAreNotCopiedAgain(t *testing.T) {
	source, first := newSource(t), newStore(t)
	if _, err := transfer.Copy(t.Context(), source.pair(), first.pair(), transfer.Options{}); err != nil {
		t.Fatal(err)
	}
	source.pushImage("team/app", "later")
	second := newStore(t)
	second.blobs = first.blobs
	report, err := transfer.Copy(t.Context(), source.pair(), second.pair(), transfer.Options{Known: first.meta})
	if err != nil {
		t.Fatal(err)
	}
	second.equals(source.dump())
	if report.Copied.Count != 2 { // a config and a layer
		t.Errorf("copied %+v, want what is new", report.Copied)
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := transfer.TimeForBytes(t.Context(), 1000, 10, 500)
		if took < 4*time.Second || took > 5*time.Second {
			t.Errorf("10 pieces of 500 bytes at 1000 bytes a second took %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if took := transfer.TimeForBytes(ctx, 1, 2, 1000); took != 0 {
			t.Errorf("a copy that has ended waits %s", took)
		}
	})
}
