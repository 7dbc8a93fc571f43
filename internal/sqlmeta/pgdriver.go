package sqlmeta

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// pgConnector is that of pgx, with errors of one line.
type pgConnector struct {
	driver.Connector
	config *pgx.ConnConfig
}

func newPGConnector(c *pgx.ConnConfig) pgConnector {
	return pgConnector{stdlib.GetConnector(*c), c}
}

func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, oneLine{err}
	}
	return conn, nil
}

// oneLine is an error of pgx, which has a line for each address that it tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n\t", " ") }
func (e oneLine) Unwrap() error { return e.error }

// errUnholdable is a text that no column can hold, so no row has it.
var errUnholdable = errors.New("the text has a zero byte or is not UTF-8")

// holdable refuses what the server would refuse: its refusal ends a transaction.
func holdable(args []any) error {
	for _, arg := range args {
		text := reflect.ValueOf(arg)
		if text.Kind() == reflect.String && (strings.Contains(text.String(), "\x00") || !utf8.ValidString(text.String())) {
			return errUnholdable
		}
	}
	return nil
}
