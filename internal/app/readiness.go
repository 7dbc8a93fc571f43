package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const (
	// readinessTTL is how long an answer about the stores holds: many probes are no load.
	readinessTTL = 3 * time.Second
	// readinessTimeout is how long a store may take to answer. Orchestrators wait about as long.
	readinessTimeout = 5 * time.Second

	readyOperation = "readyz"
)

// readiness answers the two questions of an orchestrator: does the process live, and can it do its work.
type readiness struct {
	checks   []storeCheck
	draining atomic.Bool
	lowDisks func() []string // that are too full for uploads; nil where none is watched

	mu      sync.Mutex  // held while the stores are asked, so that they are asked once
	failure *storeError // of the last check; nil when all answered
	until   time.Time   // the answer holds
}

// storeCheck asks whether a store answers, cheaply.
type storeCheck struct {
	store string // "metadata store"
	check func(context.Context) error
}

// storeError says which store does not answer. Its text is for everybody, its cause for the log.
type storeError struct {
	store string
	cause error
}

func (e *storeError) Error() string { return e.store + ": " + e.cause.Error() }

func newReadiness(s stores) *readiness {
	r := &readiness{checks: []storeCheck{{"metadata store", func(ctx context.Context) error {
		_, _, err := registry.FindRoot(ctx, s.meta)
		return err
	}}}}
	// Not part of registry.Blobs, because only this probe asks.
	if blobs, ok := any(s.blobs).(interface{ Check(context.Context) error }); ok {
		r.checks = append(r.checks, storeCheck{"store of layers", blobs.Check})
	}
	return r
}

// drain makes the server say that it is not ready, while it goes on serving whoever comes.
func (p *readiness) drain() { p.draining.Store(true) }

// check asks the stores unless they were asked just now. It returns nil when all have answered.
func (p *readiness) check(ctx context.Context) *storeError {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.failure
	}
	// The answer is for others too, so it does not depend on this client's patience.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readinessTimeout)
	defer cancel()
	p.failure = nil
	for _, c := range p.checks {
		if err := c.check(ctx); err != nil {
			p.failure = &storeError{c.store, err}
			break
		}
	}
	p.until = time.Now().Add(readinessTTL)
	return p.failure
}

func (p *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET asks how the server is.", http.StatusMethodNotAllowed)
	case r.URL.Path == "/readyz":
		p.serveReady(w, r)
	default:
		_, _ = w.Write([]byte("ok\n"))
	}
}

func (p *readiness) serveReady(w http.ResponseWriter, r *http.Request) {
	if p.draining.Load() {
		observe(r, readyOperation, registry.Caller{}, nil)
		http.Error(w, "The server is shutting down.", http.StatusServiceUnavailable)
		return
	}
	if failed := p.check(r.Context()); failed != nil {
		observe(r, readyOperation, registry.Caller{}, failed)
		http.Error(w, fmt.Sprintf("The %s does not answer; the log says why.", failed.store), http.StatusServiceUnavailable)
		return
	}
	observe(r, readyOperation, registry.Caller{}, nil)
	_, _ = w.Write([]byte("ok\n" + p.remark()))
}

// remark is what an operator should know although the server does its work.
func (p *readiness) remark() string {
	if p.lowDisks == nil {
		return ""
	}
	low := p.lowDisks()
	if len(low) == 0 {
		return ""
	}
	return "Uploads are refused: less is free than --min-free-space where these are kept: " + strings.Join(low, ", ") + ".\n"
}
