package registrytest

import (
	"fmt"
	"slices"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testExpiredLayers(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 5) // promised until at(10)
	t.layer(other, layers[0].Digest)
	keep := func(n int, i int) {
		t.update(func(tx registry.Tx) error { return tx.KeepLayers(id, []ref.Digest{layers[i].Digest}, at(n)) })
	}
	keep(12, 1)
	keep(11, 2)
	keep(13, 3)
	t.image(id, "image", layers[4:])
	t.restart()
	expired := func(now, limit int) []registry.ExpiredLayer {
		return read(t, func(tx registry.Tx) ([]registry.ExpiredLayer, error) { return tx.ExpiredLayers(at(now), limit) })
	}
	row := func(repository int64, i int) registry.ExpiredLayer {
		return registry.ExpiredLayer{Repository: repository, Digest: layers[i].Digest, Size: layers[i].Size}
	}
	t.equal("before any", len(expired(9, 10)), 0)
	t.equal("the longest expired first", expired(12, 10), []registry.ExpiredLayer{row(id, 0), row(other, 0), row(id, 2), row(id, 1)})
	t.equal("as many as asked for", expired(12, 3), []registry.ExpiredLayer{row(id, 0), row(other, 0), row(id, 2)})
}

func testUnusedBlobs(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	shared, mine, left := sha256Of("shared"), sha256Of("mine"), sha512Of("left")
	t.layer(id, shared)
	t.layer(id, mine)
	t.layer(id, left)
	t.layer(other, shared)
	collect := func(limit int) (taken []ref.Digest) {
		for more := true; more; {
			var blobs []registry.Blob
			t.update(func(tx registry.Tx) (err error) {
				blobs, more, err = tx.DeleteUnusedBlobs(limit)
				return err
			})
			for _, b := range blobs {
				t.equal("what was taken", b, registry.Blob{Digest: b.Digest, Size: 100, Locator: b.Digest.Hex(), CreatedAt: at(3)})
				taken = append(taken, b.Digest)
				absent(t, "a blob that was taken", func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(b.Digest) })
			}
		}
		return taken
	}
	t.equal("while every blob has a layer", len(collect(10)), 0)
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.DeleteLayer(id, shared) }, func() error { return tx.DeleteLayer(id, mine) })
	})
	t.restart()
	t.equal("without a layer", collect(10), []ref.Digest{mine})
	read(t, func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(shared) })

	// A blob that gets a layer again in time stays.
	t.update(func(tx registry.Tx) error { return tx.DeleteLayer(id, left) })
	t.layer(id, left)
	t.equal("with a layer again", len(collect(10)), 0)

	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.DeleteRepository(id) }, func() error { return tx.DeleteRepository(other) })
	})
	taken := collect(1)
	slices.SortFunc(taken, byDigest)
	want := []ref.Digest{shared, left}
	slices.SortFunc(want, byDigest)
	t.equal("of deleted repositories, one by one", taken, want)
}

func testReleasedBytes(t *metaTest) {
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.ReleaseBytes("b", at(2)) },
			func() error { return tx.ReleaseBytes("c", at(1)) },
			func() error { return tx.ReleaseBytes("a", at(2)) },
			func() error { return tx.ReleaseBytes("d", at(3)) },
		)
	})
	t.refused("released again", registry.ErrConflict, func(tx registry.Tx) error { return tx.ReleaseBytes("a", at(4)) })
	t.restart()
	released := func(until, limit int) []string {
		return read(t, func(tx registry.Tx) ([]string, error) { return tx.ReleasedBytes(at(until), limit) })
	}
	t.equal("before any", len(released(0, 10)), 0)
	t.equal("the longest released first", released(2, 10), []string{"c", "a", "b"})
	t.equal("as many as asked for", released(3, 2), []string{"c", "a"})
	forget := func(tx registry.Tx) error { return tx.ForgetBytes("a") }
	t.update(forget)
	t.update(forget)
	t.equal("after one was forgotten", released(3, 10), []string{"c", "b", "d"})
}

func testAbandonedUploads(t *metaTest) {
	id := t.oneRepository()
	all := make([]registry.Upload, 6)
	for i := range all {
		all[i] = registry.Upload{
			ID: fmt.Sprint("u", i), Repository: id, Locator: fmt.Sprint("l", i), Offset: int64(i), HashState: []byte("state"),
			CreatedAt: at(0), UpdatedAt: at(i / 2),
		}
	}
	t.update(func(tx registry.Tx) error {
		for _, u := range slices.Backward(all) {
			if err := tx.InsertUpload(u); err != nil {
				return err
			}
		}
		return nil
	})
	t.restart()
	for n := 1; n <= 5; n++ {
		got := pages(t, n, func(tx registry.Tx, last *registry.Upload, n int) ([]registry.Upload, error) {
			var after registry.Upload
			if last != nil {
				after = *last
			}
			return tx.AbandonedUploads(at(2), after, n)
		})
		t.equal(fmt.Sprintf("in pages of %d", n), got, all[:4])
	}
}

func testLocatorNamed(t *metaTest) {
	id := t.oneRepository()
	t.layer(id, sha256Of("layer"))
	t.update(func(tx registry.Tx) error {
		return do(
			func() error {
				return tx.InsertUpload(registry.Upload{ID: "u", Repository: id, Locator: "of an upload"})
			},
			func() error { return tx.ReleaseBytes("released", at(1)) },
			func() error {
				return tx.InsertQuarantined(registry.Quarantined{Kind: "blob", Locator: "in quarantine", Row: []byte(`{}`), At: at(1)})
			},
			func() error {
				return tx.InsertQuarantined(registry.Quarantined{Kind: "tag", Row: []byte(`{}`), At: at(1)})
			},
		)
	})
	for locator, want := range map[string]bool{
		sha256Of("layer").Hex(): true, "of an upload": true, "in quarantine": true, "released": true, "of nobody": false, "": false,
	} {
		t.equal("locator "+locator, read(t, func(tx registry.Tx) (bool, error) { return tx.LocatorNamed(locator) }), want)
	}
}

func testGarbage(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	garbage := func(now int) registry.Garbage {
		return read(t, func(tx registry.Tx) (registry.Garbage, error) { return tx.Garbage(at(now), at(now-1)) })
	}
	t.equal("of nothing", garbage(20), registry.Garbage{})
	layers := t.layers(id, 4)        // promised until at(10)
	t.layer(other, layers[0].Digest) // shared and expired in both
	t.layer(other, layers[1].Digest) // shared and kept in one
	t.image(other, "image", layers[1:2])
	t.image(id, "image", layers[2:3])
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.DeleteLayer(id, layers[3].Digest) },
			func() error {
				return tx.InsertUpload(registry.Upload{ID: "u", Repository: id, Offset: 7, UpdatedAt: at(8)})
			},
		)
	})
	t.equal("before the promises end", garbage(9), registry.Garbage{Blobs: registry.Tally{Count: 1, Bytes: 100}})
	t.equal("after they ended", garbage(10), registry.Garbage{
		Layers:  registry.Tally{Count: 3, Bytes: 300},
		Blobs:   registry.Tally{Count: 2, Bytes: 200},
		Uploads: registry.Tally{Count: 1, Bytes: 7},
	})
}
