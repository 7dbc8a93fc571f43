package blobfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// /dev/full is a disk on which every write finds no space.
func TestFullDiskIsSaidClearly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, locator, "content") // makes the folders
	path := filepath.Join(dir, locator[:2], locator)
	if err := errors.Join(os.Remove(path), os.Symlink("/dev/full", path)); err != nil {
		t.Fatal(err)
	}
	_, err := appendTo(t, s, unfinished(locator, 0), strings.NewReader("content"))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk that holds "+dir+" is full") {
		t.Errorf("Append on a full disk: error %v, want one that says so and names %s", err, dir)
	}

	if err := s.Delete(t.Context(), locator); err != nil {
		t.Fatal(err)
	}
	put(t, s, locator, "content") // once there is room again
}
