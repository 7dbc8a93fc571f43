//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

func TestPodmanPushesOnceAndAnyonePulls(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 3, 48<<20)
	here := newPodman(t)
	here.run(t, "load", "--quiet", "--input", l.dockerArchive(made, image))
	here.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())

	here.run(t, "push", "--tls-verify=false", image)
	if layerBytes(s.restart()) == 0 {
		t.Error("the first push sent no bytes of layers")
	}
	here.run(t, "push", "--tls-verify=false", image)
	if n := layerBytes(s.restart()); n != 0 {
		t.Errorf("the second push sent %d bytes of layers, want 0", n)
	}

	elsewhere := newPodman(t)
	elsewhere.run(t, "pull", "--quiet", "--tls-verify=false", image)
	id := strings.TrimSpace(elsewhere.run(t, "image", "inspect", "--format", "{{.Id}}", image))
	if want := made.config(l); "sha256:"+id != want {
		t.Errorf("pulled image sha256:%s, pushed %s", id, want)
	}
}
