package sqlmeta

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"
)

// pool lends sessions of one database, a fixed number of them: more callers than that wait for their turn.
type pool struct {
	db   *sql.DB
	free chan *session

	waits, waited atomic.Int64 // of calls that found none free, and their nanoseconds
}

func newPool(db *sql.DB, d *dialect, size int) *pool {
	p := &pool{db: db, free: make(chan *session, size)}
	for range size {
		p.free <- newSession(db, d)
	}
	return p
}

// lend gives fn a session for its own. When ctx ends first, fn does not run.
func (p *pool) lend(ctx context.Context, fn func(*session) error) error {
	if err := ctx.Err(); err != nil { // the select below would not prefer it
		return err
	}
	s, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer func() { p.free <- s }()
	return fn(s)
}

func (p *pool) take(ctx context.Context) (*session, error) {
	select {
	case s := <-p.free:
		return s, nil
	default:
	}
	start := time.Now()
	defer func() {
		p.waits.Add(1)
		p.waited.Add(int64(time.Since(start)))
	}()
	select {
	case s := <-p.free:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close waits for the sessions that are lent.
func (p *pool) close() error {
	for range cap(p.free) {
		(<-p.free).close()
	}
	return p.db.Close()
}
