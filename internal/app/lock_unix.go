//go:build unix

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openecr/openecr/internal/durable"
)

const lockFile = "lock"

// inUseError is a data folder that another process has taken.
type inUseError struct{ data, holder string }

func (e *inUseError) Error() string {
	return fmt.Sprintf("data folder %s is in use by another openecr (process %s): stop that one or choose another folder with --data", e.data, e.holder)
}

// lockData makes the data folder and takes it for this process. Two servers on one folder would each keep locks and
// caches that the other does not see. The kernel lets go of the lock however the process ends.
func (a *App) lockData(s Stores) error {
	if err := durable.MakeFolder(s.Data); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	f, err := os.OpenFile(s.file(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.Read(holder)
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock the data folder: %w", err)
		}
		return &inUseError{s.Data, strings.TrimSpace(string(holder[:n]))}
	}
	before := make([]byte, 20)
	n, err := f.ReadAt(before, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return fmt.Errorf("lock the data folder: %w", err)
	}
	a.predecessor = strings.TrimSpace(string(before[:n]))
	a.closers = append(a.closers, func() error { return errors.Join(note(f, a.predecessor), f.Close()) })
	return note(f, strconv.Itoa(os.Getpid()))
}

// note writes into the lock which process has the data. An orderly end clears it again, or leaves what was there before
// where nobody has repaired yet what that process left.
func note(f *os.File, process string) error {
	err := f.Truncate(0)
	if err == nil && process != "" {
		_, err = f.WriteAt([]byte(process+"\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	return nil
}

// checkOwner refuses to go on as somebody else than the one who runs the server: it could not open files made now.
func checkOwner(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("the data belongs to user %d: run this command as that user, or while the server runs", owner.Uid)
	}
	return nil
}
