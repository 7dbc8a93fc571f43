//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// A balancer stands in front of the nodes of a fleet: each request goes to the next node, by a connection of its own. A
// node that takes no connection is passed over, because nothing was sent to it yet. When one dies in the middle of a
// request the client's connection breaks too: nothing is sent twice, and no answer is made up.
type balancer struct {
	url string

	mu      sync.Mutex
	nodes   []string // HOST:PORT
	unready map[string]bool
	pinned  string // the one node that gets everything, if set
	next    int

	midway chan string // a node that is being sent much
}

const (
	midwayBytes   = 1 << 20 // that is much
	probeInterval = 100 * time.Millisecond
)

// startBalancer has no nodes yet.
func startBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &balancer{url: "http://" + listener.Addr().String(), unready: make(map[string]bool), midway: make(chan string)}
	server := &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host = "http", "fleet" // dial chooses
				r.SetXForwarded()
			},
			Transport:     &http.Transport{DialContext: b.dial, DisableKeepAlives: true, DisableCompression: true},
			FlushInterval: -1,
			ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		},
		ReadHeaderTimeout: 10 * time.Second,
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // ends with Close
	running.Go(func() { b.probe(ctx) })
	t.Cleanup(func() {
		stop()
		_ = server.Close() // in the midst of what broken tests have left
		running.Wait()
	})
	return b
}

func (b *balancer) add(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = append(b.nodes, node)
}

// pin sends everything to one node, or again to all for "".
func (b *balancer) pin(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pinned = node
}

// candidates are the nodes in the order in which they are to be tried. When none is ready, as when a store is away, all
// of them are as good.
func (b *balancer) candidates() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pinned != "" {
		return []string{b.pinned}
	}
	b.next++
	first := b.next % len(b.nodes)
	all := slices.Concat(b.nodes[first:], b.nodes[:first])
	ready := slices.DeleteFunc(slices.Clone(all), func(node string) bool { return b.unready[node] })
	if len(ready) == 0 {
		return all
	}
	return ready
}

func (b *balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	err := errors.New("the fleet has no nodes")
	for _, node := range b.candidates() {
		var connection net.Conn
		if connection, err = (&net.Dialer{}).DialContext(ctx, network, node); err == nil {
			return &watchedConn{Conn: connection, node: node, midway: b.midway}, nil
		}
	}
	return nil, err
}

// probe asks all nodes again and again whether they are ready.
func (b *balancer) probe(ctx context.Context) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for ctx.Err() == nil {
		b.mu.Lock()
		nodes := slices.Clone(b.nodes)
		b.mu.Unlock()
		for _, node := range nodes {
			ready := isReady(ctx, client, node)
			b.mu.Lock()
			b.unready[node] = !ready
			b.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeInterval):
		}
	}
}

func isReady(ctx context.Context, client *http.Client, node string) bool {
	question := url.URL{Scheme: "http", Host: node, Path: "/readyz"}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, question.String(), nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// watchedConn tells whoever waits for it that a node is in the middle of a large request.
type watchedConn struct {
	net.Conn
	node   string
	sent   int
	midway chan<- string
}

func (c *watchedConn) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	c.sent += n
	if c.sent > midwayBytes {
		select {
		case c.midway <- c.node:
		default:
		}
	}
	return n, err
}
