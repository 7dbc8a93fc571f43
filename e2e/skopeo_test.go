//go:build e2e

package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSkopeoCopies(t *testing.T) {
	tests := []struct {
		name string
		make func(layout) descriptor
	}{
		{"image of several layers", func(l layout) descriptor { return l.image("amd64", 3, 192<<20) }},
		{"multi-architecture index", func(l layout) descriptor {
			return l.json(ociIndexType, manifest{SchemaVersion: 2, MediaType: ociIndexType, Manifests: []descriptor{
				l.image("amd64", 2, 6<<20), l.image("arm64", 2, 6<<20),
			}})
		}},
		{"artifact", func(l layout) descriptor {
			config := l.blob("application/vnd.example.report.config.v1+json", []byte("{}"))
			report := l.blob("application/vnd.example.report.v1+text", []byte("all is well\n"))
			return l.json(ociManifestType, manifest{SchemaVersion: 2, MediaType: ociManifestType,
				ArtifactType: "application/vnd.example.report", Config: &config, Layers: []descriptor{report}})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t)
			aws := newAWS(t, s)
			image := "docker://" + aws.createRepository(t, s, "hello/world") + ":1"
			pushed := newLayout(t)
			made := test.make(pushed)
			pushed.tag("one", made)
			owner := newSkopeo(t)
			owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
			push := []string{"copy", "--all", "--preserve-digests", skopeoPlainTo, "oci:" + pushed.dir + ":one", image}

			owner.run(t, push...)
			if layerBytes(s.restart()) == 0 {
				t.Error("the first copy sent no bytes of layers")
			}
			owner.run(t, push...)
			if n := layerBytes(s.restart()); n != 0 {
				t.Errorf("the second copy sent %d bytes of layers, want 0", n)
			}

			pulled := openLayout(t, t.TempDir())
			stranger := newSkopeo(t)
			stranger.run(t, "copy", "--all", "--preserve-digests", skopeoPlainFrom, image, "oci:"+pulled.dir+":one")
			if diff := cmp.Diff(pushed.blobs(), pulled.blobs()); diff != "" {
				t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
			}
			if got := digestOf([]byte(stranger.run(t, "inspect", "--raw", "--tls-verify=false", image))); got != made.Digest {
				t.Errorf("the tag stands for %s, pushed %s", got, made.Digest)
			}
		})
	}
}
