package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"

	"github.com/openecr/openecr/internal/ref"
)

// sqliteEngine has one connection that writes and as many as there are CPUs that read.
type sqliteEngine struct {
	writing *sql.DB
	*writer
	readers *pool
}

func (o Options) openSQLite(ctx context.Context) (engine, error) {
	if err := createSQLite(o.Path); err != nil {
		return nil, err
	}
	write, err := sqliteConnector(o.Path, false)
	if err != nil {
		return nil, err
	}
	read, err := sqliteConnector(o.Path, true)
	if err != nil {
		return nil, err
	}
	d := sqliteDialect()
	writing := o.openDB(write)
	writer := newSession(writing, d)
	if err := migrate(ctx, writer, migrations()); err != nil {
		writer.close()
		return nil, errors.Join(err, writing.Close())
	}
	readers := runtime.GOMAXPROCS(0) // more of them only slow each other down
	return &sqliteEngine{writing, startWriter(writer), newPool(o.openDB(read), d, readers)}, nil
}

func (e *sqliteEngine) read(ctx context.Context, fn func(*session) error) error {
	return e.readers.lend(ctx, fn)
}

func (e *sqliteEngine) readStale(context.Context, func(context.Context, *session) error) bool {
	return false
}

func (e *sqliteEngine) close() error {
	e.stop()
	return errors.Join(e.readers.close(), e.writing.Close())
}

// sqliteDialect. IMMEDIATE takes the write lock at the start, so that an update never finds at its first write that
// what it read has changed.
func sqliteDialect() *dialect {
	return &dialect{
		words: strings.NewReplacer(
			"{{blob}}", "BLOB",
			"{{text}}", "TEXT",
			"{{never reused}}", "INTEGER PRIMARY KEY AUTOINCREMENT",
			"{{keyed}}", "WITHOUT ROWID",
			"{{row number}}", "INTEGER PRIMARY KEY",
			"{{digests}}", "SELECT unhex(value) FROM json_each($2)",
			"{{numbers}}", "SELECT value AS item FROM json_each($1)",
			"{{texts}}", "SELECT value AS item FROM json_each($2)",
			"{{search index}}", sqliteSearchIndex,
			"{{search id}}", "rowid",
			"{{document}}", "name, rest) VALUES ($1, $2, $3)",
			"{{found}}", "search MATCH $1",
		),
		digests:        jsonDigests,
		list:           jsonList,
		searchWords:    sqliteWords,
		searchMatch:    sqliteMatch,
		beginView:      []string{"BEGIN"},
		beginSnapshot:  []string{"BEGIN"}, // there is one writer, so updates are committed in the order in which they run
		beginUpdate:    []string{"BEGIN IMMEDIATE"},
		beginMigration: []string{"BEGIN IMMEDIATE"},
		holds:          func([]any) error { return nil },
		background:     func() (context.Context, context.CancelFunc) { return context.Background(), func() {} },
		findLayers:     findLayersQuery("hex(digest)", "group_concat"),
		lastID:         `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)`,
		gaveIDs: []string{
			`UPDATE sqlite_sequence SET seq = max(seq, $2) WHERE name = $1`,
			`INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)`,
		},
	}
}

// jsonDigests is a JSON array of digest keys in hexadecimal.
func jsonDigests(digests []ref.Digest) any {
	const keySize = 2*(1+32) + len(`"",`)
	b := make([]byte, 0, len("[]")+keySize*len(digests))
	b = append(b, '[')
	for i, d := range digests {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, d.Key())
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

// jsonList is the list as a JSON array.
func jsonList(list any) any {
	text, _ := json.Marshal(list) // numbers and strings always encode
	return string(text)
}

// createSQLite makes the file when it is not there, readable by its owner only: it holds sealed keys. SQLite gives the
// files beside it the same mode.
func createSQLite(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteConnector opens path with WAL and a flush at every commit. The cache is per connection, so it is small.
func sqliteConnector(path string, readOnly bool) (driver.Connector, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	options := url.Values{
		"_busy_timeout": {"10000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_pragma":       {"cache_size(-8192)"},
		"_dqs":          {"0"},
	}
	if readOnly {
		options.Set("_query_only", "1")
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options.Encode()}
	return sqlite.NewConnector(dsn.String())
}
