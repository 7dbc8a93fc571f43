package ecrapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// take acquires room that is there.
func take(t *testing.T, s *spools, key string, size int64) (release func()) {
	t.Helper()
	release, err := s.acquire(context.Background(), key, size)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// throttled says whether err is what a client hears that waited in vain.
func throttled(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "ThrottlingException" && e.Message == "Rate exceeded" && e.Status == http.StatusBadRequest
}

func TestSpoolsOfOneKeyAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spools
		first, _ := take(t, &s, "a", maxPart), take(t, &s, "a", maxPart)
		start := time.Now()
		_, err := s.acquire(t.Context(), "a", maxPart)
		if waited := time.Since(start); !throttled(err) || waited != spoolWait {
			t.Errorf("%v after %s", err, waited)
		}
		take(t, &s, "b", maxPart) // another key does not wait
		first()
		take(t, &s, "a", maxPart)
	})
}

func TestSpoolsAreBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spools
		half := take(t, &s, "a", spoolBytes/2)
		take(t, &s, "b", spoolBytes/2)
		if _, err := s.acquire(t.Context(), "c", 1); !throttled(err) {
			t.Errorf("one byte more: %v", err)
		}
		half()
		take(t, &s, "c", spoolBytes/2)
	})
}

func TestSpoolIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spools
		release := take(t, &s, "a", maxPart)
		take(t, &s, "a", maxPart)
		var got atomic.Bool
		go func() {
			if _, err := s.acquire(t.Context(), "a", maxPart); err != nil {
				t.Error(err)
			}
			got.Store(true)
		}()
		synctest.Wait()
		if got.Load() {
			t.Error("a third spool of one key")
		}
		release()
		synctest.Wait()
		if !got.Load() {
			t.Error("what was given back reached nobody")
		}
	})
}

func TestWaitingForASpoolEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spools
		release := take(t, &s, "a", maxPart)
		take(t, &s, "a", maxPart)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := s.acquire(ctx, "a", maxPart)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-done; !throttled(err) || !errors.Is(err, context.Canceled) || time.Since(start) != 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		release()
		take(t, &s, "a", maxPart) // the one who left has taken nothing
	})
}

func TestManyWaitForFewSpools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spools
		var running, most atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				release, err := s.acquire(t.Context(), "a", maxPart)
				if err != nil {
					t.Error(err)
					return
				}
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(time.Millisecond) // of the bubble's time
				running.Add(-1)
				release()
			})
		}
		all.Wait()
		if most.Load() != spoolsPerKey {
			t.Errorf("%d at once", most.Load())
		}
		if s.bytes != 0 || len(s.perKey) != 0 {
			t.Errorf("%d bytes left, by %v", s.bytes, s.perKey)
		}
	})
}

func TestRequestThatGetsNoSpoolIsNotRead(t *testing.T) {
	r := newRig(t)
	for range spoolsPerKey {
		defer take(t, &r.spools, "OWNER", maxPart)()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	body := &countingReader{Reader: strings.NewReader("{}")}
	req := newRequest("UploadLayerPart", "").WithContext(ctx)
	req.Body, req.ContentLength = io.NopCloser(body), 2
	checkAnswer(t, do(r, req), http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
	if body.n != 0 {
		t.Errorf("%d bytes of the body were read", body.n)
	}
}
