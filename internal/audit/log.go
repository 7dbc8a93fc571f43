package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Log takes records. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	out     io.Writer // where there is no file
	file    *file
	dirty   bool  // lines were written that may not be on the disk yet
	trouble error // that cost no line, and that Sync has yet to tell
}

// To makes a Log that writes to an open stream.
func To(w io.Writer) *Log { return &Log{out: w} }

// Open makes a Log that appends to a file, which only its owner may read. Before a line would make it larger than size,
// the file moves aside under a name with the time, and of those that did the newest keep stay. A size of 0 leaves it
// where it is, and a keep of 0 all that moved aside. A file that somebody else has moved is left to them: the next line
// begins a new one.
func Open(path string, size int64, keep int) (*Log, error) {
	l := &Log{file: &file{path: path, size: size, keep: keep}}
	return l, l.file.open()
}

// Write appends a line, whole: a single write makes it, also beside other processes with the same file. When it returns
// nil the line survives the end of the process; Sync makes it survive that of the machine.
func (l *Log) Write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		_, err := l.out.Write(line)
		return err
	}
	trouble, err := l.file.append(line)
	l.dirty, l.trouble = true, errors.Join(l.trouble, trouble)
	return err
}

// Sync makes durable what was written, which costs nothing when that was nothing, and tells what has kept the file from
// moving aside since the last time. Lines are written meanwhile.
func (l *Log) Sync() error {
	l.mu.Lock()
	var handle *os.File
	if l.file != nil && l.dirty {
		handle = l.file.handle
	}
	trouble := l.trouble
	l.dirty, l.trouble = false, nil
	l.mu.Unlock()
	if trouble != nil {
		trouble = fmt.Errorf("move the full file aside: %w", trouble)
	}
	if handle == nil {
		return trouble
	}
	if err := handle.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // it is synced before it is closed
		return errors.Join(trouble, err)
	}
	return trouble
}

// Close syncs and ends.
func (l *Log) Close() error {
	err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return err
	}
	return errors.Join(err, l.file.close())
}
