package registry_test

import (
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestDeletedTagLeavesItsImage(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	image := f.put(imageOf(d), "only")
	f.must(f.registry.DeleteTag(t.Context(), owner, app, "only"))
	equal(t, "tags", f.tags(), map[string]ref.Digest{})
	_, err := f.registry.FindImage(t.Context(), app, registry.ImageID{Digest: image.String()})
	f.must(err)
	f.refused(f.registry.DeleteTag(t.Context(), owner, app, "only"), registry.ImageNotFound,
		"The image with imageId {imageDigest:'null', imageTag:'only'} does not exist within the repository with name 'team/app' in the registry with id '123456789012'")
}

func TestDeletedImageLeavesItsLayersForTwoLeases(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	image := f.put(imageOf(d), "a", "b")
	f.must(f.registry.DeleteImage(t.Context(), owner, app, image))
	equal(t, "tags", f.tags(), map[string]ref.Digest{})
	equal(t, "kept until", f.keepUntil(d), f.now().Add(2*registry.Lease))
	f.refused(f.registry.DeleteImage(t.Context(), owner, app, image), registry.ImageNotFound, "")
}

func TestDeletedLayerIsGoneAtOnce(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	other := registry.Path{Registry: string(ownerAlias), Name: "other"}
	d := f.push("layer")
	f.pushTo(other, "layer")
	equal(t, "before", f.available(d), []bool{true}) // and cached
	f.must(f.registry.DeleteLayer(t.Context(), owner, app, d))
	equal(t, "after", f.available(d), []bool{false})
	equal(t, "elsewhere", f.availableIn(other, d), []bool{true})
	f.refused(f.registry.DeleteLayer(t.Context(), owner, app, d), registry.LayerNotFound, "")
	_, err := f.tryPut(imageOf(d), "tag")
	f.refused(err, registry.LayersNotFound, "")
	f.push("layer")
	equal(t, "pushed again", f.available(d), []bool{true})
}

func TestNothingInUseIsDeleted(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	image := f.put(imageOf(d))
	index := f.put(indexOf("index", image))
	f.refused(f.registry.DeleteLayer(t.Context(), owner, app, d), registry.Referenced,
		"The layer with digest "+d.String()+" belongs to an image of the repository: delete every image that has it first")
	f.refused(f.registry.DeleteImage(t.Context(), owner, app, image), registry.Referenced,
		"The image with digest "+image.String()+" is listed by ["+index.String()+"]: delete these first")
	f.must(f.registry.DeleteImage(t.Context(), owner, app, index))
	f.must(f.registry.DeleteImage(t.Context(), owner, app, image))
	f.must(f.registry.DeleteLayer(t.Context(), owner, app, d))
}

func TestOnlyTheOwnerDeletes(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	image := f.put(imageOf(d), "tag")
	loose := f.push("loose")
	for _, c := range []registry.Caller{stranger, nobody} {
		f.refused(f.registry.DeleteTag(t.Context(), c, app, "tag"), registry.AccessDenied, "")
		f.refused(f.registry.DeleteImage(t.Context(), c, app, image), registry.AccessDenied, "")
		f.refused(f.registry.DeleteLayer(t.Context(), c, app, loose), registry.AccessDenied, "")
	}
	equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": image})
	equal(t, "layers", f.available(d, loose), []bool{true, true})
}

func TestPutImageSetsAllTags(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	manifest := imageOf(d)
	n := registry.NewImage{Manifest: []byte(manifest), Digest: sum(manifest).String(), Tags: []string{"a", "b"}}
	_, err := f.registry.PutImage(t.Context(), owner, app, n)
	f.must(err)
	n.Tags = []string{"a", "c", "c"}
	_, err = f.registry.PutImage(t.Context(), owner, app, n)
	f.must(err)
	image := sum(manifest)
	equal(t, "tags", f.tags(), map[string]ref.Digest{"a": image, "b": image, "c": image})
	_, err = f.registry.PutImage(t.Context(), owner, app, n)
	f.refused(err, registry.ImageAlreadyExists, "")
	n.Tags = []string{"d", "-"}
	_, err = f.registry.PutImage(t.Context(), owner, app, n)
	f.refused(err, registry.InvalidParameter, "")
	equal(t, "number of tags", len(f.tags()), 3)
}
