package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

// Copying is how backup, restore and migrate go about their work.
type Copying struct {
	Parallel int     `help:"How many layers are copied at once." default:"4" placeholder:"N"`
	Rate     float64 `help:"Copy at most so many MiB a second, to leave the rest to pushes and pulls." placeholder:"MIB"`
	Verify   bool    `help:"Read all layers of the copy back and compare their digests, not only their sizes."`
}

func (c Copying) options(p transfer.Progress) (transfer.Options, error) {
	if c.Parallel < 1 || c.Rate < 0 {
		return transfer.Options{}, errors.New("--parallel must be at least 1 and --rate not below 0")
	}
	return transfer.Options{Parallel: c.Parallel, BytesPerSecond: int64(c.Rate * (1 << 20)), Whole: c.Verify, Progress: p}, nil
}

// Progress hears how a copy goes.
type Progress = transfer.Progress

// CopyReport is what a copy consists of.
type CopyReport = transfer.Report

// end is one end of a copy: stores that are opened without the keys that serving needs.
type end struct {
	app   App  // has what must be closed
	owned bool // the lock on its folder keeps other writers out
	data  Stores
	meta  registry.Meta
	blobs registry.Blobs
}

func (e *end) Close() error { return e.app.Close() }

func (e *end) pair() transfer.Pair { return transfer.Pair{Meta: e.meta, Blobs: e.blobs} }

// openSource opens stores that a server may be working on: this process reads, and changes only what is made for several
// processes, the job rows and the read-only switch. Its schema must be the present one, as a migration could pull the
// tables away from under an older server.
func openSource(ctx context.Context, s Stores) (_ *end, err error) {
	e := &end{data: s}
	defer func() { err = e.closeAfter(err) }()
	if err := checkCurrent(ctx, s); err != nil {
		return nil, err
	}
	if _, err := checkBlobs(ctx, s, false); err != nil {
		return nil, err
	}
	return e, e.open(ctx)
}

func checkCurrent(ctx context.Context, s Stores) error {
	options, err := s.metadataOptions()
	if err != nil {
		return err
	}
	looked, schema, err := sqlmeta.Look(ctx, options)
	if errors.Is(err, sqlmeta.ErrNoStore) {
		return fmt.Errorf("there is nothing to copy: no openecr has served it: %w", err)
	}
	if err != nil {
		return err
	}
	if schema.Version != schema.Newest {
		err = fmt.Errorf("the metadata has schema version %d, and this openecr works on version %d: use the openecr that serves it, or serve it with this one first", schema.Version, schema.Newest)
	}
	return errors.Join(err, looked.Close())
}

func (e *end) open(ctx context.Context) error {
	options, err := e.data.metadataOptions()
	if err != nil {
		return err
	}
	if e.meta, err = sqlmeta.Open(ctx, options); err != nil {
		return err
	}
	e.app.closers = append(e.app.closers, e.meta.Close)
	if e.blobs, err = e.data.openBlobs(ctx, 0); err != nil {
		return err
	}
	e.app.closers = append(e.app.closers, closerOf(e.blobs))
	return nil
}

// openTarget takes stores that nobody else works on.
func openTarget(ctx context.Context, s Stores) (_ *end, err error) {
	e := &end{data: s}
	defer func() { err = e.closeAfter(err) }()
	if s.Data != "" {
		if err := e.app.lockData(s); err != nil {
			return nil, err
		}
		e.owned = !s.onPostgres()
	}
	return e, e.open(ctx)
}

func (e *end) closeAfter(err error) error {
	if err != nil {
		err = errors.Join(err, e.Close())
	}
	return err
}

// hold takes a job of the store for as long as the work lasts; the context ends when it is lost. Somebody who has it is
// waited for. Held are: JobCollect of the source, because bytes that a snapshot names must stay until they are copied;
// and jobCopy of a target without a folder to lock, so that two copies do not write to it at once. What is copied is right without either: bytes
// that are gone fail the copy.
func hold(ctx context.Context, m registry.Meta, job string, p transfer.Progress) (context.Context, func(), error) {
	taken, err := registry.TakeJob(ctx, m, job, time.Now)
	for errors.Is(err, registry.ErrJobTaken) {
		p.Stage("waiting for another to end: " + job)
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(time.Second):
		}
		taken, err = registry.TakeJob(ctx, m, job, time.Now)
	}
	if err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(20 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
				// A database that was away for a moment has taken nothing from us.
				if err := taken.Keep(held); errors.Is(err, registry.ErrJobTaken) {
					lose(err)
				}
			}
		}
	}()
	return held, func() {
		lose(nil)
		<-stopped
		taken.Leave(ctx)
	}, nil
}

const jobCopy = "copy"

// copyRegistry is transfer.Copy under both holds.
func copyRegistry(ctx context.Context, from, to *end, o transfer.Options) (transfer.Report, error) {
	ctx, leaveSource, err := hold(ctx, from.meta, registry.JobCollect, o.Progress)
	if err != nil {
		return transfer.Report{}, fmt.Errorf("keep layers from being collected: %w", err)
	}
	defer leaveSource()
	if !to.owned {
		var leaveTarget func()
		if ctx, leaveTarget, err = hold(ctx, to.meta, jobCopy, o.Progress); err != nil {
			return transfer.Report{}, fmt.Errorf("take the target: %w", err)
		}
		defer leaveTarget()
	}
	report, err := transfer.Copy(ctx, from.pair(), to.pair(), o)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return report, err
}
