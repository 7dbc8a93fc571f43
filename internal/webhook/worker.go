package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const (
	// GiveUp is how old an event becomes that cannot be delivered.
	GiveUp = 3 * 24 * time.Hour

	pollInterval = time.Second
	// maxClaim times sendTimeout is less than claimLease: a node that lives has sent what it claimed before others may.
	maxClaim   = 20
	claimLease = 5 * time.Minute

	firstPause = 5 * time.Second
	maxPause   = time.Hour
	// maxRest is how long a receiver that failed is left alone, whatever else is due to it.
	maxRest = time.Minute
)

// Options is what a Worker needs.
type Options struct {
	Registry *registry.Registry
	// Open is the secret of a webhook.
	Open func(registry.Webhook) ([]byte, error)
	// Observe hears of every attempt to deliver and, with a nil error, of each success. gaveUp is true when an event was dropped.
	Observe func(h registry.Webhook, d registry.Delivery, err error, gaveUp bool)
	// Trouble hears of stores that failed.
	Trouble func(error)

	pause func(attempts int) time.Duration // backoff when nil
}

// Worker sends what is due, to each webhook one event after the other and to all of them side by side. Any number of
// workers may run over one registry.
type Worker struct {
	Options
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	busy    map[string]bool      // webhooks to which something is being sent
	resting map[string]time.Time // until when webhooks are left alone
}

// New makes a Worker.
func New(o Options) *Worker {
	if o.pause == nil {
		o.pause = backoff
	}
	return &Worker{Options: o, client: newClient(), now: time.Now, busy: make(map[string]bool), resting: make(map[string]time.Time)}
}

// backoff is 5 s, 20 s, 80 s, … to an hour, and a fifth more or less by chance, so that what failed together does not
// come again together.
func backoff(attempts int) time.Duration {
	pause := maxPause
	if attempts < 6 {
		pause = min(maxPause, firstPause<<(2*(max(attempts, 1)-1)))
	}
	return time.Duration((0.8 + 0.4*rand.Float64()) * float64(pause))
}

// Run returns when ctx ends and nothing is being sent any more. What was not answered until then is sent again later.
func (w *Worker) Run(ctx context.Context) {
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	defer w.client.CloseIdleConnections()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		due, err := w.Registry.DueWebhooks(ctx)
		w.tell(ctx, err)
		for _, h := range due {
			if w.begin(h.ID) {
				sending.Go(func() {
					defer w.end(h.ID)
					w.drain(ctx, h)
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (w *Worker) tell(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && registry.KindOf(err) != registry.ReadOnly {
		w.Trouble(err)
	}
}

// begin says whether it is time to send to a webhook.
func (w *Worker) begin(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[id] || w.now().Before(w.resting[id]) {
		return false
	}
	delete(w.resting, id)
	w.busy[id] = true
	return true
}

func (w *Worker) end(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, id)
}

// drain sends until nothing is due any more, or something has failed.
func (w *Worker) drain(ctx context.Context, h registry.Webhook) {
	secret, err := w.Open(h)
	if err != nil {
		w.tell(ctx, fmt.Errorf("secret of webhook %s: %w", h.ID, err))
		w.rest(h.ID, maxRest)
		return
	}
	for ctx.Err() == nil {
		claimed, err := w.Registry.ClaimDeliveries(ctx, h.ID, claimLease, maxClaim)
		if err != nil {
			w.tell(ctx, err)
			return
		}
		if len(claimed) == 0 {
			return
		}
		settled, failed := w.sendAll(ctx, h, secret, claimed)
		// It is written down although the server stops, or the others would wait for the lease and send all of it again.
		err = w.Registry.SettleDeliveries(context.WithoutCancel(ctx), settled)
		w.tell(ctx, err)
		if failed || err != nil {
			return
		}
	}
}

// sendAll stops at the first failure. The rest is due again with it, and has not been tried.
func (w *Worker) sendAll(ctx context.Context, h registry.Webhook, secret []byte, claimed []registry.Delivery) (settled []registry.Settlement, failed bool) {
	var pause time.Duration
	for _, d := range claimed {
		if failed || ctx.Err() != nil {
			settled = append(settled, registry.Settlement{Delivery: d, Attempts: d.Attempts, Again: pause})
			continue
		}
		err := send(ctx, w.client, h.URL, secret, d, w.now())
		if err != nil && ctx.Err() != nil { // we gave up, not the receiver
			settled = append(settled, registry.Settlement{Delivery: d, Attempts: d.Attempts})
			continue
		}
		gaveUp := err != nil && w.now().Sub(d.CreatedAt) > GiveUp
		if err != nil {
			failed, pause = true, w.pause(d.Attempts+1)
			w.rest(h.ID, min(pause, maxRest))
		}
		w.Observe(h, d, err, gaveUp)
		settled = append(settled, registry.Settlement{Delivery: d, Done: err == nil || gaveUp, Attempts: d.Attempts + 1, Again: pause})
	}
	return settled, failed
}

func (w *Worker) rest(id string, pause time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting[id] = w.now().Add(pause)
}

// Try sends one event at once, and keeps nothing of it.
func Try(ctx context.Context, h registry.Webhook, secret []byte, d registry.Delivery) error {
	client := newClient()
	defer client.CloseIdleConnections()
	return send(ctx, client, h.URL, secret, d, time.Now())
}
