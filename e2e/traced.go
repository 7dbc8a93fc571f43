//go:build e2e

package e2e

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/powercut"
)

// A recording is all that a server did to a fresh folder, from its start to its end, as strace saw it.
type recording struct {
	root  string // in it the data folder was made
	calls []*powercut.Call
}

const tracedData = "data" // below the root

// record runs a server over SQLite and files under strace while work is done with it.
func record(t *testing.T, work func(s *server)) recording {
	t.Helper()
	r := recording{root: t.TempDir()}
	trace := filepath.Join(t.TempDir(), "trace")
	s := newServer(t, filepath.Join(r.root, tracedData))
	s.env = nil // whatever the stores of the run, it is files that power cuts are about
	s.under = slices.Concat([]string{"strace"}, powercut.Options(), []string{"-o", trace})
	s.start()
	work(s)
	s.stop()
	file, err := os.Open(trace)
	must(t, err)
	defer file.Close()
	r.calls, err = powercut.ReadTrace(file)
	must(t, err)
	return r
}

// lines is how many places there are for a cut.
func (r recording) lines() int { return r.calls[len(r.calls)-1].Begin }

// disk is what the kernel held when the trace had come to a line.
func (r recording) disk(t *testing.T, line int) *powercut.Disk {
	t.Helper()
	disk, err := powercut.Replay(r.calls, r.root, line)
	must(t, err)
	return disk
}

// mustBeTrue ends the test unless a replay of all calls comes to what is really there: otherwise something went past strace.
func (r recording) mustBeTrue(t *testing.T) {
	t.Helper()
	replayed := t.TempDir()
	must(t, r.disk(t, math.MaxInt).Write(replayed, powercut.All()))
	got, want := filesIn(t, replayed), filesIn(t, r.root)
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Fatalf("%s has %d bytes in the replay and %d others in truth", name, len(got[name]), len(content))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("the replay has %d files, in truth there are %d", len(got), len(want))
	}
}

// filesIn are the regular files of a folder, without those that SQLite writes through memory and makes anew at every start.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasSuffix(path, "-shm") {
			return err
		}
		files[strings.TrimPrefix(path, dir+"/")], err = os.ReadFile(path)
		return err
	}))
	return files
}
