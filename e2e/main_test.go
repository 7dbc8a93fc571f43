//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain builds the binary that the tests run, unless OPENECR_BINARY names one.
func TestMain(m *testing.M) {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func prepare() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a docker engine and mounts need root: run make e2e, which uses sudo")
	}
	openecr = os.Getenv("OPENECR_BINARY")
	if openecr != "" {
		return nil
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	openecr = filepath.Join(root, "tmp", "openecr")
	build := exec.Command("go", "build", "-o", openecr, "./cmd/openecr")
	build.Dir, build.Stdout, build.Stderr = root, os.Stderr, os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	return build.Run()
}
