//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Behind a proxy every address that openecr gives out is the proxy's, and a signature for the proxy's name holds.
func TestThroughTLSProxy(t *testing.T) {
	p, s := startTLSProxy(t)
	if got, want := s.registry, strings.TrimPrefix(p.url, "https://")+"/"; !strings.HasPrefix(got, want) {
		t.Fatalf("the server calls its registry %q, want it to start with %q", got, want)
	}
	aws := newAWS(t, s)
	aws.tool = p.client(aws.tool)
	repository := aws.createRepository(t, s, "hello")
	password := aws.password(t)

	l := newLayout(t)
	made := l.image("amd64", 2, 8<<20)
	l.tag("one", made)

	t.Run("docker", func(t *testing.T) {
		image := repository + ":docker"
		here := startDockerOn(t, p.client)
		here.load(t, l, made, image)
		here.login(t, password, s.host())
		here.run(t, "push", image)
		elsewhere := startDockerOn(t, p.client)
		elsewhere.run(t, "pull", image)
		if got, want := elsewhere.imageID(t, image), made.config(l); got != want {
			t.Errorf("pulled image %s, pushed %s", got, want)
		}
	})
	t.Run("skopeo", func(t *testing.T) {
		image := "docker://" + repository + ":skopeo"
		skopeo := p.client(newSkopeo(t))
		skopeo.runWithInput(t, password, "login", "--username", "AWS", "--password-stdin", s.host())
		skopeo.run(t, "copy", "--preserve-digests", "oci:"+l.dir+":one", image)
		pulled := openLayout(t, t.TempDir())
		p.client(newSkopeo(t)).run(t, "copy", "--preserve-digests", image, "oci:"+pulled.dir+":one")
		if diff := cmp.Diff(l.blobs(), pulled.blobs()); diff != "" {
			t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
		}
	})
	t.Run("aws", func(t *testing.T) {
		other := newLayout(t)
		cliPush(aws)(t, "hello", "cli", other, other.image("amd64", 1, 1<<20))
		if tags := aws.imageTags(t, "hello"); !cmp.Equal(tags, []string{"cli", "docker", "skopeo"}) {
			t.Errorf("the repository has the tags %q, want those of docker, skopeo and the CLI", tags)
		}
	})
}
