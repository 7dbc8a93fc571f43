package registrytest

import (
	"fmt"
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testImage(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 2)
	for _, want := range []registry.Image{
		newImage("plain", layers),
		newImage("a layer named twice", []registry.Layer{layers[0], layers[1], layers[0]}),
		{
			Digest: sha512Of("full"), MediaType: "application/vnd.oci.image.index.v1+json", ArtifactMediaType: "application/x", ArtifactType: "application/y",
			Manifest: []byte("full\x00\xff"), Size: 1 << 40, PushedAt: at(5), Subject: sha256Of("a subject that need not be there"),
			Children: []ref.Digest{sha256Of("plain"), sha256Of("plain")},
		},
	} {
		get := func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, want.Digest) }
		absent(t, "before it is made", get)
		t.update(func(tx registry.Tx) error { return tx.InsertImage(id, want) })
		t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
			return tx.InsertImage(id, registry.Image{Digest: want.Digest, Manifest: []byte("other")})
		})
		t.restart()
		want.Layers, want.Children = nil, nil
		t.equal("image", read(t, get), want)
		absent(t, "in another repository", func(tx registry.Tx) (registry.Image, error) { return tx.Image(other, want.Digest) })
	}
}

func testImagesCounted(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	count := func(what string, want int) {
		t.Helper()
		t.equal(what, read(t, func(tx registry.Tx) (int, error) { return tx.CountImages(id) }), want)
	}
	count("before there is one", 0)
	var last registry.Image
	for i := range 5 {
		last = t.image(id, fmt.Sprint("image ", i), nil)
	}
	t.image(other, "image 0", nil)
	t.refused("the same again", registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertImage(id, last) })
	count("images", 5)
	t.restart()
	t.update(func(tx registry.Tx) error { return tx.DeleteImage(id, last.Digest, at(9)) })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteImage(id, last.Digest, at(9)) })
	count("after one is deleted", 4)
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
	count("after all are deleted", 0)
}

func testImagesInPages(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	t.image(other, "of another repository", nil)
	var want []registry.Image
	for i := range 7 {
		want = append(want, listed(t.image(id, fmt.Sprint("image ", i), nil)))
	}
	long := registry.Image{Digest: sha512Of("long"), MediaType: "m", Subject: sha256Of("subject"), PushedAt: at(1)}
	t.update(func(tx registry.Tx) error { return tx.InsertImage(id, long) })
	want = append(want, long)
	byKey := func(a, b registry.Image) int { return byDigest(a.Digest, b.Digest) }
	slices.SortFunc(want, byKey)
	for _, size := range []int{1, 3, len(want), 100} {
		got := pages(t, size, func(tx registry.Tx, last *registry.Image, n int) ([]registry.Image, error) {
			var after ref.Digest
			if last != nil {
				after = last.Digest
			}
			return tx.Images(id, after, n)
		})
		t.equal("images in order", got, want)
	}

	among := read(t, func(tx registry.Tx) ([]registry.Image, error) {
		return tx.ImagesByDigest(id, []ref.Digest{want[7].Digest, sha256Of("of another repository"), want[2].Digest, want[2].Digest})
	})
	slices.SortFunc(among, byKey)
	t.equal("images by digest", among, []registry.Image{want[2], want[7]})
}

func testImageTakesLayersOutOfCollection(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	layers := t.layers(id, 2)
	elsewhere := t.layer(other, layers[0].Digest)
	referenced := layers[0]
	referenced.MediaType = "application/vnd.first"
	t.image(id, "first", []registry.Layer{referenced})
	referenced.MediaType = "application/vnd.second"
	t.image(id, "second", []registry.Layer{referenced})
	t.restart()
	referenced.KeepUntil = time.Time{}
	get := func(repository int64, d ref.Digest) registry.Layer {
		return read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(repository, d) })
	}
	t.equal("the layer, with the media type of the newest image", get(id, layers[0].Digest), referenced)
	t.equal("a layer that no image names", get(id, layers[1].Digest), layers[1])
	t.equal("the layer of another repository", get(other, layers[0].Digest), elsewhere)
}

func testImageTakesLayersThatComeLater(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	late := sha256Of("late")
	naming := func(manifest, mediaType string, pushed int) registry.Image {
		i := newImage(manifest, nil)
		i.PushedAt, i.Absent = at(pushed), []registry.Descriptor{{Digest: late, MediaType: mediaType}, {Digest: late, MediaType: "again"}}
		return i
	}
	images := []registry.Image{naming("newer", "application/vnd.newer", 7), naming("older", "application/vnd.older", 6), naming("gone", "application/vnd.gone", 8)}
	for _, i := range images {
		t.update(func(tx registry.Tx) error { return tx.InsertImage(id, i) })
	}
	remove := func(i registry.Image) {
		t.update(func(tx registry.Tx) error { return tx.DeleteImage(id, i.Digest, at(50)) })
	}
	get := func() registry.Layer {
		return read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, late) })
	}
	absent(t, "before it comes", func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, late) })
	remove(images[2])
	t.restart()
	elsewhere := t.layer(other, late)
	want := t.layer(id, late)
	want.MediaType, want.KeepUntil = "application/vnd.newer", time.Time{}
	t.equal("the layer, referenced, with the media type of the newest image", get(), want)
	t.equal("the layer of another repository", read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(other, late) }), elsewhere)
	t.refused("deleting it", nil, func(tx registry.Tx) error { return tx.DeleteLayer(id, late) })
	remove(images[0])
	t.equal("while one image is left, it is kept until", get().KeepUntil, time.Time{})
	remove(images[1])
	t.equal("when none is left, it is kept until", get().KeepUntil, at(50))
	t.update(func(tx registry.Tx) error { return tx.DeleteLayer(id, late) })
	t.update(func(tx registry.Tx) error { return tx.InsertImage(id, images[0]) })
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
}

func testImageNeedsItsReferences(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	here := t.layer(id, sha256Of("here"))
	there := t.layer(other, sha256Of("there"))
	thereImage := t.image(other, "there", nil)
	for what, i := range map[string]registry.Image{
		"a layer that is nowhere":               newImage("bad", []registry.Layer{here, {Digest: sha256Of("nowhere")}}),
		"a layer that is in another repository": newImage("bad", []registry.Layer{here, there}),
		"a child that is nowhere":               newImage("bad", []registry.Layer{here}, sha256Of("nowhere")),
		"a child that is in another repository": newImage("bad", []registry.Layer{here}, thereImage.Digest),
	} {
		t.refused(what, nil, func(tx registry.Tx) error { return tx.InsertImage(id, i) })
		absent(t, what, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, i.Digest) })
		// The failure holds even if the function does not care.
		t.refused(what+", ignored", nil, func(tx registry.Tx) error {
			_ = tx.InsertImage(id, i)
			return nil
		})
		absent(t, what, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, i.Digest) })
	}
	t.equal("the layer", read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, here.Digest) }), here)
}

func testImageDeleted(t *metaTest) {
	id := t.oneRepository()
	layers := t.layers(id, 3)
	first := t.image(id, "first", layers[:2])
	second := t.image(id, "second", layers[1:])
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.PutTag(id, registry.Tag{Name: "a", Image: first.Digest, CreatedAt: at(5)}) },
			func() error { return tx.PutTag(id, registry.Tag{Name: "b", Image: first.Digest, CreatedAt: at(5)}) },
			func() error { return tx.PutTag(id, registry.Tag{Name: "c", Image: second.Digest, CreatedAt: at(5)}) },
		)
	})
	t.update(func(tx registry.Tx) error { return tx.DeleteImage(id, first.Digest, at(50)) })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteImage(id, first.Digest, at(60)) })
	t.restart()
	absent(t, "image", func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, first.Digest) })
	t.equal("tags that are left", read(t, func(tx registry.Tx) ([]registry.Tag, error) { return tx.Tags(id, "", 0) }),
		[]registry.Tag{{Name: "c", Image: second.Digest, CreatedAt: at(5)}})
	for i, want := range []time.Time{at(50), {}, {}} {
		got := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[i].Digest) })
		t.equal(fmt.Sprintf("layer %d is kept until", i), got.KeepUntil, want)
	}

	t.image(id, "first", layers[:2]) // the same again
	got := read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[0].Digest) })
	t.equal("the layer, referenced again, is kept until", got.KeepUntil, time.Time{})
}

func testImageListedByIndexStays(t *metaTest) {
	id := t.oneRepository()
	child := t.image(id, "child", nil)
	a := t.image(id, "index a", nil, child.Digest)
	b := t.image(id, "index b", nil, child.Digest)
	t.update(func(tx registry.Tx) error {
		return tx.PutTag(id, registry.Tag{Name: "child", Image: child.Digest, CreatedAt: at(5)})
	})
	parents := func() []ref.Digest {
		return read(t, func(tx registry.Tx) ([]ref.Digest, error) { return tx.ImageParents(id, child.Digest) })
	}
	t.equal("parents", parents(), slices.SortedFunc(slices.Values([]ref.Digest{a.Digest, b.Digest}), byDigest))
	for _, fn := range []func(tx registry.Tx) error{
		func(tx registry.Tx) error { return tx.DeleteImage(id, child.Digest, at(50)) },
		func(tx registry.Tx) error {
			_ = tx.DeleteImage(id, child.Digest, at(50)) // the failure holds even if the function does not care
			return nil
		},
	} {
		t.refused("deleting an image that an index lists", nil, fn)
		read(t, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, child.Digest) })
		read(t, func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(id, "child") })
	}
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.DeleteImage(id, a.Digest, at(50)) },
			func() error { return tx.DeleteImage(id, b.Digest, at(50)) },
		)
	})
	t.equal("parents that are left", len(parents()), 0)
	t.update(func(tx registry.Tx) error { return tx.DeleteImage(id, child.Digest, at(50)) })
}

func testReferrers(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	subject := sha256Of("a subject that need not be there")
	t.image(id, "of no subject", nil)
	refer := func(repository int64, manifest, artifactType string, subject ref.Digest) registry.Image {
		i := newImage(manifest, nil)
		i.ArtifactType, i.Subject = artifactType, subject
		t.update(func(tx registry.Tx) error { return tx.InsertImage(repository, i) })
		return listed(i)
	}
	refer(id, "of another subject", "type a", sha256Of("another"))
	refer(other, "in another repository", "type a", subject)
	byType := make(map[string][]registry.Image)
	var all []registry.Image
	for n, artifactType := range []string{"type a", "", "type b", "type a", "type a", ""} {
		i := refer(id, fmt.Sprint("referrer ", n), artifactType, subject)
		byType[artifactType], all = append(byType[artifactType], i), append(all, i)
	}
	t.restart()
	sorted := func(list []registry.Image) []registry.Image {
		return slices.SortedFunc(slices.Values(list), func(a, b registry.Image) int { return byDigest(a.Digest, b.Digest) })
	}
	inPages := func(size int, artifactType *string) []registry.Image {
		return pages(t, size, func(tx registry.Tx, last *registry.Image, n int) ([]registry.Image, error) {
			var after ref.Digest
			if last != nil {
				after = last.Digest
			}
			return tx.Referrers(id, subject, artifactType, after, n)
		})
	}
	for _, size := range []int{1, 4, 100} {
		t.equal("referrers", inPages(size, nil), sorted(all))
		for artifactType, want := range byType {
			t.equal(fmt.Sprintf("referrers of type %q", artifactType), inPages(size, &artifactType), sorted(want))
		}
	}
	none := "TYPE A"
	t.equal("referrers of a type that none has", len(inPages(10, &none)), 0)
}
