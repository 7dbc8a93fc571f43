package sqlmeta

import (
	"context"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/registry"
)

// maxBatch bounds how long the first update of a batch waits for its commit.
const maxBatch = 128

// errUnfinished stands for the outcome of a function that panicked: it unwinds its caller, who never reads this.
var errUnfinished = errors.New("the update did not return")

// writer owns the one connection that writes. Its goroutine takes what has queued up into one transaction, a savepoint
// for each update, and commits once: flushing to disk is most of the cost of an update, and so a batch shares it.
//
//	Update goroutine          writer goroutine
//	queue  ────────────────►  BEGIN (first of a batch), SAVEPOINT
//	       ◄──────── turn ──
//	fn(tx)
//	       ── ran ─────────►  RELEASE, or ROLLBACK TO when fn failed; the next in the queue, until it is empty; COMMIT
//	       ◄────── outcome ─
//
// Functions run on the goroutine of their caller, so a panic or runtime.Goexit in one unwinds where it belongs.
// Nobody is answered before the commit, not even those that failed: what made them fail may be an update of the same
// batch, and must be durable before anybody hears of it.
type writer struct {
	session *session
	queue   chan *update
	stopped chan struct{}
}

// update is one call of Update on its way through the writer. Its channels have room for their one value, so neither
// side waits for another that has left.
type update struct {
	turn    chan *tx
	ran     chan error
	outcome chan error
}

func startWriter(s *session) *writer {
	w := &writer{session: s, queue: make(chan *update, maxBatch), stopped: make(chan struct{})}
	go w.work()
	return w
}

// stop ends the writer after what has queued up. Update must not be called any more.
func (w *writer) stop() {
	close(w.queue)
	<-w.stopped
}

func (w *writer) update(ctx context.Context, fn func(registry.Tx) error) error {
	u := &update{turn: make(chan *tx, 1), ran: make(chan error, 1), outcome: make(chan error, 1)}
	select {
	case w.queue <- u:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case t := <-u.turn:
		u.run(ctx, t, fn)
		return <-u.outcome
	case err := <-u.outcome:
		return err
	case <-ctx.Done():
		u.ran <- ctx.Err() // in place of run, when the turn comes
		return ctx.Err()
	}
}

func (u *update) run(ctx context.Context, t *tx, fn func(registry.Tx) error) {
	err := errUnfinished
	defer func() {
		t.end()
		u.ran <- err
	}()
	if cancelled := ctx.Err(); cancelled != nil {
		err = cancelled
		return
	}
	err = t.run(fn)
}

func (w *writer) work() {
	defer close(w.stopped)
	for first := range w.queue {
		w.batch(first)
	}
	w.session.close()
}

// batch runs and commits first and what is queued behind it.
func (w *writer) batch(first *update) {
	if err := w.session.begin(context.Background(), w.session.dialect.beginUpdate); err != nil {
		first.outcome <- err
		return
	}
	var updates []*update
	var outcomes []error
	var lost error
	for u := first; u != nil && lost == nil; u = w.next(len(updates)) {
		var err error
		if err, lost = w.apply(u); err != nil && lost != nil {
			u.outcome <- err // it knows best why
			break
		}
		updates, outcomes = append(updates, u), append(outcomes, err)
	}
	if lost == nil {
		lost = w.exec("COMMIT")
	}
	if lost != nil {
		w.session.discard()
	}
	for i, u := range updates {
		if lost != nil {
			outcomes[i] = fmt.Errorf("metadata: the transaction was not committed: %w", lost)
		}
		u.outcome <- outcomes[i]
	}
}

// next is the update that joins a batch of n, nil when none does.
func (w *writer) next(n int) *update {
	if n == maxBatch {
		return nil
	}
	select {
	case u := <-w.queue:
		return u
	default:
		return nil
	}
}

// apply gives u its turn under a savepoint. Its outcome is err; lost means that nothing of the whole transaction can be
// committed any more, which a full disk, for one, does to it.
func (w *writer) apply(u *update) (err, lost error) {
	if lost = w.exec("SAVEPOINT turn"); lost != nil {
		return nil, lost
	}
	u.turn <- &tx{ctx: context.Background(), session: w.session}
	err = <-u.ran
	if err != nil {
		if lost = w.exec("ROLLBACK TO turn"); lost != nil {
			// Only as text: others must not take what err wraps for the outcome of theirs.
			return err, fmt.Errorf("%w, after %s", lost, err.Error())
		}
	}
	return err, w.exec("RELEASE turn")
}

// exec has no context: the statements between updates belong to no caller, and those of an update must not be
// interrupted by its caller, because SQLite may then roll back the others too.
func (w *writer) exec(query string) error {
	_, err := w.session.exec(context.Background(), query)
	return err
}
