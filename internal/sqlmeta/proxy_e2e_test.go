//go:build e2e

package sqlmeta

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and its server and breaks connections at a commit.
type proxy struct {
	url    string
	server string
	mode   atomic.Int32
	conns  sync.WaitGroup
}

const (
	cutNothing = iota
	cutBefore  // the commit never reaches the server
	cutAfter   // it does, and the answer never comes back
)

func startProxy(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: u.Host}
	u.Host = l.Addr().String()
	p.url = u.String()
	p.conns.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(t, client) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.conns.Wait()
	})
	return p
}

func (p *proxy) cutNothing() { p.mode.Store(cutNothing) }

func (p *proxy) cutAtCommit(pass bool) {
	if pass {
		p.mode.Store(cutAfter)
	} else {
		p.mode.Store(cutBefore)
	}
}

// commitName is what pgx calls the prepared statement COMMIT.
func commitName() []byte {
	sum := sha256.Sum256([]byte("COMMIT"))
	return []byte("stmt_" + hex.EncodeToString(sum[:24]))
}

func (p *proxy) serve(t *testing.T, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	var mute atomic.Bool // the client hears no more
	p.conns.Go(func() {
		defer client.Close()
		_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
			if mute.Load() {
				return 0, net.ErrClosed
			}
			return client.Write(b)
		}), server)
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			commit := bytes.Contains(buf[:n], commitName())
			if commit && p.mode.Load() == cutBefore {
				return
			}
			if commit && p.mode.Load() == cutAfter {
				mute.Store(true)
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
