//go:build e2e

package e2e

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// buildImage makes the container image of the binary under test, as `make image` does, under the given name.
func buildImage(t *testing.T, d docker, name string) {
	t.Helper()
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "data"), 0o755))
	newTool(t, "strip", "-o", filepath.Join(folder, "openecr-linux-"+runtime.GOARCH), openecr).run(t)
	d.with("DOCKER_BUILDKIT=1").run(t, "build", "--file", "../deploy/Dockerfile", "--tag", name, folder)
}

// runImage runs the image as deploy/compose/single.yaml does, on the network of this machine, with its data in the named
// volume. It returns when the engine calls the container healthy.
func runImage(t *testing.T, d docker, image, volume string) (s *server, container string) {
	t.Helper()
	container = strings.TrimSpace(d.run(t, "run", "--detach", "--network", "host", "--volume", volume+":/data",
		"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--health-interval", "1s", "--env", "OPENECR_ADDR=127.0.0.1:0", "--env", "OPENECR_ADMIN_ADDR="+freeAddress(t), image))
	t.Cleanup(func() {
		if t.Failed() {
			said := d.try(t, "", "logs", container)
			t.Logf("the container said:\n%s%s", said.stdout, said.stderr)
		}
		d.try(t, "", "rm", "--force", container)
	})
	waitFor(t, time.Minute, "the container to be healthy", func() bool {
		return d.run(t, "inspect", "--format", "{{.State.Health.Status}}", container) == "healthy\n"
	})
	s = &server{t: t, data: strings.TrimSpace(d.run(t, "volume", "inspect", "--format", "{{.Mountpoint}}", volume))}
	var info struct{ URL, Registry string }
	must(t, json.Unmarshal([]byte(s.file("server.json")), &info))
	s.url, s.registry = info.URL, info.Registry
	return s, container
}

// deploymentTexts are the files that people copy and paste from, by path.
func deploymentTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	must(t, filepath.WalkDir("../deploy", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			texts[path] = readFile(t, path)
		}
		return err
	}))
	for _, name := range []string{"deploy.md", "upgrade.md", "disaster-recovery.md"} {
		texts["../docs/"+name] = readFile(t, "../docs/"+name)
	}
	return texts
}

var (
	variablePattern = regexp.MustCompile(`\bOPENECR_[A-Z0-9_]+`)
	// commandPattern is a command with its arguments, up to the end of a sentence, of code or of a command of the shell.
	commandPattern = regexp.MustCompile(`(?m)\bopenecr ([a-z][a-z-]*)((?: +[^ \n` + "`" + `|;&)]*[^ \n` + "`" + `|;&).,:])*)`)
	optionPattern  = regexp.MustCompile(`--[a-z][a-z-]*`)
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}
