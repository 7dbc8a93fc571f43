package registry

import "time"

// ReadOnlyTx is the switch by which an operator keeps everything as it is while the data moves elsewhere. It belongs to
// the store and not to the registry: a copy does not have it.
type ReadOnlyTx interface {
	// ReadOnlySince is when it was switched on, the zero time while it is off.
	ReadOnlySince() (time.Time, error)
	// SetReadOnly switches it on, or off by the zero time.
	SetReadOnly(since time.Time) error
}
