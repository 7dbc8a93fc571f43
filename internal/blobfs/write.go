package blobfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/openecr/openecr/internal/registry"
)

// Append takes these steps. The caller records the new offset after the last; until then a crash costs nothing:
//
//  1. cut the file to offset          crash: the file holds what the record says
//  2. write r behind it               crash: a tail that no record speaks of; the next Append or Finish cuts it
//  3. sync the file                   crash: as after 2
//  4. at offset 0, sync its folder    crash before: the file may be gone, and the upload begins again at 0
//
// Step 4 does not ask whether this Append made the file: one that made it and failed may not have come so far.
// When a step fails, the file is cut back to offset.
//
// The file is all there is to note, so the upload has no State.
func (s *Store) Append(ctx context.Context, u registry.Unfinished, r io.Reader, _ registry.Allot) (registry.Unfinished, error) {
	n, err := s.append(ctx, u.Locator, u.Offset, r)
	if err != nil {
		return registry.Unfinished{}, fmt.Errorf("append to blob %s at byte %d: %w", u.Locator, u.Offset, s.explain(err))
	}
	return registry.Unfinished{Locator: u.Locator, Offset: u.Offset + n}, nil
}

func (s *Store) append(ctx context.Context, locator string, offset int64, r io.Reader) (int64, error) {
	path, err := s.pathToWrite(ctx, locator)
	if err != nil {
		return 0, err
	}
	f, err := openAt(path, offset)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := s.receive(ctx, f, offset, r)
	if err == nil {
		err = syncData(f)
	}
	if err == nil && offset == 0 {
		err = s.syncFolder(locator)
	}
	if err != nil {
		_ = f.Truncate(offset) // a tail that stays is cut by the next Append or Finish
		return 0, err
	}
	return n, nil
}

// pathToWrite is where a blob is, in a folder that is there.
func (s *Store) pathToWrite(ctx context.Context, locator string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	path, err := s.path(locator)
	if err != nil {
		return "", err
	}
	return path, s.makeAllFolders()
}

// Put takes these steps. A crash before the caller's transaction leaves a file that no row names, for collection:
//
//  1. make a file that is read-only from the beginning
//  2. write r into it
//  3. sync the file
//  4. sync its folder
//
// When a step fails, the file is removed. The folder is not that of the locator, but one which blobs that come at the same
// time have in common, so that they share step 4; the rest of the locator is unique enough.
func (s *Store) Put(ctx context.Context, locator string, r io.Reader) (string, int64, error) {
	if err := registry.CheckLocator(locator); err != nil {
		return "", 0, err
	}
	locator = s.putFolder() + locator[2:]
	size, err := s.put(ctx, locator, r)
	if err != nil {
		return "", 0, fmt.Errorf("put blob %s: %w", locator, s.explain(err))
	}
	return locator, size, nil
}

func (s *Store) put(ctx context.Context, locator string, r io.Reader) (int64, error) {
	path, err := s.pathToWrite(ctx, locator)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, finishedMode)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := s.receive(ctx, f, 0, r)
	if err == nil {
		err = syncData(f)
	}
	if err == nil {
		err = s.syncFolder(locator)
	}
	if err != nil {
		_ = os.Remove(path) // else collected
		return 0, err
	}
	return n, nil
}

// Finish cuts the file to what is recorded, syncs it, and only then makes it read-only: a file that is read-only is
// durable. The mode itself is not synced; a file that power loss makes writable again has the same bytes.
func (s *Store) Finish(ctx context.Context, u registry.Unfinished, _ registry.Allot) (string, error) {
	if err := s.finish(ctx, u.Locator, u.Offset); err != nil {
		return "", fmt.Errorf("finish blob %s at %d bytes: %w", u.Locator, u.Offset, s.explain(err))
	}
	return u.Locator, nil
}

func (s *Store) finish(ctx context.Context, locator string, size int64) error {
	path, err := s.pathToWrite(ctx, locator)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && isFinished(info) && info.Size() == size {
		return nil
	}
	f, err := openAt(path, size)
	if err != nil {
		return err
	}
	defer f.Close()
	// Also when nothing was cut here: the cut after a failed Append was not synced.
	if err := f.Sync(); err != nil {
		return err
	}
	if size == 0 {
		if err := s.syncFolder(locator); err != nil {
			return err
		}
	}
	return f.Chmod(finishedMode)
}

// Discard removes the file of an upload unless it is finished. Like Delete it does not sync.
func (s *Store) Discard(ctx context.Context, u registry.Unfinished) error {
	path, err := s.path(u.Locator)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && isFinished(info) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("discard blob %s: %w", u.Locator, err)
	}
	return s.Delete(ctx, u.Locator)
}

func isFinished(info fs.FileInfo) bool { return info.Mode().Perm()&0o200 == 0 }

// openAt opens the file of an unfinished upload for writing and cuts it to size bytes. It makes the file when size is 0.
func openAt(path string, size int64) (*os.File, error) {
	var stored int64
	info, err := os.Stat(path)
	switch {
	case err == nil:
		stored = info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if stored < size {
		return nil, fmt.Errorf("only %d bytes are stored: %w", stored, registry.ErrAbsent)
	}
	// The mode is looked at because root may write to any file.
	if info != nil && isFinished(info) {
		return nil, fmt.Errorf("its %d bytes are finished and cannot change: %w", stored, registry.ErrAbsent)
	}
	flags := os.O_WRONLY
	if size == 0 {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, unfinishedMode)
	if size > 0 && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("deleted meanwhile: %w", registry.ErrAbsent)
	}
	if err != nil {
		return nil, err
	}
	if stored > size {
		if err := f.Truncate(size); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// explain adds what the operator can do about a full disk.
func (s *Store) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds %s is full, make room on it: %w", s.dir, err)
	}
	return err
}
