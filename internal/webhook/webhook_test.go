package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var owner = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}

// receiver is where events arrive. It answers what the test says, and checks every signature as a receiver should.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer int
	types  []string
}

var secret = []byte("a secret of thirty-two bytes 123")

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil || !signedRight(q.Header, body) {
			t.Errorf("signature of %s: %v %v", body, q.Header, err)
		}
		var e struct{ ID, Type string }
		if err := json.Unmarshal(body, &e); err != nil || e.ID != q.Header.Get("webhook-id") || q.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
			t.Errorf("%s with %v: %v", body, q.Header, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.types = append(r.types, strings.TrimPrefix(e.Type, registry.EventTypePrefix))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// signedRight is written from Standard Webhooks, not from this package.
func signedRight(h http.Header, body []byte) bool {
	sent, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return err == nil && time.Since(time.Unix(sent, 0)).Abs() < time.Minute && hmac.Equal([]byte(want), []byte(h.Get("webhook-signature")))
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

func (r *receiver) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.types, " ")
}

// rig is a registry with a webhook to a receiver.
type rig struct {
	*testing.T
	registry *registry.Registry
	*receiver

	mu       sync.Mutex
	outcomes []string
	ago      time.Duration // by how much the clock of the registry is behind
}

func newRig(t *testing.T) *rig {
	t.Helper()
	meta, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	must(t, err)
	t.Cleanup(func() { must(t, meta.Close()) })
	must(t, meta.Update(t.Context(), func(tx registry.Tx) error {
		return errors.Join(tx.InsertAccount(registry.Account{ID: owner.Account}),
			tx.InsertAlias(registry.Alias{Name: "a1b2c3d4", Account: owner.Account, Default: true, Primary: true}))
	}))
	r := &rig{T: t, receiver: newReceiver(t)}
	r.registry = registry.New(registry.Config{Meta: meta, Blobs: registrytest.NewMemBlobs(t), Host: "registry.example", Now: func() time.Time { return time.Now().Add(-r.ago) }})
	_, err = r.registry.CreateWebhook(t.Context(), registry.Webhook{ID: "hook", URL: r.URL, SealedSecret: []byte("sealed")})
	must(t, err)
	return r
}

// happen makes and deletes a repository: two events.
func (r *rig) happen() {
	r.Helper()
	_, err := r.registry.CreateRepository(r.Context(), owner, "app", registry.Catalog{}, nil)
	must(r.T, err)
	_, err = r.registry.DeleteRepository(r.Context(), owner, registry.Path{Name: "app"}, false)
	must(r.T, err)
}

func (r *rig) worker() *Worker {
	return New(Options{
		Registry: r.registry,
		Open: func(h registry.Webhook) ([]byte, error) {
			if string(h.SealedSecret) != "sealed" {
				return nil, errors.New("sealed otherwise")
			}
			return secret, nil
		},
		Observe: func(_ registry.Webhook, d registry.Delivery, err error, gaveUp bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			outcome := "delivered"
			if err != nil {
				outcome = strconv.Itoa(d.Attempts) + " " + err.Error()
			}
			if gaveUp {
				outcome += ", given up"
			}
			r.outcomes = append(r.outcomes, outcome)
		},
		Trouble: func(err error) { r.Error(err) },
		pause:   func(int) time.Duration { return 0 },
	})
}

// once sends what is due.
func (r *rig) once(w *Worker) string {
	r.Helper()
	defer w.client.CloseIdleConnections()
	due, err := r.registry.DueWebhooks(r.Context())
	must(r.T, err)
	for _, h := range due {
		if w.begin(h.ID) {
			w.drain(r.Context(), h)
			w.end(h.ID)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	outcomes := strings.Join(r.outcomes, "; ")
	r.outcomes = nil
	return outcomes
}

func (r *rig) waiting() int {
	r.Helper()
	n, _, err := r.registry.WaitingDeliveries(r.Context())
	must(r.T, err)
	return n
}

func TestEventsAreDeliveredInOrder(t *testing.T) {
	r := newRig(t)
	r.happen()
	if got := r.once(r.worker()); got != "delivered; delivered" || r.got() != "repository.created repository.deleted" || r.waiting() != 0 {
		t.Errorf("%s; the receiver got %s; %d wait", got, r.got(), r.waiting())
	}
}

func TestFailuresAreTriedAgain(t *testing.T) {
	r := newRig(t)
	r.happen()
	w := r.worker()
	r.answers(http.StatusServiceUnavailable)
	if got := r.once(w); got != "0 the receiver answered 503 Service Unavailable" || r.waiting() != 2 {
		t.Errorf("%s; %d wait", got, r.waiting())
	}
	r.answers(http.StatusFound) // is not followed
	if got := r.once(w); got != "1 the receiver answered 302 Found" {
		t.Error(got)
	}
	r.answers(http.StatusOK)
	if got := r.once(w); got != "delivered; delivered" || r.got() != "repository.created repository.created repository.created repository.deleted" {
		t.Errorf("%s; the receiver got %s", got, r.got())
	}
}

func TestReceiverThatFailsIsLeftAlone(t *testing.T) {
	r := newRig(t)
	r.happen()
	w := r.worker()
	now := time.Now()
	w.now = func() time.Time { return now }
	w.pause = func(int) time.Duration { return time.Hour }
	r.answers(http.StatusInternalServerError)
	r.once(w)
	r.happen() // is due at once
	r.answers(http.StatusOK)
	if got := r.once(w); got != "" {
		t.Errorf("at once: %s", got)
	}
	now = now.Add(maxRest)
	if got := r.once(w); got != "delivered; delivered" || r.waiting() != 2 {
		t.Errorf("after the rest: %s; %d wait", got, r.waiting())
	}
}

func TestEventsAreGivenUpInTheEnd(t *testing.T) {
	r := newRig(t)
	r.ago = GiveUp + time.Minute
	r.happen()
	w := r.worker()
	r.answers(http.StatusGone)
	got := r.once(w)
	w.resting = make(map[string]time.Time)
	got += "; " + r.once(w)
	if want := "0 the receiver answered 410 Gone, given up"; !strings.Contains(got, want) || r.waiting() != 0 {
		t.Errorf("%s; %d wait", got, r.waiting())
	}
}

func TestAddressIsInNoError(t *testing.T) {
	r := newRig(t)
	r.happen()
	r.Close()
	if got := r.once(r.worker()); !strings.HasPrefix(got, "0 dial tcp") || strings.Contains(got, "http://") {
		t.Error(got)
	}
}

// Two nodes send each event once, and a worker that ends sends nothing more and loses nothing.
func TestWorkersShareTheWork(t *testing.T) {
	r := newRig(t)
	for range 30 {
		r.happen()
	}
	ctx, stop := context.WithCancel(t.Context())
	var nodes sync.WaitGroup
	for range 3 {
		nodes.Go(func() { r.worker().Run(ctx) })
	}
	for giveUp := time.Now().Add(20 * time.Second); r.waiting() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(giveUp) {
			t.Fatalf("%d still wait", r.waiting())
		}
	}
	stop()
	nodes.Wait()
	if n := len(strings.Fields(r.got())); n != 60 {
		t.Errorf("%d events arrived, of 60", n)
	}
}

func TestSlowReceiverDoesNotHoldUpTheEnd(t *testing.T) {
	r := newRig(t)
	r.happen()
	arrived, release := make(chan bool, 1), make(chan bool)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		arrived <- true
		<-release
	}))
	defer slow.Close()
	defer close(release)
	hooks, err := r.registry.Webhooks(t.Context())
	must(t, err)
	hooks[0].URL = slow.URL
	w := r.worker()
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-arrived; stop() }()
	w.drain(ctx, hooks[0])
	w.client.CloseIdleConnections()
	if got := r.once(r.worker()); got != "delivered; delivered" {
		t.Errorf("another node: %s", got)
	}
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: 5 * time.Second, 2: 20 * time.Second, 3: 80 * time.Second, 5: 1280 * time.Second, 6: time.Hour, 1000: time.Hour} {
		for range 100 {
			if got := backoff(attempts); got < want*8/10 || got > want*12/10 {
				t.Errorf("after %d attempts: %v", attempts, got)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"https://example.com/hook?key=1": true, "http://127.0.0.1:9000": true,
		"": false, "example.com": false, "ftp://example.com": false, "https://": false, "https://me:secret@example.com": false, "https://example.com/#x": false, "http://a b": false,
	} {
		if err := CheckURL(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// The example of the specification (Standard Webhooks, "Signature scheme").
func TestSignature(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	must(t, err)
	if got, want := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
