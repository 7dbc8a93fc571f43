package sqlmeta

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/registry"
)

// TestEveryTableIsCarriedOrLeft makes whoever adds a table decide whether a backup needs it.
func TestEveryTableIsCarriedOrLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	store, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite_%' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(append(carriedTables(), leftTables()...))), tables); diff != "" {
		t.Errorf("carried and left tables (-) and the schema (+):\n%s", diff)
	}
}

func TestInsertStatementNumbersItsArguments(t *testing.T) {
	table := registry.Table{Name: "tag", Columns: []string{"a", "b"}}
	want := "INSERT INTO tag (a, b) VALUES ($1, $2), ($3, $4), ($5, $6)"
	if got := insertStatement(table, 3); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := insertStatement(table, 1); !strings.HasSuffix(got, "VALUES ($1, $2)") {
		t.Errorf("got %s", got)
	}
}
