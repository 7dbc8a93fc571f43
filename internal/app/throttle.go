package app

import (
	"net/http"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// throttle limits how often each account calls each operation. Who does not sign in counts by address.
//
// Every pair has a bucket of tokens that fills at the rate of the operation; a call takes one. A full bucket says no more
// than none at all, so those go when there are many.
type throttle struct {
	rates map[string]rate
	now   func() time.Time

	mu      sync.Mutex
	buckets map[bucketKey]bucket
}

type bucketKey struct{ who, operation string }

type bucket struct {
	tokens float64
	at     time.Time // when it had them
}

const maxBuckets = 100_000

func newThrottle(rates map[string]rate) *throttle {
	return &throttle{rates: rates, now: time.Now, buckets: make(map[bucketKey]bucket)}
}

// take is 0 when the call may go on, and otherwise how long to wait before it is tried again.
func (t *throttle) take(r *http.Request, caller registry.Caller, operation string) time.Duration {
	limit, ok := t.rates[operation]
	if !ok {
		if limit, ok = t.rates[anyOperation]; !ok {
			return 0
		}
	}
	key := bucketKey{string(caller.Account), operation}
	if caller.Anonymous() {
		key.who = connectionOf(r).remote
	}
	return t.spend(key, limit)
}

// spend takes a token of a bucket, or says how long it is until there is one.
func (t *throttle) spend(key bucketKey, limit rate) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	b, ok := t.buckets[key]
	if !ok {
		t.makeRoom(now)
		b = bucket{limit.burst, now}
	}
	b = b.filled(limit, now)
	var wait time.Duration
	if b.tokens < 1 {
		wait = time.Duration((1 - b.tokens) / limit.perSecond * float64(time.Second))
	} else {
		b.tokens--
	}
	t.buckets[key] = b
	return wait
}

// giveBack undoes a spend.
func (t *throttle) giveBack(key bucketKey, limit rate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b, ok := t.buckets[key]; ok {
		t.buckets[key] = bucket{min(limit.burst, b.tokens+1), b.at}
	}
}

func (b bucket) filled(limit rate, now time.Time) bucket {
	gained := now.Sub(b.at).Seconds() * limit.perSecond
	return bucket{min(limit.burst, b.tokens+gained), now}
}

// makeRoom bounds memory: strangers have many addresses.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < maxBuckets {
		return
	}
	for key, b := range t.buckets {
		limit, ok := t.rates[key.operation]
		if !ok {
			limit = t.rates[anyOperation]
		}
		if b.filled(limit, now).tokens >= limit.burst {
			delete(t.buckets, key)
		}
	}
	if len(t.buckets) >= maxBuckets {
		clear(t.buckets) // all are in use: better to forget than to grow
	}
}
