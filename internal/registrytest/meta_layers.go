package registrytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testBlobRows(t *metaTest) {
	for _, d := range []ref.Digest{sha256Of("content"), sha512Of("content")} {
		get := func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(d) }
		absent(t, "before it is made", get)
		want := registry.Blob{Digest: d, Size: 1 << 40, Locator: "2026/" + d.Hex(), CreatedAt: at(1)}
		t.update(func(tx registry.Tx) error { return tx.InsertBlob(want) })
		t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
			return tx.InsertBlob(registry.Blob{Digest: d, Size: 1, Locator: "other"})
		})
		t.restart()
		t.equal("the first blob", read(t, get), want)
	}
}

func testLayers(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	for _, d := range []ref.Digest{sha256Of("content"), sha512Of("content")} {
		get := func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, d) }
		absent(t, "before it is made", get)
		t.refused("without its blob", nil, func(tx registry.Tx) error { return tx.InsertLayer(id, registry.Layer{Digest: d}) })
		want := t.layer(id, d)
		t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
			return tx.InsertLayer(id, registry.Layer{Digest: d, Size: 1})
		})
		t.refused("in a repository that is absent", nil, func(tx registry.Tx) error {
			return tx.InsertLayer(id+1000, registry.Layer{Digest: d})
		})
		t.restart()
		t.equal("layer", read(t, get), want)
		absent(t, "in another repository", func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(other, d) })
	}
}

func testLayersAmongDigests(t *metaTest) {
	id := t.oneRepository()
	layers := append(t.layers(id, 3), t.layer(id, sha512Of("long")))
	other := t.repository(accountA, "other")
	t.layer(other, sha256Of("of another repository"))
	digests := []ref.Digest{sha256Of("of another repository"), sha256Of("nobody's"), sha512Of("nobody's")}
	for _, l := range layers[1:] {
		digests = append(digests, l.Digest, l.Digest) // a digest given twice is one layer
	}
	among := func(digests []ref.Digest) []registry.Layer {
		return read(t, func(tx registry.Tx) ([]registry.Layer, error) { return tx.Layers(id, digests) })
	}
	t.equal("layers", sortedLayers(among(digests)), sortedLayers(layers[1:]))
	t.equal("layers among no digests", len(among(nil)), 0)
}

func testKeepLayers(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 4) // promised until at(10)
	untouched := t.layer(other, layers[0].Digest)
	t.image(id, "image", layers[3:])
	keep := func(n int, layers ...registry.Layer) {
		t.update(func(tx registry.Tx) error {
			var digests []ref.Digest
			for _, l := range layers {
				digests = append(digests, l.Digest)
			}
			return tx.KeepLayers(id, digests, at(n))
		})
	}
	keep(20, layers[0], layers[3], registry.Layer{Digest: sha256Of("absent")})
	keep(5, layers[1])
	keep(30)
	t.restart()
	for i, until := range map[int]int{0: 20, 1: 10, 2: 10} {
		got := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[i].Digest) })
		t.equal(fmt.Sprintf("layer %d is kept until", i), got.KeepUntil, at(until))
	}
	got := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[3].Digest) })
	if !got.KeepUntil.IsZero() {
		t.Errorf("a layer that an image references has keepUntil %v", got.KeepUntil)
	}
	got = read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(other, layers[0].Digest) })
	t.equal("the layer of another repository", got, untouched)
}

func testFindLayers(t *metaTest) {
	id := t.oneRepository()
	layers := append(t.layers(id, 100), t.layer(id, sha512Of("long")))
	t.image(id, "image", layers[:1])
	layers[0].KeepUntil = time.Time{}
	absentDigests := []ref.Digest{sha256Of("absent"), sha512Of("absent")}
	digests := slices.Clone(absentDigests)
	for _, l := range layers {
		digests = append(digests, l.Digest)
	}
	want := read(t, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(aliasA), "app") })
	want.Catalog = registry.Catalog{}
	for _, registryName := range []string{string(aliasA), string(accountA)} {
		for what, c := range map[string]struct {
			digests []ref.Digest
			layers  []registry.Layer
		}{
			"none":                  {nil, nil},
			"one that is there":     {digests[2:3], layers[:1]},
			"those that are absent": {absentDigests, nil},
			"all":                   {digests, layers},
			"one three times":       {[]ref.Digest{digests[5], digests[5], digests[5]}, layers[3:4]},
		} {
			got, found, err := t.meta.FindLayers(context.Background(), registryName, "app", c.digests)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			t.equal("repository", got, want)
			t.equal(what, sortedLayers(found), sortedLayers(c.layers))
		}
	}
	for _, where := range []struct {
		registry string
		name     ref.RepositoryName
	}{{string(aliasA), "nothing"}, {"nobody", "app"}, {string(accountB), "app"}, {"999999999999", "app"}} {
		if _, _, err := t.meta.FindLayers(context.Background(), where.registry, where.name, digests); !errors.Is(err, registry.ErrAbsent) {
			t.Errorf("in %s/%s: error %v, want ErrAbsent", where.registry, where.name, err)
		}
	}
}

// A media type comes from a client's manifest and may be anything.
func testFindLayersWithHostileMediaType(t *metaTest) {
	id := t.oneRepository()
	layers := t.layers(id, 3)
	var digests []ref.Digest
	for i, mediaType := range []string{"a b\n0 1 2 3 é\x01", "", " 1 2 3"} {
		layers[i].MediaType, layers[i].KeepUntil = mediaType, time.Time{}
		digests = append(digests, layers[i].Digest)
	}
	t.image(id, "image", layers)
	_, found, err := t.meta.FindLayers(context.Background(), string(aliasA), "app", digests)
	if err != nil {
		t.Fatal(err)
	}
	t.equal("layers", sortedLayers(found), sortedLayers(layers))
}

func testLayerDeleted(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 2)
	elsewhere := t.layer(other, layers[0].Digest)
	t.image(id, "image", layers[1:])
	t.update(func(tx registry.Tx) error { return tx.DeleteLayer(id, layers[0].Digest) })
	t.restart()
	absent(t, "after it is deleted", func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[0].Digest) })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteLayer(id, layers[0].Digest) })
	t.equal("the layer of another repository", read(t, func(tx registry.Tx) (registry.Layer, error) {
		return tx.Layer(other, layers[0].Digest)
	}), elsewhere)
	read(t, func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(layers[0].Digest) })

	t.refused("one that an image references", nil, func(tx registry.Tx) error { return tx.DeleteLayer(id, layers[1].Digest) })
	read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[1].Digest) })
}
