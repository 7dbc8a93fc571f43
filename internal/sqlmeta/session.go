package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/openecr/openecr/internal/registry"
)

// session is one connection and the statements that were prepared on it, each at its first use. One goroutine at a time
// uses it. It connects when it has to, so a session whose connection was discarded mends itself.
//
// It exists because statements prepared on a sql.DB cannot be prepared lazily inside a transaction: they would wait
// for a second connection, which the writer does not have.
type session struct {
	db       *sql.DB
	dialect  *dialect
	conn     *sql.Conn            // nil until the first statement
	prepared map[string]*sql.Stmt // by query as it stands in the code
}

func newSession(db *sql.DB, d *dialect) *session {
	return &session{db: db, dialect: d, prepared: make(map[string]*sql.Stmt)}
}

func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (s *session) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *session) prepare(ctx context.Context, query string, args []any) (*sql.Stmt, error) {
	if err := s.dialect.holds(args); err != nil {
		return nil, err
	}
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	stmt, err := s.conn.PrepareContext(ctx, s.dialect.words.Replace(query))
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", err)
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// script runs many statements at once, unprepared.
func (s *session) script(ctx context.Context, text string) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	_, err := s.conn.ExecContext(ctx, s.dialect.words.Replace(text))
	return err
}

func (s *session) connect(ctx context.Context) (err error) {
	if s.conn == nil {
		s.conn, err = s.db.Conn(ctx)
	}
	return err
}

// begin begins a transaction in one of the ways of the dialect.
func (s *session) begin(ctx context.Context, statements []string) error {
	for _, statement := range statements {
		if _, err := s.exec(ctx, statement); err != nil {
			s.discard() // it may have begun all the same
			return fmt.Errorf("metadata: begin: %w", err)
		}
	}
	return nil
}

// view runs fn in a transaction that only reads.
func (s *session) view(ctx context.Context, begin []string, fn func(registry.Tx) error) error {
	if err := s.begin(ctx, begin); err != nil {
		return err
	}
	defer s.rollback()
	t := &tx{ctx: ctx, session: s}
	defer t.end()
	return t.run(fn)
}

// rollback ends the transaction, whatever became of it: a connection that cannot say it did is discarded, and the
// database rolls back by itself.
func (s *session) rollback() {
	ctx, cancel := s.dialect.background()
	defer cancel()
	if _, err := s.exec(ctx, "ROLLBACK"); err != nil {
		s.discard()
	}
}

// discard closes the connection in earnest, where close leaves it to the pool for another use.
func (s *session) discard() {
	if s.conn == nil {
		return
	}
	s.closeStatements()
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // gives back just that
	s.conn = nil
}

// close gives the connection back.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	s.closeStatements()
	_ = s.conn.Close() // fails only when it is closed already
	s.conn = nil
}

// closeStatements comes before closing the connection: database/sql leaves these statements to us, and closing one
// whose connection is gone would crash the driver.
func (s *session) closeStatements() {
	for _, stmt := range s.prepared {
		_ = stmt.Close() // the connection closes next and forgets it anyway
	}
	clear(s.prepared)
}
