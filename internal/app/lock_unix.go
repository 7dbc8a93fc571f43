//go:build unix

package app

import (
	"errors"
	"fmt"
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
	a.closers = append(a.closers, f.Close)
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
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
