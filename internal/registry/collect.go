package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Collection removes what nobody needs while pushes, pulls and checks go on:
//
//	layers    rows that no image references and whose promise has run out                      (Collect)
//	blobs     rows that have lost their last layer                                              (Collect)
//	uploads   rows that nobody has touched for long                                             (Collect)
//	released  bytes of blobs and uploads that went long enough ago                              (Collect)
//	strays    bytes that no row names: left by crashed and overtaken uploads                    (CollectStrays)
//
// Rows go in small transactions that look for themselves whether the condition still holds, so whoever renewed a promise,
// mounted a layer or pushed an image before wins, and whoever comes after finds the layer absent. The transaction that
// takes a row notes its bytes as released, and these go after it: a crash in between leaves the note, never a row without
// bytes. Bytes whose row is gone can get no other, because locators are never used twice (invariant 8).

// collectBatch is how many rows a transaction takes at most.
const collectBatch = 100

// CollectRules say how to collect. The zero value is how it is meant to be.
type CollectRules struct {
	// DryRun counts and removes nothing.
	DryRun bool
	// Rate is how many things may go in a second; 0 is as many as can.
	Rate int
	// Abandoned is how long nobody must have touched an upload; 24 hours when 0.
	Abandoned time.Duration
	// Grace is how old bytes without a row must be; 24 hours when 0. It must be longer than any request takes to get from
	// finished bytes to their row.
	Grace time.Duration
	// Linger is how long bytes stay after their row has gone: a database that falls back by less than that, to a standby
	// that lagged, has the row again and its bytes too.
	Linger time.Duration
	// StraysEvery has CollectStrays do nothing where any node has searched within this time; 0 is always search.
	StraysEvery time.Duration
	// Progress is told now and then what was collected so far; nil for nobody.
	Progress func(Collected)
}

func (c CollectRules) withDefaults() CollectRules {
	const day = 24 * time.Hour
	if c.Abandoned == 0 {
		c.Abandoned = day
	}
	if c.Grace == 0 {
		c.Grace = day
	}
	if c.Progress == nil {
		c.Progress = func(Collected) {}
	}
	return c
}

// Collected is what a collection has removed, or would remove.
type Collected struct {
	Garbage
	Strays Tally `json:"strays"` // stored bytes that no row names
	Listed int64 `json:"listed"` // how many were looked at to find strays
	Failed int64 `json:"failed"` // bytes that could not be removed and wait for the next run
}

// Plus is both together.
func (c Collected) Plus(d Collected) Collected {
	return Collected{
		Garbage: Garbage{Layers: c.Layers.plus(d.Layers), Blobs: c.Blobs.plus(d.Blobs), Uploads: c.Uploads.plus(d.Uploads)},
		Strays:  c.Strays.plus(d.Strays),
		Listed:  c.Listed + d.Listed,
		Failed:  c.Failed + d.Failed,
	}
}

// Collect removes layers, blobs and uploads that nobody needs. It is ErrJobTaken while another node does so, or a backup
// holds it. What was removed before an error is reported beside it.
func (r *Registry) Collect(ctx context.Context, rules CollectRules) (Collected, error) {
	rules = rules.withDefaults()
	if rules.DryRun {
		return r.countGarbage(ctx, rules)
	}
	return r.collecting(ctx, rules, (*collection).takeLayers, (*collection).takeBlobs, (*collection).takeUploads, (*collection).takeReleased)
}

// CollectStrays removes stored bytes that no row names. It lists the whole store, so it is done rarely.
func (r *Registry) CollectStrays(ctx context.Context, rules CollectRules) (Collected, error) {
	return r.collecting(ctx, rules.withDefaults(), (*collection).takeStrays)
}

func (r *Registry) countGarbage(ctx context.Context, rules CollectRules) (done Collected, err error) {
	now := r.now()
	err = r.meta.View(ctx, func(tx Tx) (err error) {
		done.Garbage, err = tx.Garbage(now, now.Add(-rules.Abandoned))
		return err
	})
	return done, err
}

// collection is one run.
type collection struct {
	*Registry
	rules  CollectRules
	job    *Job
	batch  int
	done   Collected
	failed error // the first of done.Failed
}

func (r *Registry) collecting(ctx context.Context, rules CollectRules, steps ...func(*collection, context.Context) error) (Collected, error) {
	c := &collection{Registry: r, rules: rules, batch: collectBatch}
	if rules.Rate > 0 {
		c.batch = min(c.batch, rules.Rate) // so that a batch is no burst
	}
	job, err := TakeJob(ctx, r.meta, JobCollect, r.now)
	if err != nil {
		return c.done, err
	}
	defer job.Leave(ctx)
	c.job = job
	err = c.run(ctx, steps)
	if !rules.DryRun {
		r.observe.Collected(c.done, err)
	}
	return c.done, err
}

func (c *collection) run(ctx context.Context, steps []func(*collection, context.Context) error) error {
	for _, step := range steps {
		if err := step(c, ctx); err != nil {
			return err
		}
	}
	if c.failed != nil {
		return fmt.Errorf("bytes in %d places could not be removed, the next run tries again: %w", c.done.Failed, c.failed)
	}
	return nil
}

// step comes after each batch of n things: it reports, waits as the rate says and keeps the job.
func (c *collection) step(ctx context.Context, n int) error {
	c.rules.Progress(c.done)
	if c.rules.Rate > 0 {
		if err := wait(ctx, time.Duration(n)*time.Second/time.Duration(c.rules.Rate)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.job.Keep(ctx)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeLayers needs no word to the caches: they answer only while a whole lease is left (answerUntil).
func (c *collection) takeLayers(ctx context.Context) error {
	for n := c.batch; n == c.batch; {
		var expired []ExpiredLayer
		err := c.meta.Update(ctx, func(tx Tx) (err error) {
			if expired, err = tx.ExpiredLayers(c.now(), c.batch); err != nil {
				return err
			}
			for _, l := range expired {
				if err := tx.DeleteLayer(l.Repository, l.Digest); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("collect layers: %w", err)
		}
		for _, l := range expired {
			c.done.Layers.add(l.Size)
		}
		n = len(expired)
		if err := c.step(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) takeBlobs(ctx context.Context) error {
	for more := true; more; {
		var unused []Blob
		err := c.meta.Update(ctx, func(tx Tx) (err error) {
			if unused, more, err = tx.DeleteUnusedBlobs(c.batch); err != nil {
				return err
			}
			for _, b := range unused {
				if err := tx.ReleaseBytes(b.Locator, c.now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("collect blobs: %w", err)
		}
		for _, b := range unused {
			c.done.Blobs.add(b.Size)
		}
		if err := c.step(ctx, len(unused)); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) takeUploads(ctx context.Context) error {
	before := c.now().Add(-c.rules.Abandoned)
	var last Upload
	for n := c.batch; n == c.batch; {
		var abandoned []Upload
		err := c.meta.View(ctx, func(tx Tx) (err error) {
			abandoned, err = tx.AbandonedUploads(before, last, c.batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("collect uploads: %w", err)
		}
		for _, up := range abandoned {
			if err := c.takeUpload(ctx, up, before); err != nil {
				return fmt.Errorf("collect upload %s: %w", up.ID, err)
			}
		}
		if n = len(abandoned); n > 0 {
			last = abandoned[n-1]
		}
		if err := c.step(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// takeUpload passes over one that a request of this process is busy with: a slow client may take longer for a part than
// others leave an upload alone.
func (c *collection) takeUpload(ctx context.Context, up Upload, before time.Time) error {
	unlock, _ := c.uploads.tryLock(up.ID)
	if unlock == nil {
		return nil
	}
	defer unlock()
	var deleted bool
	err := c.meta.Update(ctx, func(tx Tx) error {
		deleted = false
		now, err := tx.Upload(up.ID)
		if errors.Is(err, ErrAbsent) || err == nil && !now.UpdatedAt.Before(before) {
			return nil // ended or went on since
		}
		if err != nil {
			return err
		}
		deleted = true
		if err := tx.ReleaseBytes(up.Locator, c.now()); err != nil {
			return err
		}
		return tx.DeleteUpload(up.ID)
	})
	if err == nil && deleted {
		c.done.Uploads.add(up.Offset)
	}
	return err
}
