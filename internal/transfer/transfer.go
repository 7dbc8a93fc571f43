// Package transfer copies a whole registry from one pair of stores to another: rows and bytes, between whatever kinds of
// stores there are. Backup, restore and migration are this one copy; which stores these are, and who may write to them
// meanwhile, is decided in package app. It knows stores only as the interfaces of package registry.
//
// Read next: Copy for the order in which things happen, bytes.go for one blob, rows.go for the transaction that makes the
// copy a registry, snapshot.go for what a backup folder is.
package transfer

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Pair is the two stores of one registry.
type Pair struct {
	Meta  registry.Meta
	Blobs registry.Blobs
}

// Options of Copy. The zero value copies one blob at a time, as fast as it can.
type Options struct {
	Parallel       int   // how many blobs are copied at once
	BytesPerSecond int64 // for all of them together; 0 is no limit
	// Whole reads back and hashes all bytes that are at the target in the end, instead of asking for their size.
	Whole bool
	// Known is a store whose blob rows name bytes that lie at the target already: an earlier copy that shares its bytes
	// with this one. Nil for none.
	Known registry.Meta
	// Freeze, unless nil, is called when nearly all bytes are there and returns once nobody can push to the source any
	// more.
	Freeze   func(ctx context.Context) error
	Progress Progress // nil shows nothing
}

// Progress hears how a copy goes. Its methods are called by several goroutines, and should return soon.
type Progress interface {
	// Stage begins a part of the work: "copying bytes".
	Stage(name string)
	// Need says that there are n more bytes to go through.
	Need(n int64)
	// Done says that n of them have been.
	Done(n int64)
}

// Report is what a copy consists of, and what of it this run had to do.
type Report struct {
	At     time.Time        `json:"at"`     // everything that was acknowledged before is in the copy
	Rows   map[string]int64 `json:"rows"`   // by table
	Blobs  registry.Tally   `json:"blobs"`  // in the copy
	Copied registry.Tally   `json:"copied"` // by this run
	Broken registry.Tally   `json:"broken"` // bytes of an earlier run that were not as they should be, and were copied again
}

// Copy makes to the same registry as from, which may serve meanwhile. Nobody may collect bytes of the source until it
// returns. It takes these steps; run again, it goes on where it stopped:
//
//  1. claim      the target is empty or ours, and marked so that nobody serves it
//  2. look       bytes that an earlier run left are as they should be, or forgotten
//  3. bytes      of all blobs of the source, again until a pass finds few new ones; each gets its row as soon as its
//     bytes are durable, so the rows of the target are the journal
//  4. freeze     only where it is asked for: from here on nothing is added to the source
//  5. commit     in one snapshot of the source: bytes that came since, then all rows in one transaction that also takes
//     the mark away
//
// So the target is at every moment either marked or whole, and what is committed is one instant of the source with all
// its bytes. After a Freeze that instant is the last one.
func Copy(ctx context.Context, from, to Pair, o Options) (Report, error) {
	if o.Progress == nil {
		o.Progress = silent{}
	}
	c := &copier{from: from, to: to, Options: o, pace: pace{perSecond: o.BytesPerSecond}}
	if err := c.claim(ctx); err != nil {
		return Report{}, err
	}
	if err := c.look(ctx); err != nil {
		return Report{}, fmt.Errorf("look at what is at the target already: %w", err)
	}
	if err := c.copyUntilQuiet(ctx); err != nil {
		return Report{}, err
	}
	if o.Freeze != nil {
		o.Progress.Stage("stopping pushes")
		if err := o.Freeze(ctx); err != nil {
			return Report{}, fmt.Errorf("stop pushes to the source: %w", err)
		}
	}
	c.report.At = time.Now().UTC().Truncate(time.Second)
	err := c.commit(ctx)
	return c.report, err
}

// copier is one run of Copy.
type copier struct {
	from, to Pair
	Options
	pace   pace
	tally  tally
	report Report
}

const (
	maxPasses = 20
	quiet     = 10 * time.Second // a pass that was done within this leaves little to the last
)

// copyUntilQuiet leaves only what was pushed in the last moments, so that the source need not be frozen, nor a snapshot of
// it be kept open, for long.
func (c *copier) copyUntilQuiet(ctx context.Context) error {
	for range maxPasses {
		began := time.Now()
		if err := c.copyMissing(ctx, func() iter.Seq2[registry.Blob, error] { return BlobsOf(ctx, c.from.Meta) }); err != nil {
			return err
		}
		if time.Since(began) < quiet {
			return nil
		}
	}
	return nil
}

type silent struct{}

func (silent) Stage(string) {}
func (silent) Need(int64)   {}
func (silent) Done(int64)   {}
