//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// engines is what the tests of this run share.
var engines = &wholeRun{}

// TestMain builds the binary that the tests run, unless OPENECR_BINARY names one.
func TestMain(m *testing.M) {
	err := prepare()
	if err == nil {
		err = dataIn.start(engines, os.Getenv("OPENECR_STORES"))
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		engines.Error(err)
	}
	engines.end()
	os.Exit(code)
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
