package registry

import "iter"

// TransferTx moves metadata from one store to another row by row, as it lies there: for backups and for a move to other
// databases. Both stores have the same tables, because one program made them.
type TransferTx interface {
	// Tables are all that a copy consists of but the rows of Blob, which follow their bytes. Each comes after those it
	// refers to. Not among them: uploads, whose bytes stay behind; leases; and whatever is derived from other tables.
	Tables() ([]Table, error)
	// Rows of a table, in no order. Values are nil, int64, bool, string or []byte, in the order of the columns, and belong
	// to whoever gets them. It ends with the first error; until it ends, no other method may be called.
	Rows(t Table) iter.Seq2[[]any, error]
	// CountRows of a table.
	CountRows(t Table) (int64, error)
	// InsertRows into a table that has none with their keys.
	InsertRows(t Table, rows [][]any) error
	// GaveIDs has a table that numbers its rows go on behind t.LastID, so that no number is given twice.
	GaveIDs(t Table) error
	// EmptyTables removes all rows that Rows yields, and what is derived from them or refers to them.
	EmptyTables() error
}

// Table is how rows are laid out that travel as values.
type Table struct {
	Name    string
	Columns []string
	LastID  int64 // the greatest number that it ever gave to a row; 0 for a table that gives none
}
