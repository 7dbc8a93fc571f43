package sqlmeta

import (
	"database/sql/driver"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/openecr/openecr/internal/ref"
)

// dialect is everything in which one database differs from another.
type dialect struct {
	// words stand in double braces in schema and queries:
	//
	//	{{blob}} {{text}}   column types; text compares by bytes, because lists are ordered and paged by it
	//	{{never reused}}    the column that numbers rows and never gives a number twice
	//	{{keyed}}           the table is stored in its primary key, where the database can
	//	{{digests}}         a subquery over the digests in $2, always $2
	words *strings.Replacer

	// digests makes the argument that {{digests}} unpacks.
	digests func([]ref.Digest) any

	beginView, beginUpdate string

	// findLayers takes an account id or alias, {{digests}} and a repository name. It answers no row when there is no
	// such repository; otherwise one, repositoryColumns and the layers that are there, packed as unpackLayers reads them.
	findLayers string
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
			"{{digests}}", "SELECT unhex(value) FROM json_each($2)",
		),
		digests:     jsonDigests,
		beginView:   "BEGIN",
		beginUpdate: "BEGIN IMMEDIATE",
		findLayers:  sqliteFindLayers,
	}
}

// sqliteFindLayers aggregates the layers into one value: a row that crosses the driver costs more than the lookup that
// finds it.
const sqliteFindLayers = `
	SELECT ` + repositoryColumns + `, coalesce((
		SELECT group_concat(concat_ws(' ', hex(digest), size, coalesce(keep_until, 0), octet_length(media_type), media_type), '')
		FROM layer WHERE repository_id = r.id AND digest IN ({{digests}})
	), '')
	FROM repository AS r WHERE r.account_id = ` + accountOfRegistry + ` AND r.name = $3`

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
