package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// bounded is a server with so many connections, on a real socket. Requests to /wait last until release is closed.
type bounded struct {
	*connections
	server  *http.Server
	release chan struct{}
}

func serveBounded(t *testing.T, most int) *bounded {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &bounded{connections: limitConnections(l, most), release: make(chan struct{})}
	b.server = &http.Server{ConnState: b.track, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-b.release
		}
		fmt.Fprint(w, "ok")
	})}
	served := make(chan error, 1)
	go func() { served <- b.server.Serve(b) }()
	t.Cleanup(func() {
		must(t, b.server.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return b
}

type client struct {
	net.Conn
	*bufio.Reader
}

func (b *bounded) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(t *testing.T, path string) {
	t.Helper()
	_, err := io.WriteString(c.Conn, "GET "+path+" HTTP/1.1\r\nHost: registry.test\r\n\r\n")
	must(t, err)
}

// hears is whether an answer comes in time.
func (c *client) hears(t *testing.T, patience time.Duration) error {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(patience)))
	res, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func TestLongestIdleConnectionGoesFirst(t *testing.T) {
	b := serveBounded(t, 3)
	var clients []*client
	for range 3 {
		c := b.dial(t)
		b.ask(t, c)
		clients = append(clients, c)
	}
	b.ask(t, clients[0]) // so that it is the second that has been idle for longest
	b.ask(t, b.dial(t))
	if err := clients[1].hears(t, time.Minute); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the longest idle: %v", err)
	}
	for _, c := range []*client{clients[0], clients[2]} {
		b.ask(t, c)
	}
	if open, evicted := b.use(); open != 3 || evicted != 1 {
		t.Errorf("%d open, %d evicted", open, evicted)
	}
}

func TestConnectionWaitsWhileAllAreAtWork(t *testing.T) {
	b := serveBounded(t, 2)
	var busy []*client
	for range 2 {
		c := b.dial(t)
		c.send(t, "/wait")
		busy = append(busy, c)
	}
	b.waitForActive(t, 2)
	last := b.dial(t)
	last.send(t, "/")
	if err := last.hears(t, 100*time.Millisecond); err == nil {
		t.Error("a third connection was served")
	}
	last = &client{last.Conn, bufio.NewReader(last.Conn)}
	close(b.release)
	for _, c := range append(busy[:1:1], last) {
		must(t, c.hears(t, time.Minute))
	}
}

// Who connects and says nothing gives way to others after a moment.
func TestSilentConnectionsGiveWay(t *testing.T) {
	b := serveBounded(t, 4)
	for range 20 {
		b.dial(t)
	}
	c := b.dial(t)
	c.send(t, "/")
	must(t, c.hears(t, time.Minute))
	if open, _ := b.use(); open > 4 {
		t.Errorf("%d are open", open)
	}
}

func TestShutdownEndsTheWaitForAPlace(t *testing.T) {
	b := serveBounded(t, 1)
	c := b.dial(t)
	c.send(t, "/wait")
	b.waitForActive(t, 1)
	b.dial(t)
	time.Sleep(10 * time.Millisecond) // so that it mostly waits by now
	ended := make(chan error, 1)
	go func() { ended <- b.server.Shutdown(t.Context()) }()
	waitUntil(t, "nobody may come any more", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.closed
	})
	close(b.release)
	must(t, c.hears(t, time.Minute))
	must(t, <-ended)
}

// ask has a request answered, and returns once the server takes its connection for idle.
func (b *bounded) ask(t *testing.T, c *client) {
	t.Helper()
	c.send(t, "/")
	must(t, c.hears(t, time.Minute))
	b.waitForActive(t, 0)
}

func (b *bounded) waitForActive(t *testing.T, want int) {
	t.Helper()
	waitUntil(t, fmt.Sprint(want, " connections are at work"), func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		n := 0
		for e := b.order.Front(); e != nil; e = e.Next() {
			if e.Value.(*tracked).state == http.StateActive {
				n++
			}
		}
		return n == want
	})
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}
