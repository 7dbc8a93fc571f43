package sqlmeta

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// carriedTables are what a copy of the registry consists of, each behind those it refers to. A new table belongs here or
// among leftTables; a test compares both with the schema.
func carriedTables() []string {
	return []string{
		"account", "alias", "access_key", "setting", "repository", "registry_profile", "logo",
		"layer", "image", "image_count", "image_layer", "image_absent", "image_child", "tag",
		"image_face", "download_day", "download_total",
		"unused_blob", "webhook",
	}
}

// leftTables are what a copy does not take over as it is.
func leftTables() []string {
	return append(derivedTables(), []string{
		"schema_version",   // the other store has its own
		"blob",             // goes row by row behind the bytes it speaks of
		"upload",           // its bytes stay behind, and clients begin again
		"job_lease",        // belongs to the nodes of one store
		"read_only",        // is about this store, which the copy may be there to replace
		"quarantine",       // speaks of bytes that stay behind, because they are broken
		"released_bytes",   // the same, because nobody needs them
		"event",            // happened to this store
		"webhook_delivery", // the same, and this store sends it
	}...)
}

// derivedTables are made again from the others when a registry starts over them, see registry.IndexUnlisted.
func derivedTables() []string {
	return []string{"listing", "tag_word", "search_document", "search_variant", "search"}
}

// numbered is the table whose rows have {{never reused}} numbers.
const numbered = "repository"

func (t *tx) Tables() ([]registry.Table, error) {
	var tables []registry.Table
	for _, name := range carriedTables() {
		table := registry.Table{Name: name}
		var err error
		if table.Columns, err = t.columns(name); err != nil {
			return nil, err
		}
		if name == numbered {
			last, err := t.count(t.session.dialect.lastID, name)
			if err != nil {
				return nil, err
			}
			table.LastID = int64(last)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

func (t *tx) columns(table string) ([]string, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	rows, err := t.session.query(t.ctx, `SELECT * FROM `+table+` LIMIT 0`)
	if err != nil {
		return nil, t.fail(err)
	}
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, t.fail(err)
	}
	return columns, nil
}

// known keeps names that are no carried table out of the SQL.
func known(table string) error {
	if !slices.Contains(carriedTables(), table) {
		return fmt.Errorf("metadata: %q is no table that a copy carries", table)
	}
	return nil
}

func (t *tx) Rows(table registry.Table) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if err := errors.Join(t.failed, known(table.Name)); err != nil {
			yield(nil, err)
			return
		}
		rows, err := t.session.query(t.ctx, `SELECT `+strings.Join(table.Columns, ", ")+` FROM `+table.Name)
		if err != nil {
			yield(nil, t.fail(err))
			return
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			yield(nil, t.fail(err))
			return
		}
		for rows.Next() {
			row := make([]any, len(types))
			into := make([]any, len(types))
			for i, column := range types {
				into[i] = valueColumn{&row[i], column.DatabaseTypeName()}
			}
			if err := rows.Scan(into...); err != nil {
				yield(nil, t.fail(err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			yield(nil, t.fail(err))
		}
	}
}

func (t *tx) CountRows(table registry.Table) (int64, error) {
	if err := known(table.Name); err != nil {
		return 0, err
	}
	n, err := t.count(`SELECT count(*) FROM ` + table.Name)
	return int64(n), err
}

// rowsPerInsert go into one statement: to a database on another machine each statement is a journey. There are two
// statements for each table, of so many rows and of one, because every statement stays prepared.
const rowsPerInsert = 50

func (t *tx) InsertRows(table registry.Table, rows [][]any) error {
	if err := known(table.Name); err != nil {
		return err
	}
	for len(rows) > 0 {
		n := 1
		if len(rows) >= rowsPerInsert {
			n = rowsPerInsert
		}
		if _, err := t.exec(insertStatement(table, n), slices.Concat(rows[:n]...)...); err != nil {
			return fmt.Errorf("insert into %s: %w", table.Name, err)
		}
		rows = rows[n:]
	}
	return nil
}

func insertStatement(table registry.Table, rows int) string {
	b := []byte(`INSERT INTO ` + table.Name + ` (` + strings.Join(table.Columns, ", ") + `) VALUES `)
	for row := range rows {
		for column := range table.Columns {
			switch {
			case column > 0:
				b = append(b, ", "...)
			case row > 0:
				b = append(b, "), ("...)
			default:
				b = append(b, '(')
			}
			b = strconv.AppendInt(append(b, '$'), int64(row*len(table.Columns)+column+1), 10)
		}
	}
	return string(append(b, ')'))
}

func (t *tx) GaveIDs(table registry.Table) error {
	if table.Name != numbered {
		return nil
	}
	for _, statement := range t.session.dialect.gaveIDs {
		if _, err := t.exec(statement, table.Name, table.LastID); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) EmptyTables() error {
	tables := append(append(carriedTables(), "upload", "event", "webhook_delivery"), derivedTables()...)
	for _, name := range slices.Backward(tables) {
		if _, err := t.exec(`DELETE FROM ` + name); err != nil {
			return err
		}
	}
	return nil
}

// valueColumn reads a value as every database has it. SQLite's driver reads truth values as numbers, and empty bytes as a
// nil slice, which it would write as NULL.
type valueColumn struct {
	to       *any
	typeName string // as the database calls it
}

func (c valueColumn) Scan(v any) error {
	switch value := v.(type) {
	case []byte:
		v = append([]byte{}, value...) // theirs lasts until the next row
	case int64:
		if c.typeName == "BOOLEAN" {
			v = value != 0
		}
	}
	*c.to = v
	return nil
}
