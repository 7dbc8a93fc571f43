package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/openecr/openecr/internal/registry"
)

var errClosed = errors.New("the metadata store is closed: the registry is shutting down")

// Options say where the metadata is.
type Options struct {
	// Path of the SQLite file. It is made when it is not there; its folder must exist.
	Path string

	// WrapConnector, unless nil, stands between the store and its driver. Tests watch statements through it.
	WrapConnector func(driver.Connector) driver.Connector
}

// Store is metadata in an SQL database. It is safe for concurrent use.
type Store struct {
	dialect *dialect
	writing *sql.DB
	reading *sql.DB
	readers chan *session // those that are free
	writer  *writer

	mu       sync.Mutex // guards closed, and inFlight against growing once it is set
	closed   bool
	inFlight sync.WaitGroup
}

var _ registry.Meta = (*Store)(nil)

// Open opens or makes the store and brings its schema up to date. A store that a newer openecr has written is refused.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("metadata store %s: %w", o.Path, err)
	}
	return s, nil
}

func open(ctx context.Context, o Options) (*Store, error) {
	if err := createSQLite(o.Path); err != nil {
		return nil, err
	}
	writing, err := o.connect(false)
	if err != nil {
		return nil, err
	}
	reading, err := o.connect(true)
	if err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	s := &Store{dialect: sqliteDialect(), writing: writing, reading: reading}
	writer := newSession(writing, s.dialect)
	if err := migrate(ctx, writer, migrations()); err != nil {
		writer.close()
		return nil, errors.Join(err, writing.Close(), reading.Close())
	}
	s.writer = startWriter(writer)
	readers := runtime.GOMAXPROCS(0) // more of them only slow each other down
	s.readers = make(chan *session, readers)
	for range readers {
		s.readers <- newSession(reading, s.dialect)
	}
	return s, nil
}

// connect opens no connection yet. How many there are at most is decided by how many sessions use them.
func (o Options) connect(readOnly bool) (*sql.DB, error) {
	connector, err := sqliteConnector(o.Path, readOnly)
	if err != nil {
		return nil, err
	}
	if o.WrapConnector != nil {
		connector = o.WrapConnector(connector)
	}
	return sql.OpenDB(connector), nil
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
	s.writer.stop()
	for range cap(s.readers) {
		(<-s.readers).close()
	}
	return errors.Join(s.writing.Close(), s.reading.Close())
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

// Update implements registry.Meta. When it is the commit that fails, this process sees nothing of the update; after a
// power failure it may be there all the same.
func (s *Store) Update(ctx context.Context, fn func(tx registry.Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	return s.writer.update(ctx, fn)
}

// View implements registry.Meta.
func (s *Store) View(ctx context.Context, fn func(tx registry.Tx) error) error {
	return s.read(ctx, func(reader *session) error {
		if _, err := reader.exec(ctx, s.dialect.beginView); err != nil {
			reader.discard() // it may have begun all the same
			return fmt.Errorf("metadata: begin: %w", err)
		}
		defer reader.rollback()
		t := &tx{ctx: ctx, session: reader}
		defer t.end()
		return t.run(fn)
	})
}

// read lends a free connection to fn.
func (s *Store) read(ctx context.Context, fn func(*session) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.inFlight.Done()
	if err := ctx.Err(); err != nil { // the select below would not prefer it
		return err
	}
	select {
	case reader := <-s.readers:
		defer func() { s.readers <- reader }()
		return fn(reader)
	case <-ctx.Done():
		return ctx.Err()
	}
}
