//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelfSignedTLS(t *testing.T) {
	s := startServer(t, "--tls", "self-signed")
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("the server is at %s, want https", s.url)
	}
	aws := newAWS(t, s) // openecr env tells it what to trust
	image := aws.createRepository(t, s, "hello") + ":1"
	trusted := t.TempDir()
	must(t, os.WriteFile(filepath.Join(trusted, "ca.crt"), []byte(s.file("tls/cert.pem")), 0o600))
	pushed, pulled := newLayout(t), openLayout(t, t.TempDir())
	pushed.tag("1", pushed.image("amd64", 2, 4<<20))

	skopeo := newSkopeo(t)
	skopeo.runWithInput(t, aws.password(t), "login", "--cert-dir", trusted, "--username", "AWS", "--password-stdin", s.host())
	skopeo.run(t, "copy", "--preserve-digests", "--dest-cert-dir", trusted, "oci:"+pushed.dir+":1", "docker://"+image)
	crane := newClient(t, "crane").with("SSL_CERT_FILE=" + filepath.Join(trusted, "ca.crt"))
	crane.run(t, "pull", "--format", "oci", image, pulled.dir)
	if diff := cmp.Diff([]string{}, missing(pushed, pulled)); diff != "" {
		t.Errorf("blobs pushed and not pulled:\n%s", diff)
	}
	if said := newSkopeo(t).fails(t, "inspect", "docker://"+image); !strings.Contains(said, "certificate") {
		t.Errorf("who does not trust the certificate is told %q", said)
	}
}

func TestPrivateRegistryThatPushesFill(t *testing.T) {
	s := startServer(t, "--private", "--create-on-push", "--create-on-push-description", "made by a push")
	aws := newAWS(t, s)
	image := "docker://" + s.registry + "/team/new:1"
	pushed, pulled := newLayout(t), openLayout(t, t.TempDir())
	pushed.tag("1", pushed.image("amd64", 2, 4<<20))
	owner, stranger := newSkopeo(t), newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+pushed.dir+":1", image)

	var catalog struct {
		CatalogData struct{ Description string }
	}
	aws.call(t, &catalog, "get-repository-catalog-data", "--repository-name", "team/new")
	if got := catalog.CatalogData.Description; got != "made by a push" {
		t.Errorf("the description is %q", got)
	}
	if said := stranger.fails(t, "inspect", "--tls-verify=false", image); !strings.Contains(said, "needs a login") && !strings.Contains(said, "unauthorized") {
		t.Errorf("a stranger is told %q", said)
	}
	owner.run(t, "copy", "--preserve-digests", skopeoPlainFrom, image, "oci:"+pulled.dir+":1")
	if diff := cmp.Diff(pushed.blobs(), pulled.blobs()); diff != "" {
		t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
	}
}

func TestLayerOfMoreThanTwoGigabytes(t *testing.T) {
	const size = 2<<30 + 1
	s := startServer(t)
	aws := newAWS(t, s)
	image := "docker://" + aws.createRepository(t, s, "hello") + ":1"
	pushed, pulled := newLayout(t), openLayout(t, t.TempDir())
	file, err := os.Create(filepath.Join(pushed.dir, "layer"))
	must(t, err)
	defer file.Close()
	must(t, file.Truncate(size)) // takes no room
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	must(t, err)
	layer := descriptor{MediaType: "application/vnd.example.zeros", Digest: fmt.Sprintf("sha256:%x", hash.Sum(nil)), Size: size}
	must(t, os.Rename(file.Name(), pushed.path(layer.Digest)))
	config := pushed.blob("application/vnd.example.config", []byte("{}"))
	pushed.tag("1", pushed.json(ociManifestType, manifest{SchemaVersion: 2, MediaType: ociManifestType, Config: &config, Layers: []descriptor{layer}}))

	skopeo := newSkopeo(t)
	skopeo.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	skopeo.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+pushed.dir+":1", image)
	skopeo.run(t, "copy", "--preserve-digests", skopeoPlainFrom, image, "oci:"+pulled.dir+":1")
	if diff := cmp.Diff(pushed.blobs(), pulled.blobs()); diff != "" {
		t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
	}
}
