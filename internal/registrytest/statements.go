package registrytest

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// WatchStatements wraps a database driver so that watch sees the text of every statement before it runs, also those of
// transactions; preparing one is not running it. When watch returns an error the statement fails with it instead of
// running. Watch is called from many goroutines.
func WatchStatements(c driver.Connector, watch func(query string) error) driver.Connector {
	return watchedConnector{c, watch}
}

type watchedConnector struct {
	driver.Connector
	watch func(query string) error
}

func (c watchedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(contextConn)
	if !ok {
		return nil, fmt.Errorf("driver connection %T lacks methods with a context", conn)
	}
	return watchedConn{full, c.watch}, nil
}

// contextConn are the methods with which database/sql sends statements to a driver.
type contextConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
}

type watchedConn struct {
	contextConn
	watch func(query string) error
}

func (c watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.contextConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := stmt.(contextStmt)
	if !ok {
		return nil, fmt.Errorf("driver statement %T lacks methods with a context", stmt)
	}
	watched := watchedStmt{contextStmt: full, query: query, watch: c.watch}
	if watched.checker, ok = stmt.(driver.NamedValueChecker); !ok {
		watched.checker, _ = c.contextConn.(driver.NamedValueChecker)
	}
	return watched, nil
}

// IsValid asks a driver that knows.
func (c watchedConn) IsValid() bool {
	v, ok := c.contextConn.(driver.Validator)
	return !ok || v.IsValid()
}

func (c watchedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := c.watch("BEGIN"); err != nil {
		return nil, err
	}
	return c.contextConn.BeginTx(ctx, opts)
}

func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.watch(query); err != nil {
		return nil, err
	}
	return c.contextConn.ExecContext(ctx, query, args)
}

func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.watch(query); err != nil {
		return nil, err
	}
	return c.contextConn.QueryContext(ctx, query, args)
}

type contextStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type watchedStmt struct {
	contextStmt
	query   string
	watch   func(query string) error
	checker driver.NamedValueChecker // of the driver; nil when it has none
}

func (s watchedStmt) CheckNamedValue(v *driver.NamedValue) error {
	if s.checker == nil {
		return driver.ErrSkip
	}
	return s.checker.CheckNamedValue(v)
}

func (s watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.watch(s.query); err != nil {
		return nil, err
	}
	return s.contextStmt.ExecContext(ctx, args)
}

func (s watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.watch(s.query); err != nil {
		return nil, err
	}
	return s.contextStmt.QueryContext(ctx, args)
}
