//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newPush is openecr as a client, with nothing configured but a data folder.
func newPush(t *testing.T, s *server) tool {
	t.Helper()
	return newTool(t, openecr).with("OPENECR_DATA=" + s.data)
}

func TestPushOfWhatDockerSaved(t *testing.T) {
	s := startServer(t)
	l := newLayout(t)
	made := l.image("amd64", 3, 30<<20)
	here := startDocker(t)
	here.load(t, l, made, "made:1")
	file := filepath.Join(t.TempDir(), "saved.tar")
	here.run(t, "save", "--output", file, "made:1")

	digest := newPush(t, s).run(t, "push", file, "hello:1", "--create")
	elsewhere := startDocker(t)
	image := s.registry + "/hello:1"
	elsewhere.run(t, "pull", image)
	if got, want := elsewhere.imageID(t, image), made.config(l); got != want {
		t.Errorf("pulled image %s, saved %s", got, want)
	}
	if got := elsewhere.pushedDigest(t, image); got+"\n" != digest {
		t.Errorf("pulled manifest %s, openecr push printed %q", got, digest)
	}
}

func TestPushOfALayoutSendsWhatIsMissing(t *testing.T) {
	s := startServer(t)
	l := newLayout(t)
	amd, arm := l.image("amd64", 10, 10<<20), l.image("arm64", 10, 10<<20)
	index := l.json(ociIndexType, manifest{SchemaVersion: 2, MediaType: ociIndexType, Manifests: []descriptor{amd, arm}})
	l.tag("both", index)
	push := newPush(t, s)
	push.run(t, "push", l.dir, "hello:amd", "--create", "--image", amd.Digest)
	s.restart()

	first := push.try(t, "", "push", l.dir, "hello:both")
	if first.err != nil || first.stdout != index.Digest+"\n" {
		t.Fatalf("openecr push: %v\n%s%s", first.err, first.stdout, first.stderr)
	}
	if n := strings.Count(first.stderr, "skipped: already there"); n != 11 {
		t.Errorf("%d layers were skipped, want 10 and the configuration:\n%s", n, first.stderr)
	}
	parts := 0
	for _, r := range s.restart() {
		if r.Operation == "UploadLayerPart" {
			parts++
		}
	}
	if parts != 11 {
		t.Errorf("%d parts were sent, want 10 layers and a configuration", parts)
	}
	push.run(t, "push", l.dir, "hello:both", "--quiet")
	if n := layerBytes(s.restart()); n != 0 {
		t.Errorf("the second push sent %d bytes of layers", n)
	}
	for tag, want := range map[string]string{"amd": amd.Digest, "both": index.Digest} {
		out := newTool(t, "skopeo").run(t, "inspect", "--tls-verify=false", "--raw", "docker://"+s.registry+"/hello:"+tag)
		if got := digestOf([]byte(out)); got != want {
			t.Errorf("%s is %s, want %s", tag, got, want)
		}
	}
}

func TestPushThatIsKilledGoesOn(t *testing.T) {
	const size = 400 << 20
	s := startServer(t)
	newAWS(t, s).createRepository(t, s, "hello")
	file := filepath.Join(t.TempDir(), "layer")
	layer, err := os.Create(file)
	must(t, err)
	_, err = io.Copy(layer, randomBytes(size))
	must(t, err)
	must(t, layer.Close())

	push := newPush(t, s)
	cmd := exec.Command(openecr, "push-layer", "--repository-name", "hello", file)
	cmd.Env = push.env
	running := startProcess(t, cmd)
	waitFor(t, time.Minute, "some parts to be sent", func() bool {
		running.mustRun(t)
		return notedOffset(t, push) > 40<<20
	})
	running.kill(t)
	noted := notedOffset(t, push)
	s.restart()

	again := push.try(t, "", "push-layer", "--repository-name", "hello", file)
	if again.err != nil || !strings.Contains(again.stderr, "pushed, resumed at ") {
		t.Fatalf("openecr push-layer: %v\n%s", again.err, again.stderr)
	}
	most := (size-noted)*4/3 + 1<<20 // base64 in JSON
	if n := layerBytes(s.stop()); n > most {
		t.Errorf("%d bytes were sent though %d of %d had arrived, want at most %d", n, noted, size, most)
	}
}

// notedOffset is how far the upload that the client has noted has come.
func notedOffset(t *testing.T, client tool) int64 {
	t.Helper()
	for _, variable := range client.env {
		home, ok := strings.CutPrefix(variable, "HOME=")
		if !ok {
			continue
		}
		notes, err := filepath.Glob(filepath.Join(home, ".cache", "openecr", "uploads", "*.json"))
		must(t, err)
		for _, name := range notes {
			var note struct{ Offset int64 }
			content, _ := os.ReadFile(name)
			if json.Unmarshal(content, &note) == nil {
				return note.Offset
			}
		}
	}
	return 0
}

func TestPushThatIsInterrupted(t *testing.T) {
	s := startServer(t)
	file := filepath.Join(t.TempDir(), "layer")
	must(t, os.WriteFile(file, randomData(200<<20), 0o600))
	push := newPush(t, s)
	cmd := exec.Command(openecr, "push-layer", "--create", "--repository-name", "hello", file)
	said := &output{}
	cmd.Env, cmd.Stderr = push.env, said
	running := startProcess(t, cmd)
	waitFor(t, time.Minute, "a part to be sent", func() bool {
		running.mustRun(t)
		return notedOffset(t, push) > 0
	})
	running.signal(t, syscall.SIGINT)
	running.wait(t)
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.Contains(said.text(), "openecr: interrupted: run the same command again") {
		t.Errorf("exit status %d: %s", code, said.text())
	}
}
