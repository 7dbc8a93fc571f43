package registrytest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testFailedUpdateLeavesNothing(t *metaTest) {
	id := t.oneRepository()
	failure := errors.New("changed my mind")
	err := t.meta.Update(context.Background(), func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertSetting("s", []byte("v")) },
			func() error { return tx.DeleteRepository(id) },
			func() error { return failure },
		)
	})
	if err != failure { //nolint:errorlint // it must come back as it is
		t.Errorf("error %v, want the function's own", err)
	}
	t.restart()
	absent(t, "a setting", func(tx registry.Tx) ([]byte, error) { return tx.Setting("s") })
	read(t, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(aliasA), "app") })
}

func testPanicLeavesNothing(t *metaTest) {
	func() {
		defer func() { t.equal("what was recovered", recover(), any("oops")) }()
		_ = t.meta.Update(context.Background(), func(tx registry.Tx) error {
			if err := tx.InsertSetting("s", []byte("v")); err != nil {
				return err
			}
			panic("oops")
		})
	}()
	absent(t, "a setting", func(tx registry.Tx) ([]byte, error) { return tx.Setting("s") })
	t.update(func(tx registry.Tx) error { return tx.InsertSetting("s", []byte("v")) }) // the store still works

	func() {
		defer func() { t.equal("what was recovered from a view", recover(), any("oops")) }()
		_ = t.meta.View(context.Background(), func(registry.Tx) error { panic("oops") })
	}()
	read(t, func(tx registry.Tx) ([]byte, error) { return tx.Setting("s") })
}

func testCancelledContext(t *metaTest) {
	t.oneRepository()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ran := func(registry.Tx) error {
		t.Error("a function ran although its context had ended")
		return nil
	}
	_, _, find := t.meta.FindLayers(ctx, string(aliasA), "app", nil)
	for what, err := range map[string]error{
		"Update":     t.meta.Update(ctx, ran),
		"View":       t.meta.View(ctx, ran),
		"FindLayers": find,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", what, err)
		}
	}
}

func testOutcomeWhateverTheContextSays(t *metaTest) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var m registry.Meta = t.meta.(rehearsed).Meta // a rehearsal would end the context of the run that counts
	if err := m.Update(ctx, func(tx registry.Tx) error {
		cancel()
		return tx.InsertSetting("s", []byte("v"))
	}); err != nil {
		t.Errorf("an update whose function has begun: %v", err)
	}
	read(t, func(tx registry.Tx) ([]byte, error) { return tx.Setting("s") })
}

func testViewIsASnapshot(t *metaTest) {
	t.twoAccounts()
	list := func(tx registry.Tx) (n int, err error) {
		repositories, err := tx.Repositories(accountA, "", 100)
		return len(repositories), err
	}
	var before, after int
	t.view(func(tx registry.Tx) error {
		return do(
			func() (err error) { before, err = list(tx); return err },
			func() error {
				return t.meta.Update(context.Background(), func(tx registry.Tx) error {
					_, err := tx.InsertRepository(registry.Repository{Account: accountA, Name: "app", CreatedAt: at(2)})
					return err
				})
			},
			func() (err error) { after, err = list(tx); return err },
		)
	})
	t.equal("repositories at the start of the view", before, 0)
	t.equal("repositories at its end", after, 0)
	t.equal("repositories afterwards", read(t, list), 1)
}

func testViewRefusesWrites(t *metaTest) {
	id := t.oneRepository()
	l := t.layer(id, sha256Of("layer"))
	i := t.image(id, "image", nil)
	for what, write := range map[string]func(tx registry.Tx) error{
		"InsertAccount": func(tx registry.Tx) error { return tx.InsertAccount(registry.Account{ID: "333333333333"}) },
		"InsertSetting": func(tx registry.Tx) error { return tx.InsertSetting("s", []byte("v")) },
		"PutSetting":    func(tx registry.Tx) error { return tx.PutSetting("s", []byte("v")) },
		"InsertRepository": func(tx registry.Tx) error {
			_, err := tx.InsertRepository(registry.Repository{Account: accountA, Name: "new"})
			return err
		},
		"DeleteRepository": func(tx registry.Tx) error { return tx.DeleteRepository(id) },
		"KeepLayers":       func(tx registry.Tx) error { return tx.KeepLayers(id, []ref.Digest{l.Digest}, at(99)) },
		"InsertUpload":     func(tx registry.Tx) error { return tx.InsertUpload(registry.Upload{ID: "u", Repository: id}) },
		"DeleteImage":      func(tx registry.Tx) error { return tx.DeleteImage(id, i.Digest, at(99)) },
		"PutTag":           func(tx registry.Tx) error { return tx.PutTag(id, registry.Tag{Name: "t", Image: i.Digest}) },
	} {
		if err := t.meta.View(context.Background(), write); err == nil {
			t.Errorf("%s in a view succeeded", what)
		}
	}
	t.equal("the layer", read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, l.Digest) }), l)
	read(t, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, i.Digest) })
}

// Each update adds what it read to what it read, some fail, some readers watch: with serialisable transactions no
// addition is lost and nobody sees a half.
func testConcurrentUpdates(t *metaTest) {
	id := t.oneRepository()
	counters := []string{"left", "right"}
	t.update(func(tx registry.Tx) error {
		for _, c := range counters {
			if err := tx.InsertUpload(registry.Upload{ID: c, Repository: id, Locator: c}); err != nil {
				return err
			}
		}
		return nil
	})
	const goroutines, rounds = 16, 10
	failure := errors.New("this one is to fail")
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range rounds {
				err := t.meta.Update(context.Background(), func(tx registry.Tx) error {
					for _, c := range counters {
						if err := addOne(tx, c); err != nil {
							return err
						}
					}
					if g%4 == 0 {
						return failure
					}
					return nil
				})
				if g%4 == 0 && err != failure || g%4 != 0 && err != nil { //nolint:errorlint // it must come back as it is
					t.Errorf("goroutine %d: %v", g, err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				if err := t.meta.View(context.Background(), equalCounters); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	t.restart()
	t.view(equalCounters)
	got := read(t, func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("left") })
	t.equal("additions that were not to fail", got.Offset, int64(goroutines*3/4*rounds))
}

func addOne(tx registry.Tx, counter string) error {
	u, err := tx.Upload(counter)
	if err != nil {
		return err
	}
	u.Offset++
	return tx.AdvanceUpload(u, u.Offset-1)
}

func equalCounters(tx registry.Tx) error {
	left, err := tx.Upload("left")
	if err != nil {
		return err
	}
	right, err := tx.Upload("right")
	if err == nil && left.Offset != right.Offset {
		err = fmt.Errorf("a view sees half an update: %d and %d", left.Offset, right.Offset)
	}
	return err
}
