package blobfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBlobs(t *testing.T) {
	registrytest.TestBlobs(t, func(t *testing.T) func() registry.Blobs {
		dir := t.TempDir()
		t.Cleanup(func() { wantNoFiles(t, dir) })
		return func() registry.Blobs { return open(t, dir) }
	})
}

const locator = "ab3f09d4e5c67718293a4b5c6d7e8fc1"

func open(t testing.TB, dir string) *blobfs.Store {
	t.Helper()
	s, err := blobfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put stores a finished blob.
func put(t testing.TB, s *blobfs.Store, locator, content string) {
	t.Helper()
	u, err := appendTo(t, s, unfinished(locator, 0), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(t.Context(), u, nil); err != nil {
		t.Fatal(err)
	}
}

func unfinished(locator string, offset int64) registry.Unfinished {
	return registry.Unfinished{Locator: locator, Offset: offset}
}

// appendTo needs no numbers: files are told apart by their names alone.
func appendTo(t testing.TB, s *blobfs.Store, u registry.Unfinished, r io.Reader) (registry.Unfinished, error) {
	t.Helper()
	return s.Append(t.Context(), u, r, nil)
}

func wantNoFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLocatorsThatAreNot32HexDigitsAreRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "blobs"))
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := []string{
		"", ".", "..", "a", "../../secret", "../secret", secret,
		locator[:31], locator + "0", strings.ToUpper(locator), locator[:31] + "g", locator[:31] + "/", locator[:31] + ".",
		locator[:31] + "\x00", "../" + locator[:29], locator[:2] + "/" + locator[:29], strings.Repeat("é", 16), strings.Repeat("x", 1<<20),
	}
	for _, locator := range bad {
		_, appendErr := appendTo(t, s, unfinished(locator, 0), strings.NewReader("x"))
		_, finishErr := s.Finish(t.Context(), unfinished(locator, 0), nil)
		_, openErr := s.Open(t.Context(), locator)
		calls := map[string]error{
			"Append":  appendErr,
			"Finish":  finishErr,
			"Discard": s.Discard(t.Context(), unfinished(locator, 0)),
			"Open":    openErr,
			"Delete":  s.Delete(t.Context(), locator),
		}
		for call, err := range calls {
			if err == nil || !strings.Contains(err.Error(), "must be 32 lower-case hex digits") {
				t.Errorf("%s of %.40q: error %v, want one that says what a locator is", call, locator, err)
			}
		}
	}
	if err := os.Remove(secret); err != nil {
		t.Errorf("a file beside the store is gone: %v", err)
	}
	wantNoFiles(t, dir)
}

func TestOpenMakesMissingParents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "blobs")
	put(t, open(t, dir), locator, "content")
	if _, err := os.Stat(filepath.Join(dir, locator[:2], locator)); err != nil {
		t.Errorf("the blob is not where the layout says: %v", err)
	}
}

func TestOpenNamesADirectoryItCannotUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := blobfs.Open(dir); err == nil || !strings.Contains(err.Error(), "open blob directory "+dir) {
			t.Errorf("Open(%q): error %v, want one that names it", dir, err)
		}
	}
}

func TestFinishedBlobsTakeNoMoreBytes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, locator, "content")
	for _, offset := range []int64{0, 3, 7} {
		if _, err := appendTo(t, s, unfinished(locator, offset), strings.NewReader("other")); err == nil {
			t.Errorf("Append at %d after Finish succeeded", offset)
		}
	}
	if _, err := s.Finish(t.Context(), unfinished(locator, 3), nil); err == nil {
		t.Error("Finish at fewer bytes after Finish succeeded")
	}
	path := filepath.Join(dir, locator[:2], locator)
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "content" {
		t.Errorf("stored are %q and %v, want the finished bytes", got, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o400 {
		t.Errorf("mode of a finished blob is %v, want 0400", info.Mode().Perm())
	}
}

func TestFailedAppendLeavesNoTail(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := appendTo(t, s, unfinished(locator, 0), strings.NewReader("accepted")); err != nil {
		t.Fatal(err)
	}
	gone := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), errReader{io.ErrUnexpectedEOF})
	if _, err := appendTo(t, s, unfinished(locator, 8), gone); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Append: error %v, want %v", err, io.ErrUnexpectedEOF)
	}
	got, err := os.ReadFile(filepath.Join(dir, locator[:2], locator))
	if err != nil || string(got) != "accepted" {
		t.Errorf("%d bytes are stored and %v, want what was accepted before", len(got), err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestOpenGivesAFile(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, locator, "content")
	r, err := s.Open(t.Context(), locator)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, ok := r.(*os.File); !ok {
		t.Errorf("Open gave %T, want *os.File, for sendfile", r)
	}
}

func TestListPassesOverWhatIsNotABlob(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, locator, "content")
	for _, stray := range []string{"lost+found", "ab/.DS_Store", "ab/" + locator + ".tmp", "cd/" + locator} {
		if err := os.WriteFile(filepath.Join(dir, stray), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "ef", "ef"+locator[2:]), 0o700); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for stored, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, stored.Locator)
	}
	if len(listed) != 1 || listed[0] != locator {
		t.Errorf("List gave %q, want only %s", listed, locator)
	}
}

func TestListPassesOverBlobsThatVanish(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var paths []string
	for i := range 2000 {
		path := filepath.Join(dir, "ff", fmt.Sprintf("ff%030x", i)) // Open has made that folder
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	var deleting sync.WaitGroup
	deleting.Go(func() {
		for _, path := range paths {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
	})
	defer deleting.Wait()
	for left := len(paths); left > 0; {
		left = 0
		for _, err := range s.List(t.Context()) {
			if err != nil {
				t.Fatalf("List while blobs are deleted: %v", err)
			}
			left++
		}
	}
}

func TestListFailsOnAMissingFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := appendTo(t, s, unfinished(locator, 0), strings.NewReader("content")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "7f")); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, last = range s.List(t.Context()) {
	}
	if !errors.Is(last, fs.ErrNotExist) || !strings.Contains(last.Error(), "7f") {
		t.Errorf("List: error %v, want one that names the folder", last)
	}
}

func TestAppendHoldsNoMoreThanTwoPieces(t *testing.T) {
	s := open(t, t.TempDir())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := appendTo(t, s, unfinished(locator, 0), io.LimitReader(zeros{}, 20<<20))
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 256<<10 {
		t.Errorf("Append of 20 MiB allocated %d bytes, want at most 256 KiB", got)
	}
}

// A small blob costs few objects, and a large one hardly more: its pieces are used again.
func TestPutAllocatesLittle(t *testing.T) {
	for _, c := range []struct {
		size  int64
		bound float64
	}{{4 << 10, 16}, {4 << 20, 180}} {
		s := open(t, t.TempDir())
		put(t, s, registry.NewLocator(), "") // makes the folders
		got := testing.AllocsPerRun(20, func() {
			if _, _, err := s.Put(t.Context(), registry.NewLocator(), io.LimitReader(zeros{}, c.size)); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.bound {
			t.Errorf("Put of %d bytes allocated %.0f objects, want at most %.0f", c.size, got, c.bound)
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func BenchmarkAppend(b *testing.B) {
	for name, size := range map[string]int64{"4KiB": 4 << 10, "10MiB": 10 << 20, "64MiB": 64 << 20} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir())
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := appendTo(b, s, unfinished(locator, 0), io.LimitReader(zeros{}, size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for name, size := range map[string]int64{"4KiB": 4 << 10, "64MiB": 64 << 20} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir())
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				stored, _, err := s.Put(b.Context(), registry.NewLocator(), io.LimitReader(zeros{}, size))
				if err == nil {
					err = s.Delete(b.Context(), stored)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFinish is what sealing costs after an Append that is durable already.
func BenchmarkFinish(b *testing.B) {
	s := open(b, b.TempDir())
	for b.Loop() {
		b.StopTimer()
		if err := s.Delete(b.Context(), locator); err != nil {
			b.Fatal(err)
		}
		if _, err := appendTo(b, s, unfinished(locator, 0), strings.NewReader("content")); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := s.Finish(b.Context(), unfinished(locator, 7), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenStore(b *testing.B) {
	dir := b.TempDir()
	open(b, dir)
	for b.Loop() {
		open(b, dir)
	}
}

func TestFoldersComeWithTheFirstBlob(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	count := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := count(); n != 2 {
		t.Errorf("opening made %d folders, want the 2 that Check looks at", n)
	}
	// The directory goes and comes back, as a mount does: the blob after that has its folder.
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := appendTo(t, s, unfinished(locator, 0), strings.NewReader("content")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("append without the directory: %v", err)
	}
	if err := os.Rename(dir+".gone", dir); err != nil {
		t.Fatal(err)
	}
	put(t, s, locator, "content")
	if n := count(); n != 256 {
		t.Errorf("the first blob left %d folders, want 256", n)
	}
}
