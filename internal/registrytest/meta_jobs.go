package registrytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/openecr/openecr/internal/registry"
)

func testJobs(t *metaTest) {
	take := func(name, holder string, now, until int) func(registry.Tx) error {
		return func(tx registry.Tx) error { return tx.TakeJob(name, holder, at(now), at(until)) }
	}
	leave := func(name, holder string) func(registry.Tx) error {
		return func(tx registry.Tx) error { return tx.LeaveJob(name, holder) }
	}
	t.update(take("a", "one", 0, 10))
	t.update(take("b", "two", 0, 10))
	t.restart()
	t.refused("a job that another holds", registry.ErrConflict, take("a", "two", 9, 20))
	t.update(take("a", "one", 9, 12)) // its own is kept for longer
	t.refused("a job that was kept", registry.ErrConflict, take("a", "two", 11, 20))
	t.update(take("a", "two", 12, 20)) // it has run out
	t.refused("a job that was lost", registry.ErrConflict, take("a", "one", 13, 30))
	t.update(leave("a", "one")) // not its own any more
	t.refused("a job that somebody else left", registry.ErrConflict, take("a", "one", 13, 30))
	t.update(leave("a", "two"))
	t.update(leave("a", "two"))
	t.update(take("a", "one", 13, 30))
	t.refused("the other job", registry.ErrConflict, take("b", "one", 9, 30))
}

func testJobTakenOnceOfMany(t *metaTest) {
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := t.meta.Update(context.Background(), func(tx registry.Tx) error {
				return tx.TakeJob("a", fmt.Sprint("holder ", i), at(0), at(1))
			})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, registry.ErrConflict):
				t.Errorf("error %v, want ErrConflict", err)
			}
		})
	}
	wg.Wait()
	t.equal("holders that got the job", won.Load(), int32(1))
}
