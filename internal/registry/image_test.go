package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestPutImageOfEveryMediaType(t *testing.T) {
	f := newFixture(t)
	config, layer := f.push("config"), f.push("a layer")
	child := f.put(imageOf(config, layer))
	const listed = "application/vnd.oci.image.manifest.v1+json"
	for _, c := range []struct {
		mediaType, body string
		size            int64
		artifact        string
	}{
		{ociManifest, `"config":` + descriptor(ociConfig, config) + `,"layers":[` + descriptor(ociLayer, layer) + `]`, 13, ociConfig},
		{dockerManifest, `"config":` + descriptor("application/vnd.docker.container.image.v1+json", config) + `,"layers":[` + descriptor(ociLayer, layer) + `]`, 13, "application/vnd.docker.container.image.v1+json"},
		{ociIndex, `"manifests":[` + descriptor(listed, child) + `]`, 13, ""},
		{dockerList, `"manifests":[` + descriptor(listed, child) + `]`, 13, ""},
	} {
		for _, within := range []bool{true, false} {
			content, stated := fmt.Sprintf(`{"schemaVersion":2,"annotations":{"type":%q},%s}`, c.mediaType, c.body), c.mediaType
			if within {
				content, stated = fmt.Sprintf(`{ "mediaType" : %q, "schemaVersion":2, %s }`, c.mediaType, c.body), ""
			}
			f.advance(time.Second)
			put, err := f.registry.PutImage(t.Context(), owner, app, registry.NewImage{Manifest: []byte(content), MediaType: stated})
			f.must(err)
			got, err := f.registry.FindImage(t.Context(), app, registry.ImageID{Digest: put.Digest.String()})
			f.must(err)
			want := registry.Image{Digest: sum(content), MediaType: c.mediaType, ArtifactMediaType: c.artifact, ArtifactType: c.artifact, Manifest: []byte(content), Size: c.size, PushedAt: f.now()}
			equal(t, c.mediaType, got, want)
		}
	}
}

func TestPutImageNamesEverythingThatIsMissing(t *testing.T) {
	f := newFixture(t)
	config, layer := f.push("config"), f.push("layer")
	image := f.put(imageOf(config, layer))
	f.createRepository(owner, "other")
	elsewhere := f.pushTo(registry.Path{Registry: app.Registry, Name: "other"}, "elsewhere")
	a, b := sum("missing a"), sum("missing b")
	for _, c := range []struct {
		name, manifest string
		kind           registry.Kind
		text           string
	}{
		{"config", imageOf(a, layer), registry.LayersNotFound, "Layers with digests '[" + a.String() + "]'"},
		{"config and layers", imageOf(a, layer, b), registry.LayersNotFound, "Layers with digests '[" + a.String() + ", " + b.String() + "]'"},
		{"the same layer twice", imageOf(config, b, b), registry.LayersNotFound, "Layers with digests '[" + b.String() + "]'"},
		{"a layer of another repository", imageOf(config, elsewhere), registry.LayersNotFound, "Layers with digests '[" + elsewhere.String() + "]'"},
		{"images", indexOf("index", a, image, b, a), registry.ReferencedImagesNotFound, "Images with digests '[" + a.String() + ", " + b.String() + "]'"},
		{"an image that is only a layer", indexOf("index", layer), registry.ReferencedImagesNotFound, "Images with digests '[" + layer.String() + "]'"},
	} {
		t.Log(c.name)
		_, err := f.tryPut(c.manifest, "tag")
		f.refused(err, c.kind, c.text+" required for pushing image into repository with name 'team/app' in the registry with id '123456789012' do not exist")
	}
	equal(t, "tags", f.tags(), map[string]ref.Digest{})
}

func TestPutImageChecksTheDigest(t *testing.T) {
	f := newFixture(t)
	manifest := imageOf(f.push("config"))
	put := func(digest string) (registry.Image, error) {
		return f.registry.PutImage(t.Context(), owner, app, registry.NewImage{Manifest: []byte(manifest), Digest: digest})
	}
	for _, wrong := range []string{
		sum("other").String(), "md5:abc", "nonsense",
		"sha256:" + strings.ToUpper(sum(manifest).Hex()),
		ref.DigestBytes(ref.SHA512, []byte("other")).String(),
	} {
		_, err := put(wrong)
		f.refused(err, registry.ImageDigestDoesNotMatch, "The image with digest '"+wrong+"' in repository 'team/app' and registry ID '123456789012' does not match the image digest that Amazon ECR has calculated.")
	}
	for _, right := range []ref.Digest{sum(manifest), ref.DigestBytes(ref.SHA512, []byte(manifest))} {
		image, err := put(right.String())
		f.must(err)
		equal(t, "digest", image.Digest, right)
	}
}

func TestPutImageRefusesBadManifests(t *testing.T) {
	f := newFixture(t)
	config := f.push("config")
	for _, manifest := range []string{
		"", "{", `{"schemaVersion":2}`,
		`{"schemaVersion":2,"config":` + descriptor(ociConfig, config) + `}`,
		strings.Replace(imageOf(config), `"layers"`, `"manifests":[],"layers"`, 1),
	} {
		_, err := f.tryPut(manifest, "tag")
		f.refused(err, registry.InvalidManifest, "")
	}
	// A member in another case is no layer, so nothing is missing.
	_, err := f.tryPut(strings.Replace(imageOf(config), `"layers":[`, `"Layers":[`+descriptor(ociLayer, sum("missing")), 1), "")
	f.must(err)
}

func TestPutImageRefusesBadTags(t *testing.T) {
	f := newFixture(t)
	manifest := imageOf(f.push("config"))
	for _, tag := range []string{".dot", "-dash", "sp ace", "a/b", "a:b", "é", strings.Repeat("a", 129)} {
		_, err := f.tryPut(manifest, tag)
		f.refused(err, registry.InvalidParameter, "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}''")
	}
	equal(t, "images", f.images(), nil)
	f.put(manifest, strings.Repeat("a", 128), "_", "1.0")
}

func TestForeignLayersMayBeElsewhere(t *testing.T) {
	f := newFixture(t)
	const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	config, held, absent := f.push("config"), f.push("pushed all the same"), sum("absent")
	manifest := func(layers ...string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`, dockerManifest, descriptor(ociConfig, config), strings.Join(layers, ","))
	}
	image, err := f.tryPut(manifest(descriptor(foreign, held), descriptor(foreign, absent), descriptor(foreign, held)), "tag")
	f.must(err)
	equal(t, "size", image.Size, 6+19)
	equal(t, "promise of the one that is there", f.keepUntil(held), time.Time{})
	equal(t, "availability", f.available(held, absent), []bool{true, false})
	f.push("absent")
	equal(t, "promise of one that comes later", f.keepUntil(absent), time.Time{})
	f.delete(registry.ImageID{Tag: "tag"})
	equal(t, "promise afterwards", f.keepUntil(held), f.now().Add(2*registry.Lease))
	equal(t, "promise afterwards of the later one", f.keepUntil(absent), f.now().Add(2*registry.Lease))
}

func TestSizes(t *testing.T) {
	f := newFixture(t)
	config, layer := f.push("12345"), f.push("1234567")
	size := func(manifest string) int64 {
		t.Helper()
		image, err := f.tryPut(manifest, "")
		f.must(err)
		return image.Size
	}
	small, large, repeated := imageOf(config), imageOf(config, layer), imageOf(config, layer, layer)
	equal(t, "config only", size(small), 5)
	equal(t, "config and layer", size(large), 12)
	equal(t, "a layer named twice", size(repeated), 12)
	equal(t, "index", size(indexOf("index", sum(small), sum(large))), 12)
	equal(t, "index of an index", size(indexOf("outer", sum(small), sum(indexOf("index", sum(small), sum(large))))), 12)
	equal(t, "empty index", size(indexOf("empty")), 0)
}

func TestTagsAreSetAndMoved(t *testing.T) {
	f := newFixture(t)
	first, second := imageOf(f.push("first")), imageOf(f.push("second"))
	pushed := f.now()
	f.put(first, "a")
	f.advance(time.Hour)
	retagged, err := f.tryPut(first, "b")
	f.must(err)
	equal(t, "time of the push after another tag", retagged.PushedAt, pushed)
	equal(t, "tags", f.tags(), map[string]ref.Digest{"a": sum(first), "b": sum(first)})

	for tag, printed := range map[string]string{"a": "a", "": "null"} {
		image, err := f.tryPut(first, tag)
		f.refused(err, registry.ImageAlreadyExists, "Image with digest '"+sum(first).String()+"' and tag '"+printed+"' already exists in the repository with name 'team/app' in registry with id '123456789012'")
		equal(t, "image beside the error", image.Digest, sum(first))
	}

	f.put(second, "a", "b")
	equal(t, "tags after they moved", f.tags(), map[string]ref.Digest{"a": sum(second), "b": sum(second)})
	details, err := f.registry.DescribeImages(t.Context(), owner, app, []registry.ImageID{{Digest: sum(first).String()}, {Tag: "a"}})
	f.must(err)
	equal(t, "tags of the old image", details[0].Tags, nil)
	equal(t, "tags of the new image", details[1].Tags, []ref.Tag{"a", "b"})
	f.put(first, "b")
	equal(t, "tags after one moved back", f.tags(), map[string]ref.Digest{"a": sum(second), "b": sum(first)})
}

func TestTagRemembersWhenItWasLastSet(t *testing.T) {
	f := newFixture(t)
	f.putImage("first", "a")
	f.advance(time.Hour)
	f.putImage("second", "a")
	details, _, err := f.registry.DescribeTags(t.Context(), owner, app, registry.Page{Size: 10})
	f.must(err)
	equal(t, "set at", details[0].CreatedAt, f.now())
}

func TestSubjectNeedNotBeThere(t *testing.T) {
	f := newFixture(t)
	subject := sum("not pushed yet")
	manifest := strings.Replace(imageOf(f.push("config")), `"layers"`, `"subject":`+descriptor(ociManifest, subject)+`,"layers"`, 1)
	image, err := f.tryPut(manifest, "")
	f.must(err)
	equal(t, "subject", image.Subject, subject)
}

func TestFindImage(t *testing.T) {
	f := newFixture(t)
	a, b := f.putImage("a", "one"), f.putImage("b", "two")
	byAlias := registry.Path{Registry: string(ownerAlias), Name: app.Name}
	for _, c := range []struct {
		id     registry.ImageID
		want   ref.Digest
		absent string // half of the error text
	}{
		{registry.ImageID{Tag: "one"}, a, ""},
		{registry.ImageID{Digest: b.String()}, b, ""},
		{registry.ImageID{Digest: b.String(), Tag: "two"}, b, ""},
		{registry.ImageID{Digest: b.String(), Tag: "one"}, ref.Digest{}, "{imageDigest:'" + b.String() + "', imageTag:'one'}"},
		{registry.ImageID{Tag: "none"}, ref.Digest{}, "{imageDigest:'null', imageTag:'none'}"},
		{registry.ImageID{Digest: sum("x").String()}, ref.Digest{}, "{imageDigest:'" + sum("x").String() + "', imageTag:'null'}"},
		{registry.ImageID{Digest: "nonsense"}, ref.Digest{}, "{imageDigest:'nonsense', imageTag:'null'}"},
		{registry.ImageID{}, ref.Digest{}, "{imageDigest:'null', imageTag:'null'}"},
	} {
		image, err := f.registry.FindImage(t.Context(), byAlias, c.id)
		if c.absent != "" {
			f.refused(err, registry.ImageNotFound, "The image with imageId "+c.absent+" does not exist within the repository with name 'team/app' in the registry with id 'a1b2c3d4'")
			continue
		}
		f.must(err)
		equal(t, "digest", image.Digest, c.want)
	}
}

func TestDescribeImagesByID(t *testing.T) {
	f := newFixture(t)
	a, b := f.putImage("a", "one", "two"), f.putImage("b")
	describe := func(ids ...registry.ImageID) ([]ref.Digest, error) {
		details, err := f.registry.DescribeImages(t.Context(), owner, app, ids)
		var digests []ref.Digest
		for _, d := range details {
			digests = append(digests, d.Digest)
		}
		return digests, err
	}
	for _, c := range []struct {
		name string
		ids  []registry.ImageID
		want []ref.Digest
	}{
		{"order asked", []registry.ImageID{{Digest: b.String()}, {Tag: "two"}}, []ref.Digest{b, a}},
		{"each image once", []registry.ImageID{{Tag: "two"}, {Digest: b.String()}, {Tag: "one"}, {Digest: a.String()}, {Tag: "two"}}, []ref.Digest{a, b}},
		{"both halves", []registry.ImageID{{Digest: a.String(), Tag: "one"}}, []ref.Digest{a}},
	} {
		got, err := describe(c.ids...)
		f.must(err)
		equal(t, c.name, got, c.want)
	}
	for _, unknown := range []registry.ImageID{{Tag: "none"}, {Digest: sum("none").String()}, {Digest: b.String(), Tag: "one"}, {}} {
		got, err := describe(registry.ImageID{Tag: "one"}, unknown)
		f.refused(err, registry.ImageNotFound, "")
		equal(t, "images beside the error", got, nil)
	}
}

// images are the digests of all images of app.
func (f *fixture) images() []ref.Digest {
	f.Helper()
	var digests []ref.Digest
	f.view(app, func(tx registry.Tx, repo registry.Repository) error {
		images, err := tx.Images(repo.ID, ref.Digest{}, 10_000)
		for _, i := range images {
			digests = append(digests, i.Digest)
		}
		return err
	})
	return digests
}
