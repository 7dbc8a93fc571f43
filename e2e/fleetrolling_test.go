//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Nodes are replaced one by one by those of the next version, which has another schema, and no request fails meanwhile.
func TestFleetRollingUpgrade(t *testing.T) {
	next := buildNextVersion(t)
	f := startFleet(t, 3)
	api, registry := f.clients()
	load := startLoad(t, registry, "load", 4)
	load.since(t, 5)

	for _, node := range f.nodes {
		node.stop() // with exit status 0
		node.binary = next
		node.start()
		if version := node.command(t).run(t, "version"); !strings.Contains(version, nextVersion) {
			t.Errorf("the node has version %s", version)
		}
		load.since(t, 5) // old and new nodes side by side
	}
	load.check(t)
	if n := load.reconnects(); n > 0 {
		t.Errorf("%d connections broke", n)
	}
	verifyAcknowledged(t, load.acked, api, registry)
	f.verify()
}

const nextVersion = "e2e-next"

// buildNextVersion builds this source with a migration more. It expands: nodes of this version go on working.
func buildNextVersion(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, err := filepath.Abs("../internal/sqlmeta/migrate.go")
	must(t, err)
	const end = "\t}\n}\n\nfunc script(" // of the list of migrations
	changed := replaceAll(t, readFile(t, source), end, `		{"CREATE TABLE next_version (id BIGINT PRIMARY KEY); ALTER TABLE repository ADD COLUMN next_version TEXT DEFAULT 'none'", 1},
`+end)
	replacement, overlay, binary := filepath.Join(dir, "migrate.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "openecr")
	must(t, os.WriteFile(replacement, []byte(changed), 0o600))
	files, err := json.Marshal(map[string]map[string]string{"Replace": {source: replacement}})
	must(t, err)
	must(t, os.WriteFile(overlay, files, 0o600))
	build := exec.Command("go", "build", "-overlay", overlay, "-ldflags", "-X main.version="+nextVersion, "-o", binary, "./cmd/openecr")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the next version: %v\n%s", err, said)
	}
	return binary
}
