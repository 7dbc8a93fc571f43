package registry

import (
	"context"
	"fmt"
)

// takeReleased forgets bytes once they are gone. Where some cannot be removed it stops after its batch: the store may be
// away, and the notes stay.
func (c *collection) takeReleased(ctx context.Context) error {
	until := c.now().Add(-c.rules.Linger)
	for n := c.batch; n == c.batch && c.failed == nil; {
		var released, gone []string
		err := c.meta.View(ctx, func(tx Tx) (err error) {
			released, err = tx.ReleasedBytes(until, c.batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("collect released bytes: %w", err)
		}
		for _, locator := range released {
			if c.deleteBytes(ctx, locator) {
				gone = append(gone, locator)
			}
			if err := c.job.Keep(ctx); err != nil {
				return err
			}
		}
		if err := c.forgetBytes(ctx, gone); err != nil {
			return fmt.Errorf("collect released bytes: %w", err)
		}
		n = len(released)
		if err := c.step(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) forgetBytes(ctx context.Context, locators []string) error {
	if len(locators) == 0 {
		return nil
	}
	return c.meta.Update(ctx, func(tx Tx) error {
		for _, locator := range locators {
			if err := tx.ForgetBytes(locator); err != nil {
				return err
			}
		}
		return nil
	})
}

// deleteBytes is for bytes that no row names. A failure leaves them to the next run.
func (c *collection) deleteBytes(ctx context.Context, locator string) bool {
	return c.removed(c.blobs.Delete(ctx, locator))
}

// removed counts the failure, if it is one.
func (c *collection) removed(err error) bool {
	if err != nil {
		c.done.Failed++
		if c.failed == nil {
			c.failed = err
		}
	}
	return err == nil
}
