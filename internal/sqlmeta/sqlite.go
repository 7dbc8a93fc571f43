package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"

	"github.com/openecr/openecr/internal/durable"
	"github.com/openecr/openecr/internal/ref"
)

// sqliteEngine has one connection that writes and as many as there are CPUs that read.
type sqliteEngine struct {
	writing *sql.DB
	*writer
	readers *pool
}

func (o Options) openSQLite(ctx context.Context) (engine, error) {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		if err := o.createSQLite(ctx); err != nil {
			return nil, fmt.Errorf("create: %w", err)
		}
	}
	_, err := os.Stat(o.Path + "-wal")
	hasLog := err == nil
	write, err := o.sqliteConnector(nil)
	if err != nil {
		return nil, err
	}
	read, err := o.sqliteConnector(queryOnly)
	if err != nil {
		return nil, err
	}
	d := sqliteDialect()
	writing := o.openDB(write)
	writer := newSession(writing, d)
	err = migrate(ctx, writer, migrations())
	if err == nil && hasLog {
		err = writer.checkpoint(ctx)
	}
	if err != nil {
		writer.close()
		return nil, errors.Join(err, writing.Close())
	}
	return &sqliteEngine{writing, startWriter(writer), newPool(o.openDB(read), d, readers())}, nil
}

// checkpoint syncs the log that a killed process has left and moves it into the database. Its last rows may be in the
// kernel only, and their commits unanswered: a power cut would take them back after this process has told of them.
func (s *session) checkpoint(ctx context.Context) error {
	_, err := s.exec(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	return err
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

// createSQLite makes the file with its schema, readable by its owner only: it holds sealed keys. SQLite gives the files
// beside it the same mode. It is made under another name and without a flush at every step, and gets its own once it is
// whole and synced, so a crash leaves no half of a store. Of two that do this at once, the file of one stays.
func (o Options) createSQLite(ctx context.Context) error {
	f, err := os.CreateTemp(filepath.Dir(o.Path), durable.Unfinished(filepath.Base(o.Path))) // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(f.Name() + suffix) // a file that stays is no harm
		}
	}()
	err = o.fillSQLite(ctx, f.Name())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), o.Path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(filepath.Dir(o.Path))
}

// fillSQLite leaves the schema in the file, of which nothing is synced.
func (o Options) fillSQLite(ctx context.Context, path string) error {
	// Twice, because WAL is turned on between the two, and that alone would take four flushes.
	c, err := Options{Path: path}.sqliteConnector(map[string]string{"_pragma": "synchronous(OFF)", "_synchronous": "OFF"})
	if err != nil {
		return err
	}
	db := o.openDB(c)
	s := newSession(db, sqliteDialect())
	err = migrate(ctx, s, migrations())
	s.close()
	return errors.Join(err, db.Close()) // the last connection moves everything from the WAL to the file
}

var queryOnly = map[string]string{"_query_only": "1"}

// readers is how many connections read: more of them only slow each other down.
func readers() int { return runtime.GOMAXPROCS(0) }

// sqliteConnector opens the file with WAL and a flush at every commit, and with further options. The page cache is per
// connection, so it is small. The log grows to 16 MiB before a commit has to move it into the file, which takes two more
// flushes; a start after a crash reads that much in milliseconds.
func (o Options) sqliteConnector(further map[string]string) (driver.Connector, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	cache := 8 << 20
	if o.CacheBytes > 0 {
		cache = max(o.CacheBytes/(readers()+1), 256<<10)
	}
	options := url.Values{
		"_busy_timeout": {"10000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_pragma":       {fmt.Sprintf("cache_size(-%d)", cache>>10), "wal_autocheckpoint(4096)"}, // in KiB, and in pages of 4 KiB
		"_dqs":          {"0"},
	}
	for name, value := range further {
		options.Set(name, value)
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options.Encode()}
	return sqlite.NewConnector(dsn.String())
}
