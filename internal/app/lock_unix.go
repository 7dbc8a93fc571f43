//go:build unix

package app

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockData makes the data folder and takes it for this process. Two servers on one folder would each keep locks and
// caches that the other does not see. The kernel lets go of the lock however the process ends.
func (a *App) lockData(s Stores) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	f, err := os.OpenFile(s.file("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.Read(holder)
		f.Close()
		return fmt.Errorf("data folder %s is in use by another openecr (process %s): stop that one or choose another folder with --data", s.Data, strings.TrimSpace(string(holder[:n])))
	}
	a.closers = append(a.closers, f.Close)
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}
