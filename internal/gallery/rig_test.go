package gallery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

var owner = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}

const ownerAlias = ref.Alias("acme")

// rig is the gallery over a real core with a store of its own.
type rig struct {
	testing.TB
	*Server
	meta registry.Meta
	core *registry.Registry
}

func newRig(t testing.TB) *rig {
	t.Helper()
	meta, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := meta.Close(); err != nil {
			t.Error(err)
		}
	})
	core := registry.New(registry.Config{Meta: meta, Blobs: registrytest.NewMemBlobs(t), Host: "registry.test", URL: "https://registry.test"})
	r := &rig{TB: t, meta: meta, core: core}
	r.Server = New(Options{Registry: core, PublicURL: &url.URL{Scheme: "https", Host: "registry.test"}, Version: "1.2.3"})
	_, err = core.CreateAccount(t.Context(), owner.Account, ownerAlias)
	r.must(err)
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// create makes a repository of the owner, which says the text of itself wherever it may.
func (r *rig) create(name ref.RepositoryName, text string) registry.Path {
	r.Helper()
	var logo bytes.Buffer
	r.must(png.Encode(&logo, image.NewGray(image.Rect(0, 0, 64, 64))))
	_, err := r.core.CreateRepository(r.Context(), owner, name, registry.Catalog{
		Description: &text, About: &text, Usage: &text, OperatingSystems: []string{"Linux"}, Architectures: []string{"ARM 64"}, LogoFile: logo.Bytes(),
	}, nil)
	r.must(err)
	return registry.Path{Registry: string(ownerAlias), Name: name}
}

type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    string            `json:"digest"`
	Size      int64             `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// push makes a layer of the content, once.
func (r *rig) push(p registry.Path, mediaType, content string) descriptor {
	r.Helper()
	d := ref.DigestBytes(ref.SHA256, []byte(content))
	pushed := descriptor{MediaType: mediaType, Digest: d.String(), Size: int64(len(content))}
	if have, err := r.core.StatLayer(r.Context(), p, d); err == nil && have.Available {
		return pushed
	}
	up, err := r.core.StartUpload(r.Context(), owner, p)
	r.must(err)
	_, err = r.core.AppendUpload(r.Context(), owner, p, up.ID, registry.Part{First: -1, Length: -1, Body: io.NopCloser(strings.NewReader(content))})
	r.must(err)
	_, err = r.core.FinishUpload(r.Context(), owner, p, up.ID, []string{d.String()}, registry.FinishRules{})
	r.must(err)
	return pushed
}

// put puts a manifest under the tags, or under none.
func (r *rig) put(p registry.Path, manifest map[string]any, tags ...string) descriptor {
	r.Helper()
	manifest["schemaVersion"] = 2
	body, err := json.Marshal(manifest)
	r.must(err)
	_, err = r.core.PutImage(r.Context(), owner, p, registry.NewImage{Manifest: body, Tags: tags})
	r.must(err)
	return descriptor{MediaType: manifest["mediaType"].(string), Digest: ref.DigestBytes(ref.SHA256, body).String(), Size: int64(len(body))}
}

// image puts an image for linux/arm64 with one layer of each content. Its history, labels and variables have the text.
func (r *rig) image(p registry.Path, text string, contents []string, tags ...string) descriptor {
	r.Helper()
	var layers []descriptor
	var history []map[string]any
	for i, content := range contents {
		layers = append(layers, r.push(p, layerType, content))
		history = append(history, map[string]any{"created_by": fmt.Sprintf("COPY step%d %s", i, text)})
	}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "arm64", "author": text, "created": "2026-11-20T10:00:00Z", "history": history,
		"config": map[string]any{"Env": []string{"NOTE=" + text}, "Cmd": []string{"run", text}, "Labels": map[string]string{"note": text, text: "label"}, "ExposedPorts": map[string]any{"80/tcp": map[string]any{}}, "User": text},
	})
	r.must(err)
	return r.put(p, map[string]any{
		"mediaType": manifestType, "config": r.push(p, configType, string(config)), "layers": layers, "annotations": map[string]string{"note": text},
	}, tags...)
}

// get is a page that must be there, parsed.
func (r *rig) get(address string) document {
	r.Helper()
	res := ask(r, "GET", address)
	body := bodyOf(r, res)
	if res.StatusCode != 200 {
		r.Fatalf("%s: %d: %s", address, res.StatusCode, parseHTML(r, body).text("main"))
	}
	return parseHTML(r, body)
}
