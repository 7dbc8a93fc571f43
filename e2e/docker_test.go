//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

func TestDockerPushesOnceAndAnyonePulls(t *testing.T) {
	const size = 512 << 20
	s := startServer(t)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 4, size)
	here := startDocker(t)
	here.load(t, l, made, image)
	here.login(t, aws.password(t), s.host())

	here.run(t, "push", image)
	if n := layerBytes(s.restart()); n < size {
		t.Errorf("the first push sent %d bytes of layers, want at least %d", n, size)
	}
	here.run(t, "push", image)
	if n := layerBytes(s.restart()); n != 0 {
		t.Errorf("the second push sent %d bytes of layers, want 0", n)
	}

	elsewhere := startDocker(t)
	elsewhere.run(t, "pull", image)
	if got, want := elsewhere.imageID(t, image), made.config(l); got != want {
		t.Errorf("pulled image %s, pushed %s", got, want)
	}
	if got, want := elsewhere.pushedDigest(t, image), here.pushedDigest(t, image); got != want {
		t.Errorf("pulled manifest %s, pushed %s", got, want)
	}
}

func TestDockerMayNotPushWithoutLogin(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	d := startDocker(t)
	d.load(t, l, l.image("amd64", 1, 1<<20), image)

	d.fails(t, "push", image)
	d.fails(t, "login", "--username", "AWS", "--password", "wrong", s.host())
	if n := layerBytes(s.stop()); n != 0 {
		t.Errorf("%d bytes of layers were accepted from a stranger", n)
	}
}

func TestDockerPushToUnknownRepositoryNamesIt(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := s.registry + "/never-made:1"
	l := newLayout(t)
	d := startDocker(t)
	d.load(t, l, l.image("amd64", 1, 1<<20), image)
	d.login(t, aws.password(t), s.host())
	if said := d.fails(t, "push", image); !strings.Contains(said, "never-made") || !strings.Contains(said, "does not exist") {
		t.Errorf("docker push to a repository that does not exist said %q, want its name and that it does not exist", said)
	}
}
