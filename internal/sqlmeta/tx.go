package sqlmeta

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/registry"
)

var errEnded = errors.New("metadata: the transaction has ended")

// tx is a transaction in a function's hands. Its methods stand in the file of the noun they are about.
type tx struct {
	// ctx ends the statements of a view; it stands here because registry.Tx is bound to one call.
	ctx     context.Context
	session *session

	// failed is the first failure of a statement. From then on every statement fails with it, and so does the
	// transaction, even if the function ignores it: the database may have rolled back what came before.
	failed error
}

var _ registry.Tx = (*tx)(nil)

// run returns the error of fn as it is, unless that hides a failure of the database, by which a repetition is decided.
func (t *tx) run(fn func(registry.Tx) error) error {
	err := fn(t)
	if t.failed != nil && !errors.Is(err, t.failed) {
		return t.failed
	}
	return err
}

// end makes use after the transaction an error.
func (t *tx) end() { t.failed = errEnded }

func (t *tx) fail(err error) error {
	t.failed = fmt.Errorf("metadata: %w", err)
	return t.failed
}

// exec returns the number of rows that the statement wrote.
func (t *tx) exec(query string, args ...any) (int64, error) {
	if t.failed != nil {
		return 0, t.failed
	}
	result, err := t.session.exec(t.ctx, query, args...)
	if err != nil {
		return 0, t.fail(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, t.fail(err)
	}
	return n, nil
}

// insert runs a statement with ON CONFLICT DO NOTHING. Error classes are left to no driver: a statement that fails
// would end the transaction in other databases.
func (t *tx) insert(what, query string, args ...any) error {
	return t.change(what, registry.ErrConflict, query, args...)
}

// change runs a statement that must write a row, and fails with otherwise when it does not.
func (t *tx) change(what string, otherwise error, query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		return fmt.Errorf("%s: %w", what, otherwise)
	}
	return err
}

// row is what a scan function reads from: one row of a result.
type row interface{ Scan(dest ...any) error }

// all returns every row of the query.
func all[T any](t *tx, scan func(row, *T) error, query string, args ...any) ([]T, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	rows, err := t.session.query(t.ctx, query, args...)
	if errors.Is(err, errUnholdable) {
		return nil, nil
	}
	if err != nil {
		return nil, t.fail(err)
	}
	list, err := collect(rows, scan)
	if err != nil {
		return nil, t.fail(err)
	}
	return list, nil
}

func collect[T any](rows *sql.Rows, scan func(row, *T) error) (list []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// count returns the number that the query answers.
func (t *tx) count(query string, args ...any) (int, error) {
	return one(t, "count", func(r row, n *int) error { return r.Scan(n) }, query, args...)
}

// one returns the row of a query that has at most one. ErrAbsent names it as what.
func one[T any](t *tx, what string, scan func(row, *T) error, query string, args ...any) (T, error) {
	list, err := all(t, scan, query, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: %w", what, registry.ErrAbsent)
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}
