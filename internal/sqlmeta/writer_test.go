package sqlmeta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

// batch runs updates in one transaction: the first holds the writer until the others wait in the queue, in their order.
// It returns their errors.
func batch(s *Store, updates ...func(registry.Tx) error) []error {
	holding, release := make(chan struct{}), make(chan struct{})
	errs := make([]error, len(updates))
	var wg sync.WaitGroup
	wg.Go(func() {
		errs[0] = s.Update(context.Background(), func(tx registry.Tx) error {
			close(holding)
			<-release
			return updates[0](tx)
		})
	})
	<-holding
	for i, fn := range updates[1:] {
		wg.Go(func() { errs[i+1] = s.Update(context.Background(), fn) })
		waitForQueue(s, i+1)
	}
	close(release)
	wg.Wait()
	return errs
}

func waitForQueue(s *Store, n int) {
	for len(sqliteOf(s).queue) < n {
		runtime.Gosched()
	}
}

// stored says which of the settings are there.
func stored(t *testing.T, s *Store, names ...string) string {
	t.Helper()
	var there []string
	if err := s.View(context.Background(), func(tx registry.Tx) error {
		for _, name := range names {
			switch _, err := tx.Setting(name); {
			case err == nil:
				there = append(there, name)
			case !errors.Is(err, registry.ErrAbsent):
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(there, " ")
}

func TestQueuedUpdatesShareOneCommit(t *testing.T) {
	var w watcher
	s := openStore(t, w.options(t))
	w.take(nil)
	failure := errors.New("changed my mind")
	errs := batch(s,
		insertSetting("a"),
		func(tx registry.Tx) error { _ = insertSetting("b")(tx); return failure },
		insertSetting("c"),
		insertSetting("a"),
	)
	commits := 0
	for _, query := range w.take(nil) {
		if query == "COMMIT" {
			commits++
		}
	}
	if commits != 1 {
		t.Errorf("%d commits instead of 1", commits)
	}
	if errs[0] != nil || !errors.Is(errs[1], failure) || errs[2] != nil || !errors.Is(errs[3], registry.ErrConflict) {
		t.Errorf("each update has its own outcome, got %v", errs)
	}
	if got := stored(t, s, "a", "b", "c"); got != "a c" {
		t.Errorf("stored: %s", got)
	}
}

// A failed flush fails all that it was for, also those whose own failure may come from what is now undone.
func TestFailedCommitFailsTheBatch(t *testing.T) {
	var w watcher
	s := openStore(t, w.options(t))
	broken := errors.New("disk on fire")
	w.take(func(query string) error {
		if query == "COMMIT" {
			return broken
		}
		return nil
	})
	for i, err := range batch(s, insertSetting("a"), insertSetting("b"), insertSetting("a")) {
		if !errors.Is(err, broken) || errors.Is(err, registry.ErrConflict) {
			t.Errorf("update %d: error %v, want %v", i, err, broken)
		}
	}
	w.take(nil)
	if got := stored(t, s, "a", "b"); got != "" {
		t.Errorf("stored: %s", got)
	}
	if err := s.Update(context.Background(), insertSetting("a")); err != nil {
		t.Errorf("the next update: %v", err)
	}
}

func TestFailureOfAnyStatementIsAnError(t *testing.T) {
	for _, statement := range []string{"BEGIN IMMEDIATE", "SAVEPOINT turn", "INSERT INTO setting", "ROLLBACK TO turn", "RELEASE turn"} {
		t.Run(statement, func(t *testing.T) {
			var w watcher
			s := openStore(t, w.options(t))
			broken := errors.New("disk on fire")
			w.take(func(query string) error {
				if strings.HasPrefix(query, statement) {
					return broken
				}
				return nil
			})
			var own error
			want := broken
			if statement == "ROLLBACK TO turn" {
				own = errors.New("changed my mind")
				want = own
			}
			if err := s.Update(context.Background(), func(tx registry.Tx) error {
				return cmp.Or(insertSetting("a")(tx), own)
			}); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
			w.take(nil)
			if got := stored(t, s, "a"); got != "" {
				t.Errorf("stored: %s", got)
			}
			if err := s.Update(context.Background(), insertSetting("a")); err != nil {
				t.Errorf("the next update: %v", err)
			}
		})
	}
}

// A full disk makes SQLite roll back the whole transaction, and with it those before in the batch.
func TestFullDiskLeavesAWorkingStore(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	limitPages := func(n int) {
		if err := sqliteOf(s).session.script(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limitPages(1) // SQLite takes the present size instead
	large := func(tx registry.Tx) error {
		err := tx.InsertSetting("large", make([]byte, 1<<20))
		if err == nil {
			return errors.New("a full disk took a megabyte")
		}
		_ = tx.InsertSetting("behind", []byte("v")) // must not run outside the transaction that is gone
		return err
	}
	errs := batch(s, insertSetting("before"), large, insertSetting("after"))
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "full") {
		t.Errorf("error %v, want one about a full disk", errs[1])
	}
	acknowledged := ""
	if errs[0] == nil {
		acknowledged = "before "
	}
	if errs[2] == nil {
		acknowledged += "after"
	}
	if got := stored(t, s, "before", "large", "behind", "after"); got != strings.TrimSpace(acknowledged) {
		t.Errorf("stored %q, acknowledged %q", got, acknowledged)
	}
	limitPages(1 << 30)
	if err := s.Update(context.Background(), insertSetting("later")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestUpdateGivesUpItsPlaceWhenItsContextEnds(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	errs := batch(s,
		func(tx registry.Tx) error {
			done := make(chan struct{})
			go func() {
				defer close(done)
				err = s.Update(ctx, insertSetting("given up"))
			}()
			waitForQueue(s, 2) // behind the one below
			cancel()
			<-done // it does not wait for its turn
			return nil
		},
		insertSetting("kept"),
	)
	if !errors.Is(err, context.Canceled) || errors.Join(errs...) != nil {
		t.Errorf("error %v, want context.Canceled; others: %v", err, errs)
	}
	if got := stored(t, s, "given up", "kept"); got != "kept" {
		t.Errorf("stored: %s", got)
	}
}

// The context may end just when the turn comes.
func TestTurnOfAnUpdateWhoseContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u := &update{ran: make(chan error, 1)}
	u.run(ctx, &tx{}, func(registry.Tx) error {
		t.Error("the function ran")
		return nil
	})
	if err := <-u.ran; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestGoexitInAnUpdate(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	var wg sync.WaitGroup
	wg.Go(func() { // as t.FailNow does
		_ = s.Update(context.Background(), func(tx registry.Tx) error {
			_ = insertSetting("a")(tx)
			runtime.Goexit()
			return nil
		})
	})
	wg.Wait()
	if err := s.Update(context.Background(), insertSetting("b")); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s, "a", "b"); got != "b" {
		t.Errorf("stored: %s", got)
	}
}

func TestCloseWaitsForTheQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := openStore(t, Options{Path: path})
	closed := make(chan error, 1)
	errs := batch(s,
		func(tx registry.Tx) error {
			go func() { closed <- s.Close() }()
			for s.enter() == nil {
				s.inFlight.Done()
				runtime.Gosched()
			}
			return insertSetting("a")(tx)
		},
		insertSetting("b"),
	)
	if err := errors.Join(append(errs, <-closed)...); err != nil {
		t.Error(err)
	}
	if got := stored(t, openStore(t, Options{Path: path}), "a", "b"); got != "a b" {
		t.Errorf("stored: %s", got)
	}
}

// More updates than the queue holds: some are still outside it when the store closes.
func TestCloseAmongUpdates(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "meta.db")
		s := openStore(t, Options{Path: path})
		var mu sync.Mutex
		var acknowledged []string
		var started, done sync.WaitGroup
		for g := range 2 * maxBatch {
			started.Add(1)
			done.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprint(g, ".", i)
					err := s.Update(context.Background(), insertSetting(name))
					if i == 0 {
						started.Done()
					}
					if err != nil {
						if !errors.Is(err, errClosed) {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
				}
			})
		}
		started.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		done.Wait()
		if got := stored(t, openStore(t, Options{Path: path}), acknowledged...); got != strings.Join(acknowledged, " ") {
			t.Errorf("acknowledged %v, stored %s", acknowledged, got)
		}
	}
}
