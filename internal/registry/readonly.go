package registry

import (
	"context"
	"time"
)

// guardedMeta is the Meta of a Registry: it refuses updates while the store is switched to read-only. It asks in the
// transaction itself, so whoever switches it on knows that what Snapshot shows from then on is the last word, on however
// many nodes pushes are under way.
type guardedMeta struct{ Meta }

func (m guardedMeta) Update(ctx context.Context, fn func(tx Tx) error) error {
	return m.Meta.Update(ctx, func(tx Tx) error {
		since, err := tx.ReadOnlySince()
		if err != nil {
			return err
		}
		if !since.IsZero() {
			return errorf(ReadOnly, "The registry is read-only since %s, while its operator moves the data: images can be pulled; try this again later", since.Format(time.RFC3339))
		}
		return fn(tx)
	})
}

// SetReadOnly is the function of that name, for an operator's command.
func (r *Registry) SetReadOnly(ctx context.Context, on bool) (since time.Time, err error) {
	return SetReadOnly(ctx, r.meta.Meta, on, r.now())
}

// SetReadOnly switches on that every change but this one is refused, or off again, and returns since when it is on. On
// again leaves it as it is.
func SetReadOnly(ctx context.Context, m Meta, on bool, now time.Time) (since time.Time, err error) {
	err = m.Update(ctx, func(tx Tx) error {
		was, err := tx.ReadOnlySince()
		if err != nil || on == !was.IsZero() {
			since = was
			return err
		}
		is := time.Time{}
		if on {
			is = now.UTC().Truncate(time.Millisecond)
		}
		since = is
		return tx.SetReadOnly(is)
	})
	return since, err
}
