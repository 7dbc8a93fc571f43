package registry

import "time"

// JobTx is which work has one doer at a time among all nodes.
type JobTx interface {
	// TakeJob gives the job to holder until the given time, unless another holder has it at the time now: then it is
	// ErrConflict. A holder takes a job again to keep it for longer.
	TakeJob(name, holder string, now, until time.Time) error
	// LeaveJob lets others take it at once. It is nil when holder does not have it.
	LeaveJob(name, holder string) error
}
