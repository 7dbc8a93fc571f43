package push

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// maxNesting bounds how deep indexes may name indexes.
const maxNesting = 8

// descriptor names content (OCI image spec, "Content Descriptors").
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// Annotations by which tools name the images of a layout.
const (
	annotationName           = "org.opencontainers.image.ref.name"
	annotationContainerdName = "io.containerd.image.name"
)

func (d descriptor) names() []string {
	var names []string
	for _, key := range []string{annotationContainerdName, annotationName} {
		if name := d.Annotations[key]; name != "" {
			names = append(names, name)
		}
	}
	return append(names, d.Digest)
}

// layout collects an image while its manifests are read.
type layout struct {
	source source
	image  *Image
	seen   map[string]bool // digests that are in the image
}

// readLayout reads an image of an OCI image layout.
func readLayout(s source, index []byte, name string) (*Image, error) {
	var top struct {
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(index, &top); err != nil {
		return nil, fmt.Errorf("index.json is malformed: %w", err)
	}
	l := &layout{s, &Image{source: s}, make(map[string]bool)}
	wanted, err := l.choose(top.Manifests, name)
	if err != nil {
		return nil, err
	}
	if err := l.addManifest(wanted, maxNesting); err != nil {
		return nil, err
	}
	return l.image, nil
}

// choose takes an image from the index by its name, or any manifest of the layout by its digest.
func (l *layout) choose(manifests []descriptor, name string) (descriptor, error) {
	i, err := choose(len(manifests), name,
		func(i int) []string { return manifests[i].names() },
		func(i, j int) bool { return manifests[i].Digest == manifests[j].Digest })
	if err == nil {
		return manifests[i], nil
	}
	digest, notDigest := ref.ParseDigest(name)
	if notDigest != nil {
		return descriptor{}, err
	}
	f, missing := l.source.open(blobName(digest))
	if missing != nil {
		return descriptor{}, err
	}
	defer f.Close()
	return descriptor{Digest: name, Size: f.size}, nil
}

func blobName(d ref.Digest) string {
	return "blobs/" + d.Algorithm().String() + "/" + d.Hex()
}

// blob finds the file of a descriptor and compares its size.
func (l *layout) blob(d descriptor) (Blob, error) {
	digest, err := ref.ParseDigest(d.Digest)
	if err != nil {
		return Blob{}, err
	}
	name := blobName(digest)
	f, err := l.source.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Blob{}, fmt.Errorf("%s is missing, which the image needs: if only some platforms are there, choose one of them by its digest", name)
	}
	if err != nil {
		return Blob{}, err
	}
	defer f.Close()
	if f.size != d.Size {
		return Blob{}, fmt.Errorf("%s has %d bytes instead of %d: the image is damaged", name, f.size, d.Size)
	}
	return Blob{Digest: digest, Size: f.size, name: name, open: func() (*file, error) { return l.source.open(name) }}, nil
}

// addManifest adds a manifest or index after all that it names.
func (l *layout) addManifest(d descriptor, nesting int) error {
	if l.seen[d.Digest] {
		return nil
	}
	if nesting == 0 {
		return fmt.Errorf("indexes are nested deeper than %d levels", maxNesting)
	}
	l.seen[d.Digest] = true
	blob, err := l.blob(d)
	if err != nil {
		return err
	}
	content, err := blob.document()
	if err != nil {
		return err
	}
	var m struct {
		MediaType string       `json:"mediaType"`
		Config    *descriptor  `json:"config"`
		Layers    []descriptor `json:"layers"`
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("manifest %s is malformed: %w", d.Digest, err)
	}
	if m.MediaType == "" {
		m.MediaType = d.MediaType
	}
	switch m.MediaType {
	case mediaTypeOCIManifest, mediaTypeDockerManifest:
		if m.Config != nil {
			m.Layers = append(m.Layers, *m.Config)
		}
		err = l.addBlobs(m.Layers)
	case mediaTypeOCIIndex, mediaTypeDockerList:
		for _, child := range m.Manifests {
			if err = l.addManifest(child, nesting-1); err != nil {
				break
			}
		}
	default:
		err = fmt.Errorf("manifest %s has media type %q: only OCI and docker schema 2 manifests and indexes can be pushed", d.Digest, m.MediaType)
	}
	if err != nil {
		return err
	}
	l.image.manifests = append(l.image.manifests, manifest{blob, m.MediaType})
	return nil
}

func (l *layout) addBlobs(ds []descriptor) error {
	for _, d := range ds {
		if l.seen[d.Digest] || isForeign(d.MediaType) {
			continue
		}
		l.seen[d.Digest] = true
		blob, err := l.blob(d)
		if err != nil {
			return err
		}
		if blob.Size == 0 {
			return fmt.Errorf("%s is empty: ECR Public keeps no empty layers", blob.name)
		}
		l.image.blobs = append(l.image.blobs, blob)
	}
	return nil
}

// isForeign says whether a layer stays with its vendor: the service does not ask for it.
func isForeign(mediaType string) bool {
	return strings.Contains(mediaType, ".nondistributable.") || strings.Contains(mediaType, ".foreign.")
}

// document reads a manifest as a whole and compares it with its digest.
func (b Blob) document() ([]byte, error) {
	f, err := b.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := f.document(b.name)
	if err != nil {
		return nil, err
	}
	if got := ref.DigestBytes(b.Digest.Algorithm(), content); got != b.Digest {
		return nil, b.damaged(got)
	}
	return content, nil
}

func (b Blob) damaged(got ref.Digest) error {
	return fmt.Errorf("%s has digest %s instead of %s: the local file is damaged or was changed, so nothing was made of it", b.name, got, b.Digest)
}
