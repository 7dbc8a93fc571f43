package registrytest

import (
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testLayersAndBlobsInPages(t *metaTest) {
	id := t.oneRepository()
	t.equal("blobs at first", read(t, registry.Tx.CountBlobs), registry.Tally{})
	layers := append(t.layers(id, 6), t.layer(id, sha512Of("long")))
	elsewhere := t.layer(t.repository(accountA, "other"), sha256Of("of another repository"))
	t.equal("blobs", read(t, registry.Tx.CountBlobs), registry.Tally{Count: 8, Bytes: 800})
	want := sortedLayers(layers)
	var digests []ref.Digest
	for _, l := range append(layers, elsewhere) {
		digests = append(digests, l.Digest)
	}
	slices.SortFunc(digests, byDigest)
	for n := 1; n <= 7; n++ {
		t.equal("layers", pages(t, n, func(tx registry.Tx, last *registry.Layer, n int) ([]registry.Layer, error) {
			var after ref.Digest
			if last != nil {
				after = last.Digest
			}
			return tx.LayersAfter(id, after, n)
		}), want)
		blobs := pages(t, n, func(tx registry.Tx, last *registry.Blob, n int) ([]registry.Blob, error) {
			var after ref.Digest
			if last != nil {
				after = last.Digest
			}
			return tx.BlobsAfter(after, n)
		})
		var got []ref.Digest
		for _, b := range blobs {
			got = append(got, b.Digest)
		}
		t.equal("blobs", got, digests)
	}
}

func testLayerLost(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 2)
	d := layers[0].Digest
	t.layer(other, d)
	t.image(id, "first", layers)
	t.image(id, "second", layers[:1])
	t.equal("holders", read(t, func(tx registry.Tx) ([]int64, error) { return tx.Holders(d) }), []int64{id, other})
	t.refused("a blob that layers need", nil, func(tx registry.Tx) error { return tx.DeleteBlob(d) })

	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.LoseLayer(id, d) },
			func() error { return tx.LoseLayer(other, d) },
			func() error { return tx.DeleteBlob(d) },
		)
	})
	t.restart()
	absent(t, "the layer", func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, d) })
	absent(t, "the blob", func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(d) })
	t.equal("holders of what was lost", len(read(t, func(tx registry.Tx) ([]int64, error) { return tx.Holders(d) })), 0)
	t.refused("a layer lost again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.LoseLayer(id, d) })
	t.refused("a blob deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteBlob(d) })
	read(t, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, sha256Of("first")) })
	kept := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[1].Digest) })
	t.equal("until when the other layer is kept", kept.KeepUntil, time.Time{})

	// Its images have it again as soon as it comes.
	t.layer(id, d)
	again := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, d) })
	t.equal("until when the layer is kept that came again", again.KeepUntil, time.Time{})
	t.equal("its media type", again.MediaType, layers[0].MediaType)
	t.refused("taking it from its images", nil, func(tx registry.Tx) error { return tx.DeleteLayer(id, d) })
}

func testQuarantine(t *metaTest) {
	want := []registry.Quarantined{
		{Kind: "layer", Row: []byte(`{"b":1,"a":"\u0000<"}`), Why: "its bytes are gone", At: at(2)},
		{Kind: "blob", Locator: "l", Row: []byte(`{}`), Why: "é", At: at(1)},
	}
	t.equal("at first", len(read(t, registry.Tx.Quarantined)), 0)
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.InsertQuarantined(want[0]) }, func() error { return tx.InsertQuarantined(want[1]) })
	})
	t.restart()
	t.equal("rows", read(t, registry.Tx.Quarantined), want)
}
