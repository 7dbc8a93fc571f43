//go:build !linux

package blobfs

import "os"

// syncData makes the bytes of f and its size durable.
func syncData(f *os.File) error { return f.Sync() }
