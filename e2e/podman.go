//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"
)

// newPodman is podman with image storage of its own: another podman stands for another machine.
func newPodman(t *testing.T) tool {
	t.Helper()
	dir := shortTempDir(t)
	return newTool(t, "/usr/bin/podman", "--storage-driver", "vfs",
		"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"))
}
