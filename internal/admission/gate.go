package admission

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull says that there was no place, neither at once nor within the time that a request may wait.
var ErrFull = errors.New("too many requests of this kind are running and waiting")

// Options are the bounds of a Gate. All are at least 1.
type Options struct {
	Places int64         // how much may be inside at once: requests, or whatever weights count
	Queue  int           // how many requests may wait
	Wait   time.Duration // how long each may wait
}

// Gate bounds one kind of work. Its methods may be called concurrently.
//
// Three quarters of the places are open to whoever comes first, and taking one is a single atomic step. The last quarter
// is shared out: no caller has more than half of it. So a caller who keeps all places that it can get, with requests that
// it never ends, leaves an eighth to the others.
type Gate struct {
	Options
	openPlaces, sharedPlaces int64

	// state is how many requests wait (the upper half) and how many open places are taken (the lower). Both are in one
	// word, so that whoever leaves cannot miss somebody who begins to wait.
	state   atomic.Int64
	refused atomic.Int64

	mu     sync.Mutex
	shared int64            // shared places that are taken
	held   map[string]int64 // the same by caller
	lines  list.List        // of *line; the first one's turn is next
	byName map[string]*list.Element
}

// line is what one caller has waiting, in order of arrival. It is never empty.
type line struct {
	caller  string
	waiting []*waiter
}

type waiter struct {
	place   Place
	outcome error         // valid once decided is closed: nil for a place
	decided chan struct{} // closed when the waiter is out of its line
}

const oneWaiting = 1 << 32

// New makes a Gate with all places free.
func New(o Options) *Gate {
	open := max(1, o.Places*3/4)
	return &Gate{Options: o, openPlaces: open, sharedPlaces: o.Places - open, held: make(map[string]int64), byName: make(map[string]*list.Element)}
}

// Place is the right to be inside. The zero Place is none.
type Place struct {
	gate   *Gate
	caller string
	weight int64
	shared bool
}

// TryEnter takes a place of that weight if one is open to whoever comes first, which is what mostly happens: then nobody
// needs to know who the caller is. Whoever gets a place calls Leave.
func (g *Gate) TryEnter(weight int64) (Place, bool) {
	p := Place{gate: g, weight: min(weight, g.openPlaces)}
	if !g.takeOpen(p.weight, true) {
		return Place{}, false
	}
	return p, true
}

// Enter takes a place of that weight for the caller, and waits for it where it must. Whoever gets one calls Leave. The
// error is ErrFull, or that of the context. What is heavier than the gate is let in when it is empty enough.
func (g *Gate) Enter(ctx context.Context, caller string, weight int64) (Place, error) {
	if p, ok := g.TryEnter(weight); ok {
		return p, nil
	}
	return g.enterSlowly(ctx, Place{gate: g, caller: caller, weight: min(weight, g.openPlaces)})
}

// takeOpen takes open places if there are enough; with inOrder only if nobody waits.
func (g *Gate) takeOpen(weight int64, inOrder bool) bool {
	for {
		s := g.state.Load()
		if inOrder && s >= oneWaiting || s%oneWaiting+weight > g.openPlaces {
			return false
		}
		if g.state.CompareAndSwap(s, s+weight) {
			return true
		}
	}
}

// Leave gives the place to whoever is next.
func (p Place) Leave() {
	g := p.gate
	if g == nil {
		return
	}
	if !p.shared && g.state.Add(-p.weight) < oneWaiting {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.shared {
		g.shared -= p.weight
		if g.held[p.caller] -= p.weight; g.held[p.caller] == 0 {
			delete(g.held, p.caller)
		}
	}
	g.serve()
}

func (g *Gate) enterSlowly(ctx context.Context, p Place) (Place, error) {
	g.mu.Lock()
	g.serve() // who waits comes first
	if g.take(&p) {
		g.mu.Unlock()
		return p, nil
	}
	if int(g.state.Load()/oneWaiting) >= g.Queue && !g.makeRoom(p.caller) {
		g.mu.Unlock()
		g.refused.Add(1)
		return Place{}, ErrFull
	}
	w := &waiter{place: p, decided: make(chan struct{})}
	g.enqueue(w)
	g.serve() // an open place may have been left in the instant before the waiter was counted
	g.mu.Unlock()
	return g.wait(ctx, w)
}

// wait returns what was decided, or gives up.
func (g *Gate) wait(ctx context.Context, w *waiter) (Place, error) {
	timeout := time.NewTimer(g.Wait)
	defer timeout.Stop()
	select {
	case <-w.decided:
	case <-ctx.Done():
		g.giveUp(w, ctx.Err())
	case <-timeout.C:
		g.giveUp(w, ErrFull)
	}
	if w.outcome == nil {
		return w.place, nil
	}
	if errors.Is(w.outcome, ErrFull) {
		g.refused.Add(1)
	}
	return Place{}, w.outcome
}

// giveUp takes a waiter out of its line, unless it was decided on just before.
func (g *Gate) giveUp(w *waiter, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.decided:
		return
	default:
	}
	l := g.byName[w.place.caller].Value.(*line)
	for i, other := range l.waiting {
		if other == w {
			g.decide(l, i, why)
			return
		}
	}
}

// What follows is called with the lock held.

// take takes places for p, open ones where there are enough, else shared ones where the caller has not its part of them.
func (g *Gate) take(p *Place) bool {
	if g.takeOpen(p.weight, false) {
		return true
	}
	if g.shared+p.weight > g.sharedPlaces || g.held[p.caller]+p.weight > (g.sharedPlaces+1)/2 {
		return false
	}
	g.shared += p.weight
	g.held[p.caller] += p.weight
	p.shared = true
	return true
}

// serve lets in whom there are places for. Whoever is served goes to the end; a caller whose first request does not fit,
// since it is heavy or the caller has its part, keeps its turn.
func (g *Gate) serve() {
	for e := g.lines.Front(); e != nil && !g.isFull(); {
		l := e.Value.(*line)
		if !g.take(&l.waiting[0].place) {
			e = e.Next()
			continue
		}
		g.lines.MoveToBack(e)
		g.decide(l, 0, nil)
		e = g.lines.Front()
	}
}

func (g *Gate) isFull() bool {
	return g.state.Load()%oneWaiting >= g.openPlaces && g.shared >= g.sharedPlaces
}

func (g *Gate) enqueue(w *waiter) {
	e, ok := g.byName[w.place.caller]
	if !ok {
		e = g.lines.PushBack(&line{caller: w.place.caller})
		g.byName[w.place.caller] = e
	}
	l := e.Value.(*line)
	l.waiting = append(l.waiting, w)
	g.state.Add(oneWaiting)
}

// makeRoom sends away the newest request of the caller with most of them, if that is not the one for whom there is to be
// room.
func (g *Gate) makeRoom(caller string) bool {
	own := 1
	if e, ok := g.byName[caller]; ok {
		own += len(e.Value.(*line).waiting)
	}
	var longest *line
	for e := g.lines.Front(); e != nil; e = e.Next() {
		if l := e.Value.(*line); len(l.waiting) > own {
			longest, own = l, len(l.waiting)
		}
	}
	if longest == nil {
		return false
	}
	g.decide(longest, len(longest.waiting)-1, ErrFull)
	return true
}

// decide takes the i-th waiter out of its line and tells it.
func (g *Gate) decide(l *line, i int, outcome error) {
	w := l.waiting[i]
	l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
	if len(l.waiting) == 0 {
		g.lines.Remove(g.byName[l.caller])
		delete(g.byName, l.caller)
	}
	g.state.Add(-oneWaiting)
	w.outcome = outcome
	close(w.decided)
}

// Use is how full a Gate is.
type Use struct {
	Places, Inside, Waiting int64
	Refused                 int64 // in all, since the start
}

// Use reads it.
func (g *Gate) Use() Use {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.state.Load()
	return Use{Places: g.Places, Inside: s%oneWaiting + g.shared, Waiting: s / oneWaiting, Refused: g.refused.Load()}
}
