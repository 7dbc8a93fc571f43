package push

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ref"
)

// savedImage is what docker save writes: two layers as they are, one compressed, and one that links to another.
func savedImage() files {
	diffID := func(content string) string { return ref.DigestBytes(ref.SHA256, []byte(content)).String() }
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte("three")) // memory never fails
	_ = w.Close()
	config, _ := json.Marshal(map[string]any{"architecture": "amd64",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{diffID("one"), diffID("two"), diffID("three"), diffID("one")}}})
	return files{
		"manifest.json": `[{"Config":"c.json","RepoTags":["hello:1","hello:2"],"Layers":["1/layer.tar","2/layer.tar","3/layer.tar","4/layer.tar"]}]`,
		"c.json":        string(config),
		"1/layer.tar":   "one",
		"2/layer.tar":   "two",
		"3/layer.tar":   zipped.String(),
		"4/layer.tar":   "-> ../1/layer.tar",
	}
}

func TestPushOfAnArchiveOfDockerSave(t *testing.T) {
	s := newRepository(t)
	content := savedImage()
	image := openImage(t, content.tarFile(t), "")
	must(t, s.pusher(Options{}).Image(t.Context(), image, "v1"))
	mediaType, text := s.pull("v1")
	var m struct {
		Config descriptor
		Layers []descriptor
	}
	must(t, json.Unmarshal([]byte(text), &m))
	if mediaType != mediaTypeDockerManifest || m.Config.MediaType != mediaTypeDockerConfig || len(m.Layers) != 4 {
		t.Fatalf("pulled %s %s", mediaType, text)
	}
	for i, name := range []string{"1/layer.tar", "2/layer.tar", "3/layer.tar", "1/layer.tar"} {
		wantType := mediaTypeDockerLayer
		if i == 2 {
			wantType += ".gzip"
		}
		want := descriptor{MediaType: wantType, Digest: ref.DigestBytes(ref.SHA256, []byte(content[name])).String(), Size: int64(len(content[name]))}
		if got := m.Layers[i]; got.MediaType != want.MediaType || got.Digest != want.Digest || got.Size != want.Size {
			t.Errorf("layer %d is %v, want %v", i, got, want)
		}
	}
	if len(image.blobs) != 4 {
		t.Errorf("%d blobs, want 3 layers and the configuration", len(image.blobs))
	}
	again := openImage(t, content.tarFile(t), "hello:2")
	if again.Digest() != image.Digest() {
		t.Error("the same files give another digest")
	}
}

// docker save since version 25 writes both forms; the layout is the one that keeps digests.
func TestLayoutBeforeArchive(t *testing.T) {
	content := savedImage()
	made := content.addImage("amd64", "one")
	if image := openImage(t, content.only(made).tarFile(t), ""); image.Digest().String() != made.Digest {
		t.Errorf("digest %s, want that of the layout", image.Digest())
	}
}

func TestForeignLayersStayWithTheirVendor(t *testing.T) {
	content := files{}
	layer := content.add("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign")
	delete(content, blobName(ref.DigestBytes(ref.SHA256, []byte("foreign"))))
	config := content.add("application/vnd.docker.container.image.v1+json", "{}")
	made := content.addJSON(mediaTypeDockerManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaTypeDockerManifest, "config": config, "layers": []descriptor{layer}})
	if image := openImage(t, content.only(made).directory(t), ""); len(image.blobs) != 1 {
		t.Errorf("blobs %v, want the configuration alone", image.blobs)
	}
}

func TestChoiceOfAnImage(t *testing.T) {
	content := files{}
	one, two := content.addImage("amd64", "one"), content.addImage("amd64", "two")
	index := content.addIndex(two)
	dir := content.named(map[string]descriptor{"1": one, "docker.io/library/hello:2": index, "": index}).directory(t)
	for name, want := range map[string]descriptor{"1": one, "hello:2": index, one.Digest: one, two.Digest: two} {
		if image := openImage(t, dir, name); image.Digest().String() != want.Digest {
			t.Errorf("%s is %s, want %s", name, image.Digest(), want.Digest)
		}
	}
}

func TestFilesThatAreNoImage(t *testing.T) {
	layout := func(change func(f files, d descriptor) descriptor) files {
		f := files{}
		return f.only(change(f, f.addImage("amd64", "one")))
	}
	saved := func(name, content string) files {
		f := savedImage()
		f[name] = content
		return f
	}
	two := files{}
	two.named(map[string]descriptor{"a": two.addImage("amd64", "1"), "b": two.addImage("arm64", "2")})
	nested := files{}
	deepest := nested.addIndex()
	for range maxNesting {
		deepest = nested.addIndex(deepest)
	}
	for name, c := range map[string]struct {
		files  files
		choose string
		want   string
	}{
		"empty":            {files{}, "", "neither an index.json nor a manifest.json"},
		"no JSON":          {files{"index.json": "{"}, "", "index.json is malformed"},
		"no image":         {files{}.named(nil), "", "it has no image"},
		"several":          {two, "", "choose one by its name or digest (a, "},
		"unknown name":     {two, "c", `it has no image "c"`},
		"unknown digest":   {two, ref.DigestBytes(ref.SHA256, nil).String(), "it has no image"},
		"missing manifest": {layout(func(f files, d descriptor) descriptor { return descriptor{Digest: strings.Repeat("a", 10)} }), "", "has no algorithm"},
		"escaping digest":  {layout(func(f files, d descriptor) descriptor { return descriptor{Digest: "sha256:../../../etc/passwd"} }), "", "hex digits"},
		"manifest too large": {layout(func(f files, d descriptor) descriptor {
			return f.add(mediaTypeOCIManifest, strings.Repeat(" ", maxDocument+1))
		}), "", "too large"},
		"manifest no JSON": {layout(func(f files, d descriptor) descriptor { return f.add(mediaTypeOCIManifest, "[") }), "", "is malformed"},
		"schema 1": {layout(func(f files, d descriptor) descriptor {
			return f.add("application/vnd.docker.distribution.manifest.v1+json", "{}")
		}), "", "only OCI and docker schema 2"},
		"wrong size": {layout(func(f files, d descriptor) descriptor { d.Size++; return d }), "", "the image is damaged"},
		"wrong manifest": {layout(func(f files, d descriptor) descriptor {
			name := strings.Replace(d.Digest, "sha256:", "blobs/sha256/", 1)
			f[name] = strings.Replace(f[name], "amd64", "amd65", 1)
			f[name] = strings.Replace(f[name], "schemaVersion", "schemaVersioN", 1)
			return d
		}), "", "has digest sha256:"},
		"missing layer": {layout(func(f files, d descriptor) descriptor {
			delete(f, blobName(ref.DigestBytes(ref.SHA256, []byte("one"))))
			return d
		}), "", "is missing, which the image needs"},
		"empty layer":     {layout(func(f files, d descriptor) descriptor { return f.addImage("amd64", "") }), "", "is empty"},
		"nested":          {nested.only(deepest), "", "nested deeper"},
		"archive no JSON": {saved("manifest.json", "{}"), "", "manifest.json is malformed"},
		"archive empty":   {saved("manifest.json", "[]"), "", "it has no image"},
		"archive layer":   {saved("1/layer.tar", "eno"), "", "the configuration says"},
		"archive layers":  {saved("c.json", "{}"), "", "has 4 layers, its configuration 0"},
		"archive config":  {saved("c.json", "["), "", "c.json is malformed"},
		"archive missing": {saved("1/layer.tar", "-> nowhere"), "", "the archive is damaged"},
		"archive loop":    {saved("1/layer.tar", "-> ../4/layer.tar"), "", "without end"},
	} {
		t.Run(name, func(t *testing.T) {
			image, err := OpenImage(t.Context(), c.files.tarFile(t), c.choose)
			if err == nil {
				image.Close()
				t.Fatal("it is taken")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "image.tar: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want %q", err, c.want)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, content, 0o644))
		return path
	}
	image := savedImage().tar()
	must(t, os.Mkdir(filepath.Join(dir, "index.json"), 0o755))
	for name, want := range map[string]string{
		filepath.Join(dir, "absent"):                 "no such file",
		write("text", []byte("no image")):            "neither an image layout nor a tar file",
		write("zip", []byte{0x1f, 0x8b, 8, 0}):       "compressed with gzip",
		write("zst", []byte{0x28, 0xb5, 0x2f, 0xfd}): "compressed with zstd",
		write("cut", image[:1034]):                   "the tar file is cut short",
		write("short", image[:513]):                  "ends inside of",
		dir:                                          "index.json is not a regular file",
		write("blank", nil):                          "neither an index.json",
	} {
		if _, err := OpenImage(t.Context(), name, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", filepath.Base(name), err, want)
		}
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "absent"): "no such file",
		dir:                          "is not a regular file",
		write("empty", nil):          "is empty",
	} {
		if _, err := OpenLayer(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("layer %s: error %v, want %q", filepath.Base(name), err, want)
		}
	}
}

func TestOpenLayer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "layer")
	must(t, os.WriteFile(path, []byte("one"), 0o644))
	layer, err := OpenLayer(t.Context(), path)
	must(t, err)
	if layer.Digest != ref.DigestBytes(ref.SHA256, []byte("one")) || layer.Size != 3 {
		t.Errorf("got %s of %d bytes", layer.Digest, layer.Size)
	}
}

// Whatever a tar file has, reading it neither panics nor gives blobs that lie outside of it.
func FuzzReadImage(f *testing.F) {
	layout := files{}
	f.Add(layout.only(layout.addIndex(layout.addImage("amd64", "one", "two"))).tar())
	f.Add(savedImage().tar())
	f.Add(files{"index.json": `{"manifests":[{"digest":"sha256:00","size":-1}]}`}.tar())
	f.Add(files{"manifest.json": `[{"Config":"manifest.json","Layers":["manifest.json"]}]`}.tar())
	f.Fuzz(func(t *testing.T, content []byte) {
		archive, err := readTar(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		image, err := readImage(t.Context(), archive, "")
		if err != nil {
			return
		}
		blobs := image.blobs
		for _, m := range image.manifests {
			blobs = append(blobs, m.Blob)
		}
		for _, b := range blobs {
			f, err := b.open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := digestBlob(t.Context(), b.name, b.open); err != nil || got.Size != b.Size || f.size != b.Size {
				t.Errorf("%s of %d bytes: %v", b.name, b.Size, err)
			}
		}
	})
}
