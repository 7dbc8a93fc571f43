// Package durable makes small files and folders that outlive a power cut. It knows nothing of what is in them; the bytes
// of layers are written by package blobfs, rows by SQLite.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Unfinished is the pattern, for os.CreateTemp and os.MkdirTemp, of what is to become a file of that name in the same folder.
func Unfinished(name string) string { return "." + name + ".unfinished-*" }

// WriteFile replaces a file as a whole, with mode 0600, and returns once that is durable. Its steps:
//
//  1. write a temporary file and sync it   crash: the file is as it was, the temporary one is for RemoveUnfinished
//  2. rename it                            crash: the file is as it was or as a whole new
//  3. sync the folder                      crash after: nothing to repair
func WriteFile(path string, content []byte) error {
	return errors.Join(write(path, content, (*os.File).Sync, os.Rename), SyncFolder(filepath.Dir(path)))
}

// CreateFile is WriteFile that fails with fs.ErrExist where there is a file already: a link, unlike a rename, replaces none.
func CreateFile(path string, content []byte) error {
	return errors.Join(write(path, content, (*os.File).Sync, os.Link), SyncFolder(filepath.Dir(path)))
}

// ReplaceFile is WriteFile of what can be had again: nobody sees half of it, but a power cut may leave it empty.
func ReplaceFile(path string, content []byte) error {
	return write(path, content, func(*os.File) error { return nil }, os.Rename)
}

func write(path string, content []byte, sync func(*os.File) error, name func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), Unfinished(filepath.Base(path))) // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename there is nothing under that name
	_, err = f.Write(content)
	if err = errors.Join(err, sync(f), f.Close()); err != nil {
		return err
	}
	return name(f.Name(), path)
}

// RemoveUnfinished removes what a crash has left in a folder of WriteFile, CreateFile and whoever else has named temporary files
// and folders by Unfinished, and counts it. Nobody must be writing there.
func RemoveUnfinished(dir string) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if ours, _ := filepath.Match(Unfinished("*"), entry.Name()); ours {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
			removed++
		}
	}
	return removed, err
}

// MakeFolder makes a folder with its parents, open to its owner only, and returns once their names are durable. It syncs the
// parent of a folder that was there too, since whoever made it may have been stopped before that.
func MakeFolder(dir string) error {
	parent := filepath.Dir(dir)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := MakeFolder(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	existed := errors.Is(err, fs.ErrExist)
	if err != nil && !existed {
		return err
	}
	if err := SyncFolder(parent); err != nil && !(existed && isOfOthers(err)) {
		return err
	}
	return nil
}

// isOfOthers is for a parent that cannot be synced by us, such as the read-only root of a container: whoever made it
// answers for its names.
func isOfOthers(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EINVAL)
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
