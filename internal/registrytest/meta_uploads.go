package registrytest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testUploads(t *metaTest) {
	id := t.oneRepository()
	get := func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u1") }
	absent(t, "before it is made", get)
	want := registry.Upload{
		ID: "u1", Repository: id, Locator: "l1", Offset: 7, BlobState: []byte{1, 0}, Allotted: 5, Algorithm: ref.SHA512,
		HashState: []byte{0, 0xff}, LastPart: 3, LastState: []byte{2}, Parts: 2, ShortPart: true,
		CreatedAt: at(1), UpdatedAt: at(2),
	}
	t.update(func(tx registry.Tx) error { return tx.InsertUpload(want) })
	t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
		return tx.InsertUpload(registry.Upload{ID: "u1", Repository: id, Locator: "l2"})
	})
	t.refused("in a repository that is absent", nil, func(tx registry.Tx) error {
		return tx.InsertUpload(registry.Upload{ID: "u2", Repository: id + 1000, Locator: "l2"})
	})
	t.restart()
	t.equal("upload", read(t, get), want)
	t.update(func(tx registry.Tx) error { return tx.DeleteUpload("u1") })
	absent(t, "after it is deleted", get)
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteUpload("u1") })
}

func testAdvanceUpload(t *metaTest) {
	id := t.oneRepository()
	first := registry.Upload{ID: "u1", Repository: id, Locator: "l1", HashState: []byte("0"), CreatedAt: at(1), UpdatedAt: at(1)}
	bystander := registry.Upload{ID: "u2", Repository: id, Locator: "l2", HashState: []byte("0"), CreatedAt: at(1), UpdatedAt: at(1)}
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.InsertUpload(first) }, func() error { return tx.InsertUpload(bystander) })
	})
	// Only what a part changes is replaced.
	advanced := registry.Upload{
		ID: "u1", Repository: id + 1000, Locator: "other", Offset: 10, BlobState: []byte("notes"), Allotted: 9, HashState: []byte("10"), LastPart: 4,
		LastState: []byte("4"), Parts: 3, ShortPart: true,
		CreatedAt: at(9), UpdatedAt: at(2),
	}
	advance := func(u registry.Upload, from int64) func(registry.Tx) error {
		return func(tx registry.Tx) error { return tx.AdvanceUpload(u, from) }
	}
	t.update(advance(advanced, 0))
	t.refused("from an offset that is passed", registry.ErrConflict, advance(registry.Upload{ID: "u1", Offset: 20}, 0))
	t.refused("from an offset that is not reached", registry.ErrConflict, advance(registry.Upload{ID: "u1", Offset: 20}, 11))
	t.refused("an upload that is absent", registry.ErrAbsent, advance(registry.Upload{ID: "u3", Offset: 20}, 0))
	t.restart()
	want := advanced
	want.Repository, want.Locator, want.Allotted, want.CreatedAt = first.Repository, first.Locator, first.Allotted, first.CreatedAt
	t.equal("upload", read(t, func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u1") }), want)
	t.equal("another upload", read(t, func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u2") }), bystander)
}

func testAdvanceUploadOnceOfMany(t *metaTest) {
	id := t.oneRepository()
	t.update(func(tx registry.Tx) error {
		return tx.InsertUpload(registry.Upload{ID: "u1", Repository: id, Locator: "l1"})
	})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := t.meta.Update(context.Background(), func(tx registry.Tx) error {
				return tx.AdvanceUpload(registry.Upload{ID: "u1", Offset: int64(100 + i)}, 0)
			})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, registry.ErrConflict):
				t.Errorf("error %v, want ErrConflict", err)
			}
		})
	}
	wg.Wait()
	t.equal("writers at one offset that got through", won.Load(), int32(1))
}

func testAllotPart(t *metaTest) {
	id := t.oneRepository()
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertUpload(registry.Upload{ID: "u1", Repository: id, Locator: "l1"}) },
			func() error { return tx.InsertUpload(registry.Upload{ID: "u2", Repository: id, Locator: "l2"}) },
		)
	})
	const askers, times = 8, 5
	var mu sync.Mutex
	given := make(map[int]bool)
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			for range times {
				var n int
				err := t.meta.Update(context.Background(), func(tx registry.Tx) (err error) {
					n, err = tx.AllotPart("u1", at(5))
					return err
				})
				mu.Lock()
				if err != nil || given[n] {
					t.Errorf("AllotPart = %d, %v, want a number that was not given before", n, err)
				}
				given[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.restart()
	want := registry.Upload{ID: "u1", Repository: id, Locator: "l1", Allotted: askers * times}
	got := read(t, func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u1") })
	want.CreatedAt, want.UpdatedAt = got.CreatedAt, at(5)
	t.equal("upload", got, want)
	t.equal("another upload", read(t, func(tx registry.Tx) (int, error) { u, err := tx.Upload("u2"); return u.Allotted, err }), 0)
	t.refused("of an upload that is absent", registry.ErrAbsent, func(tx registry.Tx) error { _, err := tx.AllotPart("u3", at(5)); return err })
}
