package registry_test

import (
	"encoding/json"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// modelManifest is a manifest by its meaning; text is made of it.
type modelManifest struct {
	text         string
	mediaType    string
	unnamed      bool // the text does not say the media type
	broken       bool // nobody could read it
	config       *registry.Descriptor
	layers       []registry.Descriptor
	children     []ref.Digest
	subject      ref.Digest
	artifactType string
	annotations  map[string]string
}

const (
	dockerLayer  = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	foreignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	artifact     = "application/vnd.example.sbom"
)

func blobOf(mediaType, content string) registry.Descriptor {
	return registry.Descriptor{MediaType: mediaType, Digest: sum(content), Size: 1}
}

// descriptorJSON is a descriptor as it stands in a manifest.
func descriptorJSON(mediaType string, d ref.Digest) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": d.String(), "size": 1}
}

func (m modelManifest) rendered() modelManifest {
	o := map[string]any{"schemaVersion": 2}
	if !m.unnamed {
		o["mediaType"] = m.mediaType
	}
	if m.config != nil {
		layers := []any{}
		for _, l := range m.layers {
			layers = append(layers, descriptorJSON(l.MediaType, l.Digest))
		}
		o["config"], o["layers"] = descriptorJSON(m.config.MediaType, m.config.Digest), layers
	} else {
		children := []any{}
		for _, d := range m.children {
			children = append(children, descriptorJSON(ociManifest, d))
		}
		o["manifests"] = children
	}
	if !m.subject.IsZero() {
		o["subject"] = descriptorJSON(ociManifest, m.subject)
	}
	if m.artifactType != "" {
		o["artifactType"] = m.artifactType
	}
	if m.annotations != nil {
		o["annotations"] = m.annotations
	}
	text, _ := json.Marshal(o) // strings and numbers cannot fail
	m.text = string(text)
	return m
}

// manifests are all that sequences put: images that share layers under different media types, indexes of them and of
// each other, referrers, and what no registry takes.
var manifests = makeManifests()

func makeManifests() []*modelManifest {
	configA, configB := blobOf(ociConfig, "a"), blobOf(ociConfig, "b")
	dockerConfig := blobOf("application/vnd.docker.container.image.v1+json", "ab")
	var all []*modelManifest
	add := func(m modelManifest) ref.Digest {
		m = m.rendered()
		all = append(all, &m)
		return sum(m.text)
	}
	small := add(modelManifest{mediaType: ociManifest, config: &configA})
	two := add(modelManifest{mediaType: ociManifest, config: &configA, layers: []registry.Descriptor{blobOf(ociLayer, "b"), blobOf(ociLayer, "ab"), blobOf(dockerLayer, "b")}})
	docker := add(modelManifest{mediaType: dockerManifest, config: &dockerConfig, layers: []registry.Descriptor{blobOf(dockerLayer, "ba")}})
	add(modelManifest{mediaType: dockerManifest, unnamed: true, config: &configB, layers: []registry.Descriptor{blobOf(dockerLayer, "b")}})
	add(modelManifest{mediaType: ociManifest, config: &configB, layers: []registry.Descriptor{blobOf(foreignLayer, "ba"), blobOf(foreignLayer, "b"), blobOf(ociLayer, "")}})
	wide := ref.DigestBytes(ref.SHA512, []byte("b"))
	add(modelManifest{mediaType: ociManifest, config: &configA, layers: []registry.Descriptor{{MediaType: ociLayer, Digest: wide, Size: 1}}})

	index := add(modelManifest{mediaType: ociIndex, children: []ref.Digest{small, two, small}})
	add(modelManifest{mediaType: dockerList, children: []ref.Digest{docker}})
	outer := add(modelManifest{mediaType: ociIndex, children: []ref.Digest{index, docker}})
	add(modelManifest{mediaType: ociIndex, children: []ref.Digest{outer}})
	add(modelManifest{mediaType: ociIndex})

	add(modelManifest{mediaType: ociManifest, config: &configA, subject: small, artifactType: artifact, annotations: map[string]string{"who": "me"}})
	add(modelManifest{mediaType: ociManifest, config: &configB, subject: small})
	add(modelManifest{mediaType: ociIndex, children: []ref.Digest{small}, subject: index})

	for _, text := range []string{"", "[]", `{"schemaVersion":1}`, `{"schemaVersion":2,"mediaType":"` + ociManifest + `","layers":[]}`} {
		all = append(all, &modelManifest{text: text, mediaType: ociManifest, broken: true})
	}
	return all
}
