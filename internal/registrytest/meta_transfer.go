package registrytest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// rowsByTable is everything that a copy carries. Values keep their Go types, in which a copy must not differ either.
func rowsByTable(tx registry.Tx) (map[string][]string, error) {
	dump := make(map[string][]string)
	tables, err := tx.Tables()
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		var lines []string
		for row, err := range tx.Rows(table) {
			if err != nil {
				return nil, err
			}
			var line strings.Builder
			for i, value := range row {
				fmt.Fprintf(&line, "%s=%T(%v) ", table.Columns[i], value, value)
			}
			lines = append(lines, line.String())
		}
		n, err := tx.CountRows(table)
		if err != nil {
			return nil, err
		}
		if int(n) != len(lines) {
			return nil, fmt.Errorf("table %s counts %d rows and yields %d", table.Name, n, len(lines))
		}
		slices.Sort(lines)
		dump[table.Name] = lines
	}
	return dump, nil
}

func testTransfer(t *metaTest) {
	id := t.oneRepository()
	t.fill(id)
	before := read(t, rowsByTable)
	var tables []registry.Table
	rows := make(map[string][][]any)
	t.view(func(tx registry.Tx) (err error) {
		if tables, err = tx.Tables(); err != nil {
			return err
		}
		for _, table := range tables {
			for row, err := range tx.Rows(table) {
				if err != nil {
					return err
				}
				rows[table.Name] = append(rows[table.Name], row)
			}
		}
		return nil
	})
	t.update(func(tx registry.Tx) error { return tx.EmptyTables() })
	for name, lines := range read(t, rowsByTable) {
		t.equal("rows of "+name+" once it is empty", len(lines), 0)
	}
	t.update(func(tx registry.Tx) error {
		for _, table := range tables {
			if err := do(
				func() error { return tx.InsertRows(table, rows[table.Name]) },
				func() error { return tx.GaveIDs(table) },
			); err != nil {
				return fmt.Errorf("table %s: %w", table.Name, err)
			}
		}
		return nil
	})
	t.restart()
	t.equal("rows", read(t, rowsByTable), before)
}

func testTransferKeepsIDs(t *metaTest) {
	t.oneRepository()
	last := t.repository(accountA, "deleted before")
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(last) })
	tables := read(t, registry.Tx.Tables)
	t.update(func(tx registry.Tx) error {
		if err := tx.EmptyTables(); err != nil {
			return err
		}
		for _, table := range tables {
			if err := tx.GaveIDs(table); err != nil {
				return err
			}
		}
		return nil
	})
	t.twoAccounts()
	if id := t.repository(accountA, "new"); id <= last {
		t.Errorf("a new repository has the id %d, and %d was given before the copy", id, last)
	}
	t.refused("a table that is none", nil, func(tx registry.Tx) error {
		return tx.InsertRows(registry.Table{Name: "blob", Columns: []string{"digest"}}, [][]any{{[]byte("x")}})
	})
}

// fill makes rows with the values that travel worst: empty, absent, long, and more than go into one statement.
func (t *metaTest) fill(id int64) {
	t.Helper()
	name, child := "Alice \u00e4\u4e2d", t.image(id, "child", nil)
	layers := t.layers(id, 120)
	index := t.image(id, "index", layers[:60], child.Digest)
	t.update(func(tx registry.Tx) error {
		for i := range 130 {
			tag := registry.Tag{Name: ref.Tag(fmt.Sprint("tag", i)), Image: index.Digest, CreatedAt: at(i)}
			if err := tx.PutTag(id, tag); err != nil {
				return err
			}
		}
		return do(
			func() error { return tx.InsertSetting("empty", []byte{}) },
			func() error { return tx.InsertSetting("bytes", []byte{0, 0xff, '\''}) },
			func() error { return tx.PutProfile(accountA, registry.Profile{DisplayName: &name}) },
			func() error { return tx.PutProfile(accountB, registry.Profile{}) },
			func() error { return tx.InsertLogo("logo", id, []byte(strings.Repeat("\x89PNG", 10_000))) },
			func() error {
				return tx.InsertAccessKey(registry.AccessKey{ID: "KEY", Account: accountA, SealedSecret: []byte{1}, Disabled: true, CreatedAt: at(1)})
			},
			func() error {
				return tx.InsertUpload(registry.Upload{ID: "upload", Repository: id, Locator: "x", CreatedAt: at(1)})
			},
		)
	})
}
