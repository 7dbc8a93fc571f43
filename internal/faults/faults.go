// Package faults makes stores die or fail at named points, for tests of what a crash or a broken disk leaves. Only a binary
// built with the tag crash has it (see app/faults_crash.go); what users get has not.
package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/openecr/openecr/internal/registry"
)

// ErrFault is what a store fails with.
var ErrFault = errors.New("the store fails because a test has told it to")

// Points are passed by every write. What ends in begun has not happened yet; what ends in done has, and nobody knows.
var Points = []string{
	"append-begun", "append-half", "append-done",
	"put-begun", "put-half", "put-done",
	"finish-begun", "finish-done",
	"discard-begun", "discard-done",
	"delete-begun", "delete-done",
	"update-begun", "update-run", "update-done",
}

// Plan says what happens where.
type Plan struct {
	// Armed is false as long as nothing is to happen.
	Armed atomic.Bool
	kill  func()
	acts  map[string]*act
}

type act struct {
	left   atomic.Int64 // passages until the program dies; not at all when it begins at 0
	chance int          // in percent, of failing
}

// Parse reads a plan: POINT=kill@N dies at the Nth passage, POINT=fail%N fails in N of 100. Commas stand between several.
func Parse(text string, kill func()) (*Plan, error) {
	p := &Plan{kill: kill, acts: make(map[string]*act)}
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		point, what, _ := strings.Cut(item, "=")
		verb, number, _ := strings.Cut(strings.Replace(what, "@", "%", 1), "%")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || !slices.Contains(Points, point) {
			return nil, fmt.Errorf("fault %q: write POINT=kill@N or POINT=fail%%N, where POINT is one of %s", item, strings.Join(Points, ", "))
		}
		a := new(act)
		switch verb {
		case "kill":
			a.left.Store(int64(n))
		case "fail":
			a.chance = n
		default:
			return nil, fmt.Errorf("fault %q: a point can kill or fail", item)
		}
		p.acts[point] = a
	}
	return p, nil
}

// String names the points that have something to do.
func (p *Plan) String() string { return strings.Join(slices.Sorted(maps.Keys(p.acts)), ", ") }

// pass is what a point calls.
func (p *Plan) pass(point string) error {
	a := p.acts[point]
	if a == nil || !p.Armed.Load() {
		return nil
	}
	if a.left.Add(-1) == 0 {
		p.kill()
	}
	if rand.IntN(100) < a.chance {
		return fmt.Errorf("%w: %s", ErrFault, point)
	}
	return nil
}

// around passes a point before and one after what succeeds.
func (p *Plan) around(verb string, do func() error) error {
	if err := p.pass(verb + "-begun"); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return p.pass(verb + "-done")
}

// Meta is the store with the plan's faults.
func (p *Plan) Meta(m registry.Meta) registry.Meta { return &meta{m, p} }

type meta struct {
	registry.Meta
	plan *Plan
}

func (m *meta) Update(ctx context.Context, fn func(registry.Tx) error) error {
	return m.plan.around("update", func() error {
		return m.Meta.Update(ctx, func(tx registry.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return m.plan.pass("update-run")
		})
	})
}

// Blobs is the store with the plan's faults.
func (p *Plan) Blobs(b registry.Blobs) registry.Blobs { return &blobs{b, p} }

type blobs struct {
	registry.Blobs
	plan *Plan
}

func (b *blobs) Append(ctx context.Context, u registry.Unfinished, r io.Reader, allot registry.Allot) (next registry.Unfinished, err error) {
	err = b.plan.around("append", func() error {
		next, err = b.Blobs.Append(ctx, u, b.plan.half("append", r), allot)
		return err
	})
	return next, err
}

func (b *blobs) Put(ctx context.Context, locator string, r io.Reader) (stored string, size int64, err error) {
	err = b.plan.around("put", func() error {
		stored, size, err = b.Blobs.Put(ctx, locator, b.plan.half("put", r))
		return err
	})
	return stored, size, err
}

func (b *blobs) Finish(ctx context.Context, u registry.Unfinished, allot registry.Allot) (locator string, err error) {
	err = b.plan.around("finish", func() error {
		locator, err = b.Blobs.Finish(ctx, u, allot)
		return err
	})
	return locator, err
}

func (b *blobs) Discard(ctx context.Context, u registry.Unfinished) error {
	return b.plan.around("discard", func() error { return b.Blobs.Discard(ctx, u) })
}

func (b *blobs) Delete(ctx context.Context, locator string) error {
	return b.plan.around("delete", func() error { return b.Blobs.Delete(ctx, locator) })
}

// half passes its point once some bytes have been read.
type half struct {
	r      io.Reader
	plan   *Plan
	point  string
	passed bool
	some   bool
}

func (p *Plan) half(verb string, r io.Reader) io.Reader {
	return &half{r: r, plan: p, point: verb + "-half"}
}

func (h *half) Read(b []byte) (int, error) {
	if h.some && !h.passed {
		h.passed = true
		if err := h.plan.pass(h.point); err != nil {
			return 0, err
		}
	}
	n, err := h.r.Read(b)
	h.some = h.some || n > 0
	return n, err
}
