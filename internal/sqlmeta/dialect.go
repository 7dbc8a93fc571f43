package sqlmeta

import (
	"context"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// dialect is everything in which the words of one database differ from those of another.
type dialect struct {
	// words stand in double braces in schema and queries:
	//
	//	{{blob}} {{text}}   column types; text compares by bytes, because lists are ordered and paged by it
	//	{{never reused}}    the column that numbers rows and never gives a number twice
	//	{{keyed}}           the table is stored in its primary key, where the database can
	//	{{row number}}      a number as primary key, given by another table, and the fastest way to a row
	//	{{digests}}         a subquery over the digests in $2, always $2
	//	{{numbers}} {{texts}} the same over the list of integers in $1 and that of strings in $2, see list
	//	{{search …}} {{document}} {{found}}  the full-text index, see search.go
	words *strings.Replacer

	// digests makes the argument that {{digests}} unpacks.
	digests func([]ref.Digest) any

	// list makes the argument that {{numbers}} or {{texts}} unpacks of an []int64 or []string.
	list func(any) any

	// searchWords writes words as the full-text index takes them, searchMatch a question to it.
	searchWords func(words []string, inName bool) any
	searchMatch func(terms []registry.Term, inName bool) string

	// beginView and beginUpdate begin what registry.Meta calls by these names; beginSnapshot a view as its Snapshot has it.
	beginView, beginUpdate, beginSnapshot []string

	// beginMigration begins the transaction that migrates, and waits until it is the only one.
	beginMigration []string

	// holds refuses arguments that no row can have and the database would not take.
	holds func(args []any) error

	// background is for statements that belong to no caller. Where the database is far away it ends some time.
	background func() (context.Context, context.CancelFunc)

	// findLayers takes an account id or alias, {{digests}} and a repository name. It answers no row when there is no
	// such repository; otherwise one, columnsWithoutCatalog and the layers that are there, packed as unpackLayers reads them.
	findLayers string

	// lastID answers the greatest number that a table with {{never reused}} has ever given, $1 is its name. gaveIDs make it
	// go on behind $2.
	lastID  string
	gaveIDs []string
}

// findLayersQuery aggregates the layers into one value: a row that crosses the driver costs more than the lookup that
// finds it. It is told how the database prints a digest key in hexadecimal and joins strings.
func findLayersQuery(hexDigest, join string) string {
	return `
	SELECT ` + columnsWithoutCatalog + `, coalesce((
		SELECT ` + join + `(concat_ws(' ', ` + hexDigest + `, size, coalesce(keep_until, 0), octet_length(media_type), media_type), '')
		FROM layer WHERE repository_id = r.id AND digest IN ({{digests}})
	), '')
	FROM repository AS r WHERE r.account_id = ` + accountOfRegistry + ` AND r.name = $3`
}
