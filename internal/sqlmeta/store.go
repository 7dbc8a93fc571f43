package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/openecr/openecr/internal/registry"
)

var errClosed = errors.New("the metadata store is closed: the registry is shutting down")

// Options say where the metadata is: in a file of SQLite or in a database of PostgreSQL.
type Options struct {
	// Path of the SQLite file. It is made when it is not there; its folder must exist.
	Path string

	// URL of the PostgreSQL database instead of Path, as libpq takes it, with pool_max_conns as one more option:
	// "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&pool_max_conns=32".
	URL string

	// Replica, unless empty, is the URL of a standby of that database. It serves ViewStale.
	Replica string

	// CacheBytes is the memory of all page caches of SQLite together; 0 is 8 MiB for each connection.
	CacheBytes int

	// WrapConnector, unless nil, stands between the store and its driver. Tests watch statements through it.
	WrapConnector func(driver.Connector) driver.Connector
}

// Store is metadata in an SQL database. It is safe for concurrent use.
type Store struct {
	engine engine

	mu       sync.Mutex // guards closed, and inFlight against growing once it is set
	closed   bool
	inFlight sync.WaitGroup
}

var _ registry.Meta = (*Store)(nil)

// engine is how a kind of database is worked with: what connections there are, and what is done when they fail.
type engine interface {
	// read lends a session to fn, which reads and may run again.
	read(ctx context.Context, fn func(*session) error) error

	// readStale lends a session whose answers may be old, and tells whether fn has succeeded.
	readStale(ctx context.Context, fn func(context.Context, *session) error) (ok bool)

	// update is registry.Meta's Update.
	update(ctx context.Context, fn func(registry.Tx) error) error

	// pools are the connections that calls share.
	pools() []PoolUse

	// close comes after the last call of the others has returned.
	close() error
}

// Open opens or makes the store and brings its schema up to date. A store that a newer openecr has written is refused,
// unless that one says that this one may go on.
func Open(ctx context.Context, o Options) (*Store, error) {
	open, name := o.openSQLite, o.Path
	if o.URL != "" {
		open, name = o.openPostgres, nameOfURL(o.URL)
	}
	engine, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("metadata store %s: %w", name, err)
	}
	return &Store{engine: engine}, nil
}

// openDB opens no connection yet.
func (o Options) openDB(c driver.Connector) *sql.DB {
	if o.WrapConnector != nil {
		c = o.WrapConnector(c)
	}
	return sql.OpenDB(c)
}

// Close waits for the updates and views that have begun or are queued. Later ones fail.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.inFlight.Wait()
	return s.engine.close()
}

// enter counts a call that Close must wait for. Whoever gets nil calls s.inFlight.Done.
func (s *Store) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.inFlight.Add(1)
	return nil
}

// Update implements registry.Meta. When it is the commit that fails, nobody can say whether the update is there: in
// SQLite this process sees nothing of it, and after a power failure it may be there all the same; PostgreSQL may have it
// when the connection broke before the answer came.
func (s *Store) Update(ctx context.Context, fn func(tx registry.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	return s.engine.update(ctx, fn)
}

// View implements registry.Meta.
func (s *Store) View(ctx context.Context, fn func(tx registry.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	return s.engine.read(ctx, func(reader *session) error { return reader.view(ctx, reader.dialect.beginView, fn) })
}

// Snapshot implements registry.Meta.
func (s *Store) Snapshot(ctx context.Context, fn func(tx registry.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	return s.engine.read(ctx, func(reader *session) error { return reader.view(ctx, reader.dialect.beginSnapshot, fn) })
}

// ViewStale implements registry.Meta.
func (s *Store) ViewStale(ctx context.Context, fn func(tx registry.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	if s.engine.readStale(ctx, func(ctx context.Context, reader *session) error {
		return reader.view(ctx, reader.dialect.beginView, fn)
	}) {
		return nil
	}
	return s.engine.read(ctx, func(reader *session) error { return reader.view(ctx, reader.dialect.beginView, fn) })
}
