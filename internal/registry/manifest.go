package registry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// MaxManifest is the size limit of a manifest in bytes (PutImage API page; the OCI distribution spec asks for as much).
const MaxManifest = 4 << 20

// The manifests that are understood (OCI image spec 1.1; docker image manifest version 2, schema 2).
const (
	mediaTypeOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	mediaTypeOCIIndex       = "application/vnd.oci.image.index.v1+json"
	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// manifest is what the registry needs to know of one. Its bytes are kept as they were sent.
type manifest struct {
	mediaType         string
	artifactMediaType string
	artifactType      string
	layers            []Descriptor // config first, each digest once; their bytes must be there
	foreign           []Descriptor // layers whose bytes may be elsewhere
	children          []ref.Digest // of an index, each once
	subject           ref.Digest
}

// object is a JSON object with exact member names. encoding/json would let "Layers" stand for "layers", so that two
// readers could see two images in the same bytes.
type object map[string]json.RawMessage

// parseManifest reads what docker, OCI tools and the API send. stated is the media type given beside the bytes, by
// Content-Type or imageManifestMediaType; it counts where the manifest itself names none and must agree where it does.
// Every error is of kind InvalidManifest.
func parseManifest(content []byte, stated string) (manifest, error) {
	if len(content) > MaxManifest {
		return manifest{}, invalidManifest(fmt.Sprintf("Member must have length less than or equal to %d", MaxManifest))
	}
	var o object
	if err := json.Unmarshal(content, &o); err != nil || o == nil {
		return manifest{}, invalidManifest("Invalid JSON syntax")
	}
	m := manifest{}
	if err := o.read("mediaType", &m.mediaType); err != nil {
		return manifest{}, err
	}
	switch {
	case m.mediaType == "":
		m.mediaType = stated
	case stated != "" && stated != m.mediaType:
		return manifest{}, invalidManifest(fmt.Sprintf("mediaType %q differs from %q, which was stated for it", m.mediaType, stated))
	}
	var version int
	var annotations map[string]string // only to know that others can read them
	if err := errFirst(o.read("schemaVersion", &version), o.read("artifactType", &m.artifactType), o.read("annotations", &annotations)); err != nil {
		return manifest{}, err
	}
	if !isMediaType(m.artifactType) {
		return manifest{}, invalidManifest("artifactType is malformed")
	}
	if version != 2 {
		return manifest{}, invalidManifest("schemaVersion must be 2")
	}
	var err error
	switch m.mediaType {
	case mediaTypeOCIManifest, mediaTypeDockerManifest:
		err = m.readImage(o)
	case mediaTypeOCIIndex, mediaTypeDockerList:
		err = m.readIndex(o)
	case "":
		err = invalidManifest("Invalid JSON syntax") // as the service says when no media type is given
	default:
		err = invalidManifest(fmt.Sprintf("media type %q is not supported: use an OCI or docker schema 2 manifest or index", m.mediaType))
	}
	return m, err
}

func invalidManifest(constraint string) *Error {
	e := invalid("ImageManifest", constraint)
	e.Kind = InvalidManifest
	return e
}

// read decodes a member into v and leaves v alone when there is none.
func (o object) read(name string, v any) error {
	raw, ok := o[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return invalidManifest(fmt.Sprintf("member %q has the wrong type", name))
	}
	return nil
}

// refuse holds an image and an index apart: bytes that could be read as both would be one thing to this registry and
// another to a client.
func (o object) refuse(names ...string) error {
	for _, name := range names {
		if _, ok := o[name]; ok {
			return invalidManifest(fmt.Sprintf("member %q does not belong in a manifest of this media type", name))
		}
	}
	return nil
}

func (m *manifest) readImage(o object) error {
	if err := o.refuse("manifests", "fsLayers"); err != nil {
		return err
	}
	config, err := o.descriptor("config")
	if err != nil {
		return err
	}
	if config.Digest.IsZero() {
		return invalidManifest("member \"config\" is missing")
	}
	m.artifactMediaType = config.MediaType
	m.artifactType = cmp.Or(m.artifactType, config.MediaType) // OCI distribution spec, "Listing Referrers"
	layers, err := o.descriptors("layers")
	if err != nil {
		return err
	}
	m.layers = []Descriptor{config}
	seen := map[ref.Digest]bool{config.Digest: true}
	for _, l := range layers {
		if isForeign(l.MediaType) {
			m.foreign = append(m.foreign, l)
		} else if !seen[l.Digest] {
			seen[l.Digest] = true
			m.layers = append(m.layers, l)
		}
	}
	return m.readSubject(o)
}

func (m *manifest) readIndex(o object) error {
	if err := o.refuse("config", "layers", "fsLayers"); err != nil {
		return err
	}
	children, err := o.descriptors("manifests")
	if err != nil {
		return err
	}
	seen := make(map[ref.Digest]bool, len(children))
	for _, c := range children {
		if !seen[c.Digest] {
			seen[c.Digest] = true
			m.children = append(m.children, c.Digest)
		}
	}
	return m.readSubject(o)
}

func (m *manifest) readSubject(o object) error {
	subject, err := o.descriptor("subject")
	m.subject = subject.Digest
	return err
}

// isForeign says whether clients may leave the layer's bytes with its vendor.
func isForeign(mediaType string) bool {
	return strings.Contains(mediaType, ".nondistributable.") || strings.Contains(mediaType, ".foreign.")
}

// descriptor reads one descriptor; the zero value when the member is absent or null.
func (o object) descriptor(name string) (Descriptor, error) {
	var d object
	if err := o.read(name, &d); err != nil || d == nil {
		return Descriptor{}, err
	}
	return parseDescriptor(name, d)
}

func (o object) descriptors(name string) ([]Descriptor, error) {
	var list []object
	if err := o.read(name, &list); err != nil {
		return nil, err
	}
	ds := make([]Descriptor, len(list))
	for i, d := range list {
		var err error
		if ds[i], err = parseDescriptor(fmt.Sprintf("%s[%d]", name, i), d); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

func parseDescriptor(path string, o object) (Descriptor, error) {
	var d Descriptor
	var digest string
	d.Size = -1
	if err := errFirst(o.read("mediaType", &d.MediaType), o.read("size", &d.Size), o.read("digest", &digest)); err != nil {
		return Descriptor{}, err
	}
	if d.Size < 0 {
		return Descriptor{}, invalidManifest(fmt.Sprintf("%s has no valid size", path))
	}
	if !isMediaType(d.MediaType) {
		return Descriptor{}, invalidManifest(fmt.Sprintf("%s has a malformed mediaType", path))
	}
	var err error
	if d.Digest, err = ref.ParseDigest(digest); err != nil {
		return Descriptor{}, invalidManifest(fmt.Sprintf("%s: %v", path, err))
	}
	return d, nil
}

// isMediaType is generous: types that nobody registered are fine, bytes that no header could carry are not.
func isMediaType(s string) bool {
	const longest = 255 // RFC 6838, section 4.2, and room for parameters
	return len(s) <= longest && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func errFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
