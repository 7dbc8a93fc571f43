package blobfs

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
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

// startWriteback has the kernel begin to write a range of f and does not wait for it. It makes nothing durable, and whether
// it fails does not matter: syncData comes after it.
func startWriteback(f *os.File, offset, size int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, size, unix.SYNC_FILE_RANGE_WRITE)
}
