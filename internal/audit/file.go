package audit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/durable"
)

// file grows to a bound and then moves aside.
type file struct {
	path   string
	size   int64    // 0: it never moves aside
	keep   int      // of those that moved aside, the newest stay; 0: all of them
	handle *os.File // nil after a failure; the next line tries again
}

// open appends to what is there.
func (f *file) open() (err error) {
	f.handle, err = os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(f.path))
}

// append writes a line at once. What keeps the file from moving aside keeps no line from being written: it is in trouble.
func (f *file) append(line []byte) (trouble, err error) {
	if trouble, err = f.makeRoom(int64(len(line))); err != nil {
		return nil, err
	}
	n, err := f.handle.Write(line)
	if err != nil && n > 0 {
		// A disk that is full took the beginning of the line. The next line is to begin on its own.
		_, _ = f.handle.WriteString("\n")
	}
	return trouble, err
}

// makeRoom moves the file aside when it is full, and opens it anew when another one, or none, has its name by now. It
// asks the file system at each line: changes are far fewer than what that costs, and nothing can be out of date.
func (f *file) makeRoom(line int64) (trouble, err error) {
	named, err := os.Stat(f.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err == nil && f.size > 0 && named.Size() > 0 && named.Size()+line > f.size {
		if trouble = f.moveAside(); trouble == nil {
			named = nil
		}
	}
	if f.handle != nil && named != nil {
		if mine, err := f.handle.Stat(); err == nil && os.SameFile(mine, named) {
			return trouble, nil
		}
	}
	return errors.Join(trouble, f.close()), f.open()
}

// asideTime is behind the name of a file that moved aside. Names in byte order are in order of time.
const asideTime = "20060102T150405.000000000Z"

// moveAside gives the full file another name, and removes the oldest of those that are too many.
func (f *file) moveAside() error {
	if err := os.Rename(f.path, f.path+"."+time.Now().UTC().Format(asideTime)); err != nil {
		return err
	}
	if f.keep == 0 {
		return nil
	}
	aside, err := filepath.Glob(escapeGlob(f.path) + ".*Z")
	if err != nil {
		return err
	}
	aside = slices.DeleteFunc(aside, func(name string) bool {
		_, err := time.Parse(asideTime, name[len(f.path)+1:])
		return err != nil // somebody else's
	})
	slices.Sort(aside)
	for _, old := range aside[:max(0, len(aside)-f.keep)] {
		err = errors.Join(err, os.Remove(old))
	}
	return err
}

// escapeGlob has a path mean itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// close makes durable what was written.
func (f *file) close() error {
	if f.handle == nil {
		return nil
	}
	err := errors.Join(f.handle.Sync(), f.handle.Close())
	f.handle = nil
	return err
}
