package blobfs

import (
	"os"
	"syscall"
)

// syncData makes the bytes of f and its size durable. Its times may be lost, which spares a write to the journal.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
