//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	ociManifestType = "application/vnd.oci.image.manifest.v1+json"
	ociIndexType    = "application/vnd.oci.image.index.v1+json"
	ociConfigType   = "application/vnd.oci.image.config.v1+json"
	ociLayerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType string    `json:"mediaType"`
	Digest    string    `json:"digest"`
	Size      int64     `json:"size"`
	Platform  *platform `json:"platform,omitempty"`
}

// config is the digest of the image's configuration, docker's image ID.
func (d descriptor) config(l layout) string { return l.manifest(d.Digest).Config.Digest }

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType,omitempty"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

type imageConfig struct {
	platform
	Config struct {
		Labels map[string]string
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// A layout is an OCI image layout: a folder with a blob for each digest. Its layers are random bytes, so no two are
// alike and no client can make them smaller.
type layout struct {
	t   *testing.T
	dir string
}

func newLayout(t *testing.T) layout {
	t.Helper()
	l := openLayout(t, t.TempDir())
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	l.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return l
}

// openLayout is a layout that another program has written, or will.
func openLayout(t *testing.T, dir string) layout { return layout{t, dir} }

func (l layout) write(name string, data []byte) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// tag makes the layout hold exactly this image, index or artifact, by this name.
func (l layout) tag(name string, d descriptor) {
	l.t.Helper()
	type named struct {
		descriptor
		Annotations map[string]string `json:"annotations"`
	}
	l.write("index.json", toJSON(l.t, map[string]any{
		"schemaVersion": 2,
		"manifests":     []named{{d, map[string]string{"org.opencontainers.image.ref.name": name}}},
	}))
}

func (l layout) path(digest string) string {
	return filepath.Join(l.dir, "blobs", "sha256", digest[len("sha256:"):])
}

// read is the blob with this digest.
func (l layout) read(digest string) []byte {
	l.t.Helper()
	data, err := os.ReadFile(l.path(digest))
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

// blob stores data.
func (l layout) blob(mediaType string, data []byte) descriptor {
	l.t.Helper()
	d := descriptor{MediaType: mediaType, Digest: digestOf(data), Size: int64(len(data))}
	l.write(filepath.Join("blobs", "sha256", d.Digest[len("sha256:"):]), data)
	return d
}

func (l layout) json(mediaType string, v any) descriptor {
	l.t.Helper()
	return l.blob(mediaType, toJSON(l.t, v))
}

// layer stores a layer of one file with size random bytes; diffID is the digest of its tar.
func (l layout) layer(size int64) (d descriptor, diffID string) {
	l.t.Helper()
	file, err := os.CreateTemp(l.dir, "layer")
	if err != nil {
		l.t.Fatal(err)
	}
	defer file.Close()
	blob, diff := sha256.New(), sha256.New()
	// Stored, not compressed: compressing random bytes only costs time.
	zip, _ := gzip.NewWriterLevel(io.MultiWriter(file, blob), gzip.NoCompression)
	archive := tar.NewWriter(io.MultiWriter(zip, diff))
	name := fmt.Sprintf("layer-%s.bin", rand.Text())
	must(l.t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}))
	_, err = io.Copy(archive, randomBytes(size))
	must(l.t, err)
	must(l.t, archive.Close())
	must(l.t, zip.Close())
	info, err := file.Stat()
	must(l.t, err)
	d = descriptor{MediaType: ociLayerType, Digest: fmt.Sprintf("sha256:%x", blob.Sum(nil)), Size: info.Size()}
	must(l.t, os.Rename(file.Name(), l.path(d.Digest)))
	return d, fmt.Sprintf("sha256:%x", diff.Sum(nil))
}

// image stores an image of one platform with the given number of layers, size bytes in all.
func (l layout) image(architecture string, layers int, size int64) descriptor {
	l.t.Helper()
	m := manifest{SchemaVersion: 2, MediaType: ociManifestType}
	config := imageConfig{platform: platform{architecture, "linux"}}
	config.Config.Labels = map[string]string{"made-by": "openecr e2e"}
	config.RootFS.Type = "layers"
	for range layers {
		layer, diffID := l.layer(size / int64(layers))
		m.Layers = append(m.Layers, layer)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
	}
	c := l.json(ociConfigType, config)
	m.Config = &c
	d := l.json(ociManifestType, m)
	d.Platform = &config.platform
	return d
}

// manifest reads an image's manifest back.
func (l layout) manifest(digest string) manifest {
	l.t.Helper()
	var m manifest
	must(l.t, json.Unmarshal(l.read(digest), &m))
	return m
}

// dockerArchive is the image in the form that `docker load` and `podman load` read.
func (l layout) dockerArchive(image descriptor, name string) string {
	l.t.Helper()
	m := l.manifest(image.Digest)
	file, err := os.Create(filepath.Join(l.t.TempDir(), "image.tar"))
	must(l.t, err)
	defer file.Close()
	archive := tar.NewWriter(file)
	add := func(name string, size int64, data io.Reader) {
		must(l.t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}))
		_, err := io.Copy(archive, data)
		must(l.t, err)
	}
	layers := make([]string, len(m.Layers))
	for i, layer := range m.Layers {
		layers[i] = fmt.Sprintf("%d.tar.gz", i)
		blob, err := os.Open(l.path(layer.Digest))
		must(l.t, err)
		add(layers[i], layer.Size, blob)
		blob.Close()
	}
	config := l.read(m.Config.Digest)
	add("config.json", int64(len(config)), bytes.NewReader(config))
	index := toJSON(l.t, []map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": layers}})
	add("manifest.json", int64(len(index)), bytes.NewReader(index))
	must(l.t, archive.Close())
	return file.Name()
}

// blobs are the digests of the layout's blobs, each computed from the bytes.
func (l layout) blobs() []string {
	l.t.Helper()
	files, err := filepath.Glob(filepath.Join(l.dir, "blobs", "sha256", "*"))
	must(l.t, err)
	digests := map[string]bool{}
	for _, name := range files {
		file, err := os.Open(name)
		must(l.t, err)
		hash := sha256.New()
		_, err = io.Copy(hash, file)
		file.Close()
		must(l.t, err)
		digests[fmt.Sprintf("sha256:%x", hash.Sum(nil))] = true
	}
	return slices.Sorted(maps.Keys(digests))
}

func randomBytes(n int64) io.Reader {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails
	return io.LimitReader(mathrand.NewChaCha8(seed), n)
}

func randomData(n int64) []byte {
	data, _ := io.ReadAll(randomBytes(n)) // never fails
	return data
}

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	must(t, err)
	return data
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
