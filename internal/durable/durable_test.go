package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/openecr/openecr/internal/durable"
)

func want(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v, want %q", path, got, err, content)
	}
}

func TestWriteFileReplacesAndCreateFileDoesNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"one", "two"} {
		if err := durable.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		want(t, path, content)
	}
	if err := durable.CreateFile(path, []byte("three")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("CreateFile over a file: %v, want %v", err, fs.ErrExist)
	}
	want(t, path, "two")
	other := path + "-other"
	if err := durable.CreateFile(other, []byte("three")); err != nil {
		t.Fatal(err)
	}
	want(t, other, "three")
	info, err := os.Stat(other)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("there are %v, %v, want the two files only", entries, err)
	}
}

func TestWriteFileNamesWhatItCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "file")
	if err := durable.WriteFile(path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}

func TestRemoveUnfinishedRemovesNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".file.unfinished-123", ".file.unfinished", "file.unfinished-1", "file", ".other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := durable.RemoveUnfinished(dir); n != 1 || err != nil {
		t.Errorf("removed %d, %v, want 1", n, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 {
		t.Errorf("there are %v, %v, want the other four", entries, err)
	}
}

func TestMakeFolderMakesParents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := durable.MakeFolder(dir); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Dir(dir))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v, want 0700", info.Mode(), err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.MakeFolder(filepath.Join(file, "below")); err == nil {
		t.Error("a folder was made below a file")
	}
}
