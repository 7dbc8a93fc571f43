package sqlmeta

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// controlDial bounds how long bytes that were sent may stay unacknowledged: keep-alive does not watch over those.
func controlDial(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	return c.Control(func(fd uintptr) {
		// An older kernel does without.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadPeer.Milliseconds()))
	})
}
