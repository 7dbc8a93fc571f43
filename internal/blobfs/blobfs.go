// Package blobfs keeps the bytes of layers as files in one directory: registry.Blobs for a registry on one machine.
//
// It knows nothing of digests, repositories or uploads: which bytes belong to which layer is metadata, and so is
// whether a file may go. It does not lock the directory; one process at a time writes to it.
//
// Read next: write.go for the order of effects that makes bytes durable, the contract at registry.Blobs, and suite
// registrytest.TestBlobs for the contract as code.
package blobfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/openecr/openecr/internal/durable"
	"github.com/openecr/openecr/internal/registry"
)

// Store is a directory of blobs. Its methods may be called concurrently, as far as registry.Blobs says.
type Store struct {
	dir     string
	pieces  sync.Pool // of *piece
	folders [lastFolder + 1]*folderSync

	making sync.Mutex  // held while folders are made
	made   atomic.Bool // all folders are there

	mu    sync.Mutex // guards what follows
	puts  int
	putTo string // the folder that Put uses
}

var _ registry.Blobs = (*Store)(nil)

// A blob is one file, named by its locator, in the folder of the locator's first two digits:
//
//	dir/
//	  00/
//	  …
//	  ab/
//	    ab3f09…c1     0600  an upload that is not finished
//	    ab77e2…90     0400  finished: the bytes change no more
//	  …
//	  ff/
//
// All 256 folders are made before the first file, so that a new file has only one folder to sync; the first and the last
// of them by Open, so that Check can tell when the directory has gone.
func (s *Store) path(locator string) (string, error) {
	if err := registry.CheckLocator(locator); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, locator[:2], locator), nil
}

const (
	unfinishedMode fs.FileMode = 0o600
	finishedMode   fs.FileMode = 0o400
	folderMode     fs.FileMode = 0o700
)

// Open makes the directory where it is missing, and returns once that is durable. The folders in it come with the first
// blob: to make them all takes longer than the rest of a server's start.
func Open(dir string) (*Store, error) {
	err := durable.MakeFolder(dir)
	if err == nil {
		err = makeFolders(dir, lastFolder)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob directory %s: %w", dir, err)
	}
	s := &Store{dir: dir, pieces: sync.Pool{New: func() any { return new(piece) }}}
	for i := range s.folders {
		s.folders[i] = newFolderSync()
	}
	return s, nil
}

// makeAllFolders comes before the first blob. When it fails, the next call tries again.
func (s *Store) makeAllFolders() error {
	if s.made.Load() {
		return nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	if s.made.Load() {
		return nil
	}
	if err := makeFolders(s.dir, 1); err != nil {
		return err
	}
	s.made.Store(true)
	return nil
}

const lastFolder = 255

// makeFolders makes each step-th folder where it is missing and returns once they are durable.
func makeFolders(dir string, step int) error {
	for i := 0; i <= lastFolder; i += step {
		err := os.Mkdir(filepath.Join(dir, folder(i)), folderMode)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return durable.SyncFolder(dir)
}

func folder(i int) string { return fmt.Sprintf("%02x", i) }

// Open returns an *os.File, which an HTTP server can send without copying.
func (s *Store) Open(ctx context.Context, locator string) (io.ReadSeekCloser, error) {
	path, err := s.path(locator)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", locator, err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open blob %s: %w", locator, registry.ErrAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", locator, err)
	}
	return f, nil
}

// Delete does not sync: a file that power loss brings back has no row, so collection removes it again.
func (s *Store) Delete(ctx context.Context, locator string) error {
	path, err := s.path(locator)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete blob %s: %w", locator, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %s: %w", locator, err)
	}
	return nil
}

// List holds what one folder says at a time, a 256th of all. Files that are not blobs are passed over; a folder that goes
// missing is an error.
func (s *Store) List(ctx context.Context) iter.Seq2[registry.Stored, error] {
	return func(yield func(registry.Stored, error) bool) {
		if err := s.makeAllFolders(); err != nil {
			yield(registry.Stored{}, fmt.Errorf("list blobs in %s: %w", s.dir, err))
			return
		}
		for i := range lastFolder + 1 {
			stored, err := s.listFolder(ctx, folder(i))
			if err != nil {
				yield(registry.Stored{}, fmt.Errorf("list blobs in %s: %w", s.dir, err))
				return
			}
			for _, blob := range stored {
				if !yield(blob, nil) {
					return
				}
			}
		}
	}
}

func (s *Store) listFolder(ctx context.Context, folder string) ([]registry.Stored, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil {
		return nil, err
	}
	stored := make([]registry.Stored, 0, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if registry.CheckLocator(name) != nil || name[:2] != folder || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since its folder was read
		}
		if err != nil {
			return nil, err
		}
		stored = append(stored, registry.Stored{Locator: name, Size: info.Size(), ChangedAt: info.ModTime().UTC()})
	}
	return stored, nil
}
