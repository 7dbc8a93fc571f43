package registry

import (
	"context"
	"errors"
	"fmt"
)

// takeStrays notes the search for all nodes by a job that it does not leave, unless the search fails.
func (c *collection) takeStrays(ctx context.Context) error {
	if c.rules.StraysEvery == 0 {
		return c.search(ctx)
	}
	search := &Job{meta: c.meta, now: c.now, name: jobListBytes, holder: newUUID()}
	err := search.take(ctx, c.rules.StraysEvery)
	if errors.Is(err, ErrJobTaken) {
		return nil
	}
	if err == nil {
		err = c.search(ctx)
	}
	if err != nil {
		search.Leave(ctx)
	}
	return err
}

// search looks at what is older than the grace only. A row that is to name younger bytes may be about to be committed;
// older bytes that no row names now will never be named.
func (c *collection) search(ctx context.Context) error {
	before := c.now().Add(-c.rules.Grace)
	for stored, err := range c.blobs.List(ctx) {
		if err != nil {
			return fmt.Errorf("list stored bytes: %w", err)
		}
		if c.done.Listed++; c.done.Listed%collectBatch == 0 {
			if err := c.step(ctx, 0); err != nil {
				return err
			}
		}
		if !stored.ChangedAt.Before(before) {
			continue
		}
		if err := c.takeStray(ctx, stored); err != nil {
			return err
		}
	}
	return c.step(ctx, 0)
}

func (c *collection) takeStray(ctx context.Context, stored Stored) error {
	if stored.Leftover {
		return c.takeLeftover(ctx, stored)
	}
	var named bool
	err := c.meta.View(ctx, func(tx Tx) (err error) {
		named, err = tx.LocatorNamed(stored.Locator)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for the row of bytes %s: %w", stored.Locator, err)
	}
	if named || !c.rules.DryRun && !c.deleteBytes(ctx, stored.Locator) {
		return nil
	}
	c.done.Strays.add(stored.Size)
	return c.step(ctx, 1)
}

// takeLeftover removes what Discard would have removed, had it not been kept from it: the row of the finished bytes names
// their locator, so it never becomes a stray.
func (c *collection) takeLeftover(ctx context.Context, stored Stored) error {
	if !c.rules.DryRun && !c.removed(c.blobs.Discard(ctx, Unfinished{Locator: stored.Locator})) {
		return nil
	}
	c.done.Strays.add(stored.Size)
	return c.step(ctx, 1)
}
