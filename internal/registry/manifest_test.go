package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
)

func digestOf(s string) ref.Digest { return ref.DigestBytes(ref.SHA256, []byte(s)) }

func described(mediaType, content string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digestOf(content), len(content))
}

var (
	config = described("application/vnd.config", "config")
	layer  = described("application/vnd.layer", "layer")
	child  = described(mediaTypeOCIManifest, "child")
)

func TestParseManifest(t *testing.T) {
	configDescriptor := Descriptor{digestOf("config"), 6, "application/vnd.config"}
	layerDescriptor := Descriptor{digestOf("layer"), 5, "application/vnd.layer"}
	image := manifest{artifactMediaType: "application/vnd.config", artifactType: "application/vnd.config", layers: []Descriptor{configDescriptor, layerDescriptor}}
	index := manifest{children: []ref.Digest{digestOf("child")}}
	of := func(m manifest, mediaType string) manifest { m.mediaType = mediaType; return m }
	withSubject := of(image, mediaTypeOCIManifest)
	withSubject.subject = digestOf("child")
	withForeign := of(image, mediaTypeDockerManifest)
	withForeign.foreign = []Descriptor{{digestOf("far"), 3, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}}
	configOnly := of(image, mediaTypeOCIManifest)
	configOnly.layers = configOnly.layers[:1]
	typed := configOnly
	typed.artifactType = "x/y"
	typedIndex := manifest{mediaType: mediaTypeOCIIndex, artifactType: "x/y"}

	for _, c := range []struct {
		name, content, stated string
		want                  manifest
	}{
		{"OCI image", `{"schemaVersion":2,"mediaType":"` + mediaTypeOCIManifest + `","config":` + config + `,"layers":[` + layer + `]}`, "", of(image, mediaTypeOCIManifest)},
		{"docker image", `{"schemaVersion":2,"mediaType":"` + mediaTypeDockerManifest + `","config":` + config + `,"layers":[` + layer + `]}`, "", of(image, mediaTypeDockerManifest)},
		{"OCI index", `{"schemaVersion":2,"mediaType":"` + mediaTypeOCIIndex + `","manifests":[` + child + `]}`, "", of(index, mediaTypeOCIIndex)},
		{"docker list", `{"schemaVersion":2,"mediaType":"` + mediaTypeDockerList + `","manifests":[` + child + `]}`, "", of(index, mediaTypeDockerList)},
		{"media type stated outside", `{"schemaVersion":2,"config":` + config + `,"layers":[` + layer + `]}`, mediaTypeOCIManifest, of(image, mediaTypeOCIManifest)},
		{"media type in both places", `{"schemaVersion":2,"mediaType":"` + mediaTypeOCIIndex + `","manifests":[` + child + `]}`, mediaTypeOCIIndex, of(index, mediaTypeOCIIndex)},
		{"no layers", `{"schemaVersion":2,"config":` + config + `}`, mediaTypeOCIManifest, configOnly},
		{"layers null", `{"schemaVersion":2,"config":` + config + `,"layers":null}`, mediaTypeOCIManifest, configOnly},
		{"empty index", `{"schemaVersion":2,"manifests":[]}`, mediaTypeOCIIndex, manifest{mediaType: mediaTypeOCIIndex}},
		{"layer named twice", `{"schemaVersion":2,"config":` + config + `,"layers":[` + layer + `,` + layer + `]}`, mediaTypeOCIManifest, of(image, mediaTypeOCIManifest)},
		{"child named twice", `{"schemaVersion":2,"manifests":[` + child + `,` + child + `]}`, mediaTypeOCIIndex, of(index, mediaTypeOCIIndex)},
		{"config among the layers", `{"schemaVersion":2,"config":` + config + `,"layers":[` + config + `]}`, mediaTypeOCIManifest, configOnly},
		{"subject", `{"schemaVersion":2,"config":` + config + `,"layers":[` + layer + `],"subject":` + child + `}`, mediaTypeOCIManifest, withSubject},
		{"foreign layer", `{"schemaVersion":2,"config":` + config + `,"layers":[` + layer + `,` +
			described("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "far") + `]}`, mediaTypeDockerManifest, withForeign},
		{"names in another case are not taken", `{"schemaVersion":2,"config":` + config + `,"Layers":[` + layer + `],"CONFIG":1,"Manifests":2,"Subject":3}`, mediaTypeOCIManifest, configOnly},
		{"unknown members", `{"schemaVersion":2,"config":` + config + `,"annotations":{"a":"b"},"x":{}}`, mediaTypeOCIManifest, configOnly},
		{"artifact type of an image", `{"schemaVersion":2,"config":` + config + `,"artifactType":"x/y"}`, mediaTypeOCIManifest, typed},
		{"artifact type of an index", `{"schemaVersion":2,"manifests":[],"artifactType":"x/y"}`, mediaTypeOCIIndex, typedIndex},
		{"last of equal members counts", `{"schemaVersion":1,"schemaVersion":2,"config":` + layer + `,"config":` + config + `}`, mediaTypeOCIManifest, configOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseManifest([]byte(c.content), c.stated)
			if err != nil {
				t.Fatal(err)
			}
			options := cmp.Options{cmp.AllowUnexported(manifest{}), cmp.Comparer(func(a, b ref.Digest) bool { return a == b })}
			if diff := cmp.Diff(c.want, got, options); diff != "" {
				t.Errorf("manifest differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	const syntax = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
	oci, index := mediaTypeOCIManifest, mediaTypeOCIIndex
	for _, c := range []struct{ name, content, stated, text string }{
		{"nothing", ``, oci, syntax},
		{"not JSON", `{"schemaVersion":2,`, oci, syntax},
		{"trailing bytes", `{"schemaVersion":2,"config":` + config + `}{}`, oci, syntax},
		{"a million levels", `{"schemaVersion":2,"x":` + strings.Repeat("[", 1e6), oci, syntax},
		{"a million levels that end", `{"schemaVersion":2,"x":` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `}`, oci, syntax},
		{"null", `null`, oci, syntax},
		{"an array", `[]`, oci, syntax},
		{"a string", `"manifest"`, oci, syntax},
		{"no media type", `{"schemaVersion":2,"config":` + config + `}`, "", syntax},
		{"media type that differs", `{"schemaVersion":2,"mediaType":"` + oci + `","config":` + config + `}`, index, ""},
		{"media type unknown", `{"schemaVersion":2}`, "text/html", ""},
		{"media type with parameter", `{"schemaVersion":2,"config":` + config + `}`, oci + "; charset=utf-8", ""},
		{"media type not a string", `{"schemaVersion":2,"mediaType":1,"config":` + config + `}`, oci, ""},
		{"media type in another case only", `{"schemaVersion":2,"MediaType":"` + oci + `","config":` + config + `}`, "", syntax},
		{"no schema version", `{"config":` + config + `}`, oci, ""},
		{"schema version 1", `{"schemaVersion":1,"config":` + config + `}`, oci, ""},
		{"schema version as text", `{"schemaVersion":"2","config":` + config + `}`, oci, ""},
		{"image with manifests", `{"schemaVersion":2,"config":` + config + `,"manifests":[]}`, oci, ""},
		{"image with manifests null", `{"schemaVersion":2,"config":` + config + `,"manifests":null}`, oci, ""},
		{"image with fsLayers", `{"schemaVersion":2,"config":` + config + `,"fsLayers":[]}`, oci, ""},
		{"index with layers", `{"schemaVersion":2,"manifests":[],"layers":[]}`, index, ""},
		{"index with config", `{"schemaVersion":2,"manifests":[],"config":` + config + `}`, index, ""},
		{"image without config", `{"schemaVersion":2,"layers":[` + layer + `]}`, oci, ""},
		{"config null", `{"schemaVersion":2,"config":null}`, oci, ""},
		{"config not an object", `{"schemaVersion":2,"config":[]}`, oci, ""},
		{"layers not an array", `{"schemaVersion":2,"config":` + config + `,"layers":{}}`, oci, ""},
		{"layer null", `{"schemaVersion":2,"config":` + config + `,"layers":[null]}`, oci, ""},
		{"layer not an object", `{"schemaVersion":2,"config":` + config + `,"layers":[1]}`, oci, ""},
		{"no digest", `{"schemaVersion":2,"config":{"size":1}}`, oci, ""},
		{"digest in another case", `{"schemaVersion":2,"config":{"size":1,"Digest":"` + digestOf("a").String() + `"}}`, oci, ""},
		{"digest of unknown algorithm", `{"schemaVersion":2,"config":{"size":1,"digest":"md5:900150983cd24fb0d6963f7d28e17f72"}}`, oci, ""},
		{"digest in upper case", `{"schemaVersion":2,"config":{"size":1,"digest":"sha256:` + strings.ToUpper(digestOf("a").Hex()) + `"}}`, oci, ""},
		{"no size", `{"schemaVersion":2,"config":{"digest":"` + digestOf("a").String() + `"}}`, oci, ""},
		{"negative size", `{"schemaVersion":2,"config":{"size":-1,"digest":"` + digestOf("a").String() + `"}}`, oci, ""},
		{"size not whole", `{"schemaVersion":2,"config":{"size":1.5,"digest":"` + digestOf("a").String() + `"}}`, oci, ""},
		{"size too large", `{"schemaVersion":2,"config":{"size":9223372036854775808,"digest":"` + digestOf("a").String() + `"}}`, oci, ""},
		{"subject broken", `{"schemaVersion":2,"config":` + config + `,"subject":{}}`, oci, ""},
		{"child broken", `{"schemaVersion":2,"manifests":[{}]}`, index, ""},
		{"artifact type not a string", `{"schemaVersion":2,"manifests":[],"artifactType":{}}`, index, ""},
		{"annotations not of strings", `{"schemaVersion":2,"manifests":[],"annotations":{"a":1}}`, index, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseManifest([]byte(c.content), c.stated)
			if KindOf(err) != InvalidManifest {
				t.Fatalf("error %v, want one of kind InvalidManifest", err)
			}
			if c.text != "" && err.Error() != c.text {
				t.Errorf("error text %q, want %q", err, c.text)
			}
		})
	}
}

func TestManifestHasAtMostFourMebibytes(t *testing.T) {
	content := `{"schemaVersion":2,"config":` + config + `}`
	content += strings.Repeat(" ", 4<<20-len(content))
	if _, err := parseManifest([]byte(content), mediaTypeOCIManifest); err != nil {
		t.Error(err)
	}
	_, err := parseManifest([]byte(content+" "), mediaTypeOCIManifest)
	const text = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Member must have length less than or equal to 4194304'"
	if KindOf(err) != InvalidManifest || err.Error() != text {
		t.Errorf("error %v, want %s", err, text)
	}
}

func FuzzParseManifest(f *testing.F) {
	for _, content := range []string{
		`{"schemaVersion":2,"config":` + config + `,"layers":[` + layer + `]}`,
		`{"schemaVersion":2,"mediaType":"` + mediaTypeOCIIndex + `","manifests":[` + child + `],"subject":` + child + `}`,
		`{"schemaVersion":2,"config":` + config + `,"Layers":[` + layer + `]}`,
		`{"schemaVersion":2,"config":{"size":1e3,"digest":""},"layers":[null]}`,
		`null`, `[`, "\xff",
	} {
		for _, stated := range []string{"", mediaTypeOCIManifest, mediaTypeOCIIndex} {
			f.Add([]byte(content), stated)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, stated string) {
		m, err := parseManifest(content, stated)
		if err != nil {
			if KindOf(err) != InvalidManifest {
				t.Errorf("error of kind %d: %v", KindOf(err), err)
			}
			return
		}
		if !json.Valid(content) {
			t.Error("accepted what is not JSON")
		}
		if len(m.layers) > 0 && len(m.children) > 0 {
			t.Error("an image and an index in one")
		}
		seen := make(map[ref.Digest]bool)
		for _, l := range m.layers {
			if l.Digest.IsZero() || l.Size < 0 || seen[l.Digest] {
				t.Errorf("layer %+v is malformed or there twice", l)
			}
			seen[l.Digest] = true
		}
		for _, d := range m.children {
			if d.IsZero() || seen[d] {
				t.Errorf("child %s is malformed or there twice", d)
			}
			seen[d] = true
		}
	})
}
