package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Jobs that one node at a time does.
const (
	// JobCollect removes what nobody needs. Who needs all bytes to stay for a while, such as a backup, takes it too.
	JobCollect = "collect"
	// jobListBytes is not left when done: it runs out when all stored bytes are to be listed again.
	jobListBytes = "list stored bytes"
)

// jobLease is how long a job whose holder died is lost to the others. Keep renews it, so work may take any time.
const jobLease = 2 * time.Minute

// ErrJobTaken means that another node, or another request to this one, is doing the job.
var ErrJobTaken = errors.New("somebody else is doing it")

// Job is the right to do something that one node at a time does. It spares work and keeps reports readable; what is right
// must not depend on it, because a holder that was stopped for longer than a lease does not know that it lost the job.
type Job struct {
	meta         Meta
	now          func() time.Time
	name, holder string
	until        time.Time
}

// TakeJob is ErrJobTaken while somebody else has the job.
func TakeJob(ctx context.Context, m Meta, name string, now func() time.Time) (*Job, error) {
	j := &Job{meta: m, now: now, name: name, holder: newUUID()}
	return j, j.take(ctx, jobLease)
}

func (j *Job) take(ctx context.Context, lease time.Duration) error {
	now := j.now()
	until := now.Add(lease)
	err := j.meta.Update(ctx, func(tx Tx) error { return tx.TakeJob(j.name, j.holder, now, until) })
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("job %q: %w", j.name, ErrJobTaken)
	}
	if err != nil {
		return fmt.Errorf("take job %q: %w", j.name, err)
	}
	j.until = until
	return nil
}

// Keep is to be called at least once a minute. It costs nothing until half of the lease has gone, and is ErrJobTaken when
// the job was lost.
func (j *Job) Keep(ctx context.Context) error {
	if j.until.Sub(j.now()) > jobLease/2 {
		return nil
	}
	return j.take(ctx, jobLease)
}

// Leave gives the job back, also when the context of the work has ended. Where that fails, the lease runs out.
func (j *Job) Leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = j.meta.Update(ctx, func(tx Tx) error { return tx.LeaveJob(j.name, j.holder) })
}
