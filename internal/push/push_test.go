package push

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
)

func TestPushOfAnImage(t *testing.T) {
	for name, file := range map[string]func(files, *testing.T) string{"directory": files.directory, "tar": files.tarFile} {
		t.Run(name, func(t *testing.T) {
			s := newRepository(t)
			content := files{}
			made := content.addImage("amd64", "one", "two", "one")
			image := openImage(t, file(content.only(made), t), "")
			must(t, s.pusher(Options{}).Image(t.Context(), image, "v1"))
			if image.Digest().String() != made.Digest {
				t.Errorf("digest %s, want %s", image.Digest(), made.Digest)
			}
			mediaType, manifest := s.pull("v1")
			if want := content[blobName(image.Digest())]; manifest != want || mediaType != mediaTypeOCIManifest {
				t.Errorf("pulled %s %s, want %s", mediaType, manifest, want)
			}
			s.mustHave(image.blobs...)
			if n := s.count("UploadLayerPart"); n != 3 {
				t.Errorf("%d parts, want one for each layer and the configuration", n)
			}
			must(t, s.pusher(Options{}).Image(t.Context(), image, "v1"))
			if n := s.count("UploadLayerPart"); n != 3 {
				t.Errorf("the second push sent %d parts", n-3)
			}
		})
	}
}

func TestPushSendsOnlyWhatIsMissing(t *testing.T) {
	s := newRepository(t)
	layers := make([]Blob, 20)
	for i := range layers {
		layers[i] = randomBlob(1000)
	}
	must(t, s.pusher(Options{}).Layers(t.Context(), layers[5:]))
	before := s.count("UploadLayerPart")
	var seen events
	must(t, s.pusher(Options{Progress: &seen}).Layers(t.Context(), layers))
	if n := s.count("UploadLayerPart") - before; n != 5 {
		t.Errorf("%d parts were sent, want 5", n)
	}
	s.mustHave(layers...)
	seen.mustAddUp(t, 5000)
	skipped := 0
	for _, l := range seen.layers {
		if l.Skipped != slices.ContainsFunc(layers[5:], func(b Blob) bool { return b.Digest == l.Digest }) {
			t.Errorf("%s", l)
		}
		if l.Skipped {
			skipped++
		}
	}
	if skipped != 15 || len(seen.layers) != 20 {
		t.Errorf("%d of %d layers were skipped", skipped, len(seen.layers))
	}
}

func TestPushOfAnIndexPutsItLast(t *testing.T) {
	s := newRepository(t)
	content := files{}
	amd, arm := content.addImage("amd64", "shared", "amd"), content.addImage("arm64", "shared", "arm")
	inner := content.addIndex(arm)
	outer := content.addIndex(amd, inner, arm)
	image := openImage(t, content.only(outer).tarFile(t), "")
	must(t, s.pusher(Options{}).Image(t.Context(), image, "v1"))
	if _, manifest := s.pull("v1"); manifest != content[blobName(image.Digest())] {
		t.Errorf("pulled %s", manifest)
	}
	for _, d := range []descriptor{amd, arm, inner, outer} {
		s.pull(d.Digest)
	}
	if n := s.count("PutImage"); n != 4 {
		t.Errorf("PutImage was called %d times, want once for each manifest", n)
	}
	if n := s.count("UploadLayerPart"); n != 5 {
		t.Errorf("%d parts, want 3 layers and 2 configurations", n)
	}
}

func TestPushOfManyLayers(t *testing.T) {
	s := newRepository(t)
	layers := make([]Blob, 101)
	for i := range layers {
		layers[i] = randomBlob(10)
	}
	must(t, s.pusher(Options{Parallel: 3}).Layers(t.Context(), append(layers, layers...)))
	if n := s.count("BatchCheckLayerAvailability"); n != 2 {
		t.Errorf("%d availability checks, want 2", n)
	}
	if n := s.count("UploadLayerPart"); n != 101 {
		t.Errorf("%d parts, want 101", n)
	}
	if s.most > 3 {
		t.Errorf("%d uploads at once, want at most 3", s.most)
	}
}

func TestPushOfNothing(t *testing.T) {
	s := newRepository(t)
	must(t, s.pusher(Options{}).Layers(t.Context(), nil))
	if len(s.got) != 1 {
		t.Errorf("asked for %v", s.got)
	}
}

func TestPushToAMissingRepository(t *testing.T) {
	s := newService(t)
	layer := randomBlob(10)
	err := s.pusher(Options{}).Layers(t.Context(), []Blob{layer})
	if err == nil || !is[*ecrpublic.RepositoryNotFoundException](err) || !strings.Contains(err.Error(), "create-repository --repository-name hello") {
		t.Errorf("error %v, want one that says how to make it", err)
	}
	must(t, s.pusher(Options{Create: true}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	if n := s.count("CreateRepository"); n != 1 {
		t.Errorf("CreateRepository was called %d times", n)
	}

	content := files{}
	image := openImage(t, content.only(content.addIndex()).directory(t), "")
	if err := s.pusher(Options{Repository: "empty"}).Image(t.Context(), image, "v1"); !is[*ecrpublic.RepositoryNotFoundException](err) {
		t.Errorf("an index without images: %v", err)
	}
	must(t, s.pusher(Options{Repository: "empty", Create: true}).Image(t.Context(), image, "v1"))
}

func TestPushThatTheServiceRefuses(t *testing.T) {
	s := newRepository(t)
	content := files{}
	image := openImage(t, content.only(content.addImage("amd64", "one")).directory(t), "")
	if err := s.pusher(Options{}).Image(t.Context(), image, "no tag"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want the one of the service", err)
	}
}

func TestPushOfDamagedFiles(t *testing.T) {
	digest := func(content string) string { return blobName(ref.DigestBytes(ref.SHA256, []byte(content))) }
	long := strings.Repeat("x", partSize+1)
	for name, c := range map[string]struct {
		damage func(files)
		want   string
	}{
		"layer, one part":   {func(f files) { f[digest("one")] = "eno" }, "blobs/sha256/7692"},
		"layer, many parts": {func(f files) { f[digest(long)] = "y" + long[1:] }, "has digest sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRepository(t)
			content := files{}
			content.only(content.addImage("amd64", "one", long))
			c.damage(content)
			image := openImage(t, content.directory(t), "")
			err := s.pusher(Options{}).Image(t.Context(), image, "v1")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if s.count("PutImage") != 0 {
				t.Error("the image was put")
			}
		})
	}
}

func ExampleLayer_String() {
	digest := ref.DigestBytes(ref.SHA256, []byte("x"))
	fmt.Println(Layer{Digest: digest, Size: 52_428_800, Resumed: 20_971_520})
	// Output: sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881   52.4 MB  pushed, resumed at 21.0 MB
}
