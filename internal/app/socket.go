package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const (
	socketFile = "admin.sock"
	// maxSocketPath is what every kernel takes; some take a few bytes more.
	maxSocketPath = 103
)

// errNoServer means that no server takes commands on a data folder.
var errNoServer = errors.New("no server runs")

// listenSocket makes the socket that commands come through, open to its owner only. It is made in the spool, which
// nobody else can enter, and gets its name when its mode is right; a socket that a crash left behind is replaced.
func (a *App) listenSocket(ctx context.Context, s Stores) error {
	address, done, err := socketAddress(s.file(spoolFolder))
	if err != nil {
		return err
	}
	defer done()
	l, err := new(net.ListenConfig).Listen(ctx, "unix", address)
	if err != nil {
		return fmt.Errorf("make the socket for commands: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // it would remove the name it had here
	made, socket := filepath.Join(s.file(spoolFolder), socketFile), s.file(socketFile)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, socket)); err != nil {
		l.Close()
		return fmt.Errorf("make the socket for commands: %w", err)
	}
	a.controlLis = l
	a.closers = append(a.closers, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	return nil
}

// dialSocket connects to the server on the data folder, or tells that there is none.
func (s Stores) dialSocket(ctx context.Context) (net.Conn, error) {
	address, done, err := socketAddress(s.Data)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := new(net.Dialer).DialContext(ctx, "unix", address)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errNoServer
	}
	if err != nil {
		err = fmt.Errorf("reach the server on %s: %w", s.Data, err)
	}
	return c, err
}

// socketAddress is the address of the socket in a folder. Socket addresses are short: where the path is too long for one,
// Linux reaches the folder under the number it is opened as. The address holds until done is called.
func socketAddress(folder string) (address string, done func(), err error) {
	path := filepath.Join(folder, socketFile)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return "", nil, err
	}
	address = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if _, err := os.Stat(address); err != nil {
		f.Close()
		return "", nil, fmt.Errorf("the path of data folder %s is too long for a socket in it: choose one of at most %d characters", filepath.Dir(path), maxSocketPath-len("/"+spoolFolder+"/"+socketFile))
	}
	return address + "/" + socketFile, func() { f.Close() }, nil
}
