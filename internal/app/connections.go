package app

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// newborn is how long a connection has to send its first byte before it counts as idle.
const newborn = 2 * time.Second

// connections bounds how many connections a server has. When there is one too many, the one is closed that has been idle
// for longest; while all are at work the new one waits, and others behind it in the queue of the kernel, where they cost
// nothing here.
//
// It is told of every connection by track, which http.Server calls before it accepts the next.
type connections struct {
	net.Listener
	most int

	mu      sync.Mutex
	changed sync.Cond
	closed  bool
	all     map[net.Conn]*list.Element // in order
	order   list.List                  // of *tracked that are open, the one that has been as it is for longest first
	evicted int64                      // in all
}

// tracked is an open connection.
type tracked struct {
	net.Conn
	state http.ConnState
	since time.Time // it is in that state
}

// isIdle is that nothing is lost by closing it.
func (c *tracked) isIdle() bool {
	return c.state == http.StateIdle || c.state == http.StateNew && time.Since(c.since) >= newborn
}

func limitConnections(l net.Listener, most int) *connections {
	c := &connections{Listener: l, most: most, all: make(map[net.Conn]*list.Element)}
	c.changed.L = &c.mu
	return c
}

// Accept returns a connection when there is a place for it.
func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !c.makeRoom() {
		conn.Close()
		return nil, net.ErrClosed
	}
	return conn, nil
}

// makeRoom waits until one more may come, and is false when none will any more.
func (c *connections) makeRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.all) >= c.most && !c.closed {
		if c.evict() {
			continue
		}
		wake := time.AfterFunc(newborn, c.changed.Broadcast) // nobody else tells when a newborn has had its time
		c.changed.Wait()
		wake.Stop()
	}
	return !c.closed
}

// evict closes the connection that has been idle for longest. It counts no more at once, though the server may take a
// moment to notice.
func (c *connections) evict() bool {
	for e := c.order.Front(); e != nil; e = e.Next() {
		if conn := e.Value.(*tracked); conn.isIdle() {
			c.forget(conn.Conn, e)
			c.evicted++
			conn.Close()
			return true
		}
	}
	return false
}

func (c *connections) forget(conn net.Conn, e *list.Element) {
	c.order.Remove(e)
	delete(c.all, conn)
}

// track is http.Server.ConnState.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, known := c.all[conn]
	switch {
	case state == http.StateNew:
		c.all[conn] = c.order.PushBack(&tracked{conn, state, time.Now()})
	case !known: // it was closed here
	case state == http.StateClosed || state == http.StateHijacked:
		c.forget(conn, e)
		c.changed.Signal()
	default:
		t := e.Value.(*tracked)
		t.state, t.since = state, time.Now()
		c.order.MoveToBack(e)
		c.changed.Signal()
	}
}

// Close ends the waiting too.
func (c *connections) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// use is how many are open, and how many had to go for others.
func (c *connections) use() (open int, evicted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all), c.evicted
}
