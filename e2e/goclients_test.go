//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newClient is a client that tools/clients has built.
func newClient(t *testing.T, name string) tool {
	t.Helper()
	return newTool(t, filepath.Join(toolFolder(t), "bin", name))
}

// toolFolder is where the scripts in tools install what Debian does not have.
func toolFolder(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("OPENECR_CLIENTS"); bin != "" {
		return filepath.Dir(bin)
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	return filepath.Join(cache, "openecr", "tools")
}

func TestCraneCopiesByMounting(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	first, second := aws.createRepository(t, s, "team/first"), aws.createRepository(t, s, "second")
	crane := newClient(t, "crane")
	crane.run(t, "auth", "login", s.host(), "--username", "AWS", "--password", aws.password(t))
	pushed := newLayout(t)
	pushed.tag("1", pushed.json(ociIndexType, manifest{SchemaVersion: 2, MediaType: ociIndexType, Manifests: []descriptor{
		pushed.image("amd64", 2, 4<<20), pushed.image("arm64", 2, 4<<20),
	}}))
	crane.run(t, "push", "--index", pushed.dir, first+":1")
	s.restart()
	crane.run(t, "copy", first+":1", second+":1")
	if n := layerBytes(s.restart()); n != 0 {
		t.Errorf("the copy sent %d bytes of layers, want all of them mounted", n)
	}
	stranger, dir := newClient(t, "crane"), t.TempDir()
	stranger.run(t, "pull", "--format", "oci", second+":1", dir)
	if diff := cmp.Diff([]string{}, missing(pushed, openLayout(t, dir))); diff != "" {
		t.Errorf("blobs pushed and not pulled:\n%s", diff)
	}
	if got, want := stranger.run(t, "ls", second), "1\n"; got != want {
		t.Errorf("tags are %q, want %q", got, want)
	}
	crane.run(t, "tag", second+":1", "2")
	crane.run(t, "delete", second+":1") // the tag alone
	if got, want := stranger.run(t, "ls", second), "2\n"; got != want {
		t.Errorf("tags after a delete are %q, want %q", got, want)
	}
}

// As many layers as docker accepts, in a repository that has none of them.
func TestCranePushesManyLayers(t *testing.T) {
	const layers = 127
	s := startServer(t)
	aws := newAWS(t, s)
	repository := aws.createRepository(t, s, "team/many")
	crane := newClient(t, "crane")
	crane.run(t, "auth", "login", s.host(), "--username", "AWS", "--password", aws.password(t))
	l := newLayout(t)
	l.tag("1", l.image("amd64", layers, layers<<10))
	crane.run(t, "push", l.dir, repository+":1")
	dir := t.TempDir()
	newClient(t, "crane").run(t, "pull", "--format", "oci", repository+":1", dir)
	pulled := openLayout(t, dir)
	if diff := cmp.Diff(l.blobs(), pulled.blobs()); diff != "" || len(pulled.blobs()) != layers+2 {
		t.Errorf("of %d blobs (-pushed +pulled):\n%s", len(pulled.blobs()), diff)
	}
}

// missing are the blobs of one layout that another does not have.
func missing(of, in layout) []string {
	there := map[string]bool{}
	for _, d := range in.blobs() {
		there[d] = true
	}
	list := []string{}
	for _, d := range of.blobs() {
		if !there[d] {
			list = append(list, d)
		}
	}
	return list
}

// Signatures and bills of materials hang on an image in two ways: by a tag made from its digest, as cosign has done from
// the beginning, and by its digest in their subject.
func TestRegctlCopiesWithAllThatHangsOnAnImage(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	from, to := aws.createRepository(t, s, "from"), aws.createRepository(t, s, "team/to")
	regctl := newClient(t, "regctl")
	regctl.run(t, "registry", "set", "--tls", "disabled", s.host())
	regctl.runWithInput(t, aws.password(t), "registry", "login", "--user", "AWS", "--pass-stdin", s.host())

	l := newLayout(t)
	image := l.image("amd64", 2, 2<<20)
	l.tag("1", image)
	regctl.run(t, "image", "copy", "ocidir://"+l.dir+":1", from+":1")
	regctl.runWithInput(t, `{"sbom":true}`, "artifact", "put", "--subject", from+":1",
		"--artifact-type", "application/vnd.example.sbom", "--file-media-type", "application/json", "--annotation", "by=us")
	regctl.runWithInput(t, `{"bundle":true}`, "artifact", "put", "--subject", from+":1",
		"--artifact-type", "application/vnd.dev.sigstore.bundle.v0.3+json", "--file-media-type", "application/vnd.dev.sigstore.bundle.v0.3+json")
	signature := strings.Replace(image.Digest, ":", "-", 1) + ".sig"
	regctl.runWithInput(t, `{"critical":{}}`, "artifact", "put", "--artifact-type", ociConfigType, "--strip-dirs",
		"--file-media-type", "application/vnd.dev.cosign.simplesigning.v1+json", from+":"+signature)

	regctl.run(t, "image", "copy", "--referrers", "--digest-tags", from+":1", to+":1")
	stranger := newClient(t, "regctl")
	stranger.run(t, "registry", "set", "--tls", "disabled", s.host())
	referrers := func(repository string, filter ...string) []string {
		t.Helper()
		var list struct {
			Descriptors []struct {
				ArtifactType string            `json:"artifactType"`
				Annotations  map[string]string `json:"annotations"`
			} `json:"descriptors"`
		}
		args := append([]string{"artifact", "list", repository + ":1", "--format", "{{json .}}"}, filter...)
		must(t, json.Unmarshal([]byte(stranger.run(t, args...)), &list))
		types := []string{}
		for _, d := range list.Descriptors {
			types = append(types, d.ArtifactType+" "+d.Annotations["by"])
		}
		return types
	}
	for _, repository := range []string{from, to} {
		if n := len(referrers(repository)); n != 2 {
			t.Errorf("%s:1 has %d referrers, want 2", repository, n)
		}
		if diff := cmp.Diff([]string{"application/vnd.example.sbom us"},
			referrers(repository, "--filter-artifact-type", "application/vnd.example.sbom")); diff != "" {
			t.Errorf("bills of materials of %s:1 (-want +got):\n%s", repository, diff)
		}
		if got := stranger.run(t, "tag", "ls", repository); got != "1\n"+signature+"\n" {
			t.Errorf("tags of %s are %q", repository, got)
		}
	}
	if got, want := stranger.run(t, "manifest", "get", "--format", "raw-body", to+":"+signature),
		stranger.run(t, "manifest", "get", "--format", "raw-body", from+":"+signature); got != want {
		t.Errorf("the signature became %s, was %s", got, want)
	}

	regctl.run(t, "tag", "delete", to+":"+signature)
	if got := stranger.run(t, "tag", "ls", to); got != "1\n" {
		t.Errorf("tags after a delete are %q", got)
	}
	layer := l.manifest(image.Digest).Layers[0].Digest
	regctl.fails(t, "blob", "delete", to, layer)
	regctl.run(t, "manifest", "delete", to+"@"+image.Digest)
	regctl.run(t, "blob", "delete", to, layer)
	stranger.fails(t, "blob", "head", to, layer)
}

func TestHelmPushesAndPullsAChart(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	aws.createRepository(t, s, "charts/hello")
	charts := "oci://" + s.registry + "/charts"
	helm := newClient(t, "helm")
	helm.runWithInput(t, aws.password(t), "registry", "login", "--plain-http", "--username", "AWS", "--password-stdin", s.host())
	dir := t.TempDir()
	helm.run(t, "create", filepath.Join(dir, "hello"))
	helm.run(t, "package", "--destination", dir, filepath.Join(dir, "hello"))
	pushed := filepath.Join(dir, "hello-0.1.0.tgz")
	helm.run(t, "push", "--plain-http", pushed, charts)

	elsewhere := t.TempDir()
	newClient(t, "helm").run(t, "pull", "--plain-http", "--destination", elsewhere, "--version", "0.1.0", charts+"/hello")
	want, err := os.ReadFile(pushed)
	must(t, err)
	got, err := os.ReadFile(filepath.Join(elsewhere, "hello-0.1.0.tgz"))
	must(t, err)
	if digestOf(got) != digestOf(want) {
		t.Error("the chart pulled is not the chart pushed")
	}
	var described struct {
		ImageDetails []struct{ ArtifactMediaType string }
	}
	aws.call(t, &described, "describe-images", "--repository-name", "charts/hello")
	if len(described.ImageDetails) != 1 || described.ImageDetails[0].ArtifactMediaType != "application/vnd.cncf.helm.config.v1+json" {
		t.Errorf("the API describes %+v", described.ImageDetails)
	}
}
