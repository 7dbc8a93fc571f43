package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// enter takes a place that is free.
func enter(t *testing.T, g *Gate, caller string) Place {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that it does not wait
	p, err := g.Enter(ctx, caller, 1)
	if err != nil {
		t.Fatalf("%s: %v", caller, err)
	}
	return p
}

// queue has a caller wait, and returns once it does. The result arrives in the channel.
func queue(t *testing.T, g *Gate, caller string, weight int64) <-chan error {
	t.Helper()
	result := make(chan error, 1)
	go func() {
		p, err := g.Enter(t.Context(), caller, weight)
		result <- err
		if err == nil {
			p.Leave()
		}
	}()
	synctest.Wait()
	return result
}

func TestWhoeverFindsNoPlaceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 1, Queue: 2, Wait: time.Second})
		first := enter(t, g, "a")
		second := queue(t, g, "b", 1)
		if u := g.Use(); u != (Use{Places: 1, Inside: 1, Waiting: 1}) {
			t.Errorf("%+v", u)
		}
		first.Leave()
		if err := <-second; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if u := g.Use(); u != (Use{Places: 1}) {
			t.Errorf("%+v", u)
		}
	})
}

func TestWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 1, Queue: 2, Wait: time.Second})
		first := enter(t, g, "a")
		start := time.Now()
		if _, err := g.Enter(t.Context(), "b", 1); !errors.Is(err, ErrFull) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := g.Enter(ctx, "b", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that leaves: %v", err)
		}
		if u := g.Use(); u != (Use{Places: 1, Inside: 1, Refused: 1}) {
			t.Errorf("%+v", u)
		}
		first.Leave()
		enter(t, g, "b").Leave()
	})
}

func TestQueueIsServedInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 1, Queue: 10, Wait: time.Hour})
		first := enter(t, g, "x")
		var mu sync.Mutex
		var order []string
		for _, caller := range []string{"a", "a", "a", "b", "c", "b"} {
			go func() {
				p, err := g.Enter(t.Context(), caller, 1)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, caller)
				mu.Unlock()
				p.Leave()
			}()
			synctest.Wait()
		}
		first.Leave()
		synctest.Wait()
		if want := []string{"a", "b", "c", "a", "b", "a"}; !slices.Equal(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
	})
}

func TestFullQueueLosesItsLongestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 1, Queue: 3, Wait: time.Hour})
		first := enter(t, g, "x")
		a1, a2, a3 := queue(t, g, "a", 1), queue(t, g, "a", 1), queue(t, g, "a", 1)
		if err := <-queue(t, g, "a", 1); !errors.Is(err, ErrFull) {
			t.Errorf("a fourth of a: %v", err)
		}
		b := queue(t, g, "b", 1)
		if err := <-a3; !errors.Is(err, ErrFull) {
			t.Errorf("the newest of a, when b comes: %v", err)
		}
		if err := <-queue(t, g, "b", 1); !errors.Is(err, ErrFull) {
			t.Errorf("a second of b, which would be as long as a: %v", err)
		}
		first.Leave()
		for name, result := range map[string]<-chan error{"a1": a1, "a2": a2, "b": b} {
			if err := <-result; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if u := g.Use(); u.Refused != 3 {
			t.Errorf("%+v", u)
		}
	})
}

func TestWhoNeverLeavesDoesNotKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 16, Queue: 4, Wait: time.Second})
		var kept []Place
		for range 14 { // all 12 open ones, and 2 of the last 4
			kept = append(kept, enter(t, g, "greedy"))
		}
		if _, err := g.Enter(t.Context(), "greedy", 1); !errors.Is(err, ErrFull) {
			t.Errorf("a fifteenth: %v", err)
		}
		waiting := queue(t, g, "greedy", 1)
		other := enter(t, g, "modest") // although somebody waits
		other.Leave()
		kept[13].Leave() // a shared one
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		for _, p := range kept[:13] {
			p.Leave()
		}
		synctest.Wait()
		if u := g.Use(); u.Inside != 0 || len(g.held) != 0 {
			t.Errorf("%+v, %v", u, g.held)
		}
	})
}

func TestHeavyRequestWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Places: 100, Queue: 4, Wait: time.Hour})
		light, err := g.Enter(t.Context(), "a", 10)
		if err != nil {
			t.Fatal(err)
		}
		heavy := queue(t, g, "b", 1000) // more than there is: as much as there may be
		if u := g.Use(); u.Waiting != 1 || u.Inside != 10 {
			t.Errorf("%+v", u)
		}
		light.Leave()
		if err := <-heavy; err != nil {
			t.Error(err)
		}
	})
}

func TestNeverMoreThanThePlacesAndNobodyIsForgotten(t *testing.T) {
	const places, callers, each = 8, 16, 2000
	g := New(Options{Places: places, Queue: callers * 4, Wait: time.Minute})
	var inside, most atomic.Int64
	var running sync.WaitGroup
	for caller := range callers {
		for range 2 {
			running.Go(func() {
				for range each {
					p, err := g.Enter(t.Context(), fmt.Sprint(caller), 1)
					if err != nil {
						t.Error(err)
						return
					}
					if n := inside.Add(1); n > most.Load() {
						most.Store(n)
					}
					inside.Add(-1)
					p.Leave()
				}
			})
		}
	}
	running.Wait()
	if most.Load() > places {
		t.Errorf("%d were inside at once", most.Load())
	}
	if u := g.Use(); u != (Use{Places: places}) || g.lines.Len() != 0 || len(g.byName) != 0 {
		t.Errorf("%+v, %d lines", u, g.lines.Len())
	}
}

func TestFreePlaceCostsNoAllocation(t *testing.T) {
	g := New(Options{Places: 8, Queue: 1, Wait: time.Second})
	if n := testing.AllocsPerRun(100, func() {
		p, _ := g.TryEnter(1)
		p.Leave()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFreePlace(b *testing.B) {
	g := New(Options{Places: 1 << 20, Queue: 1, Wait: time.Second})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p, _ := g.TryEnter(1)
			p.Leave()
		}
	})
}
