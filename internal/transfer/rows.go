package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/openecr/openecr/internal/registry"
)

// commit makes the target the registry that one snapshot of the source is. The bytes that the snapshot names and that no
// pass has seen are copied while it is open, so there is no race with pushes to win. Then the rows follow in one
// transaction: before it the target is marked as half a registry, after it it is whole.
func (c *copier) commit(ctx context.Context) error {
	return c.from.Meta.Snapshot(ctx, func(source registry.Tx) error {
		if err := c.copyMissing(ctx, func() iter.Seq2[registry.Blob, error] { return blobsIn(ctx, source) }); err != nil {
			return err
		}
		c.Progress.Stage("copying metadata")
		var rows map[string]int64
		var blobs registry.Tally
		err := c.to.Meta.Update(ctx, func(target registry.Tx) (err error) {
			rows, blobs, err = replace(ctx, source, target)
			return err
		})
		if err != nil {
			return fmt.Errorf("copy the metadata: %w", err)
		}
		c.report.Rows, c.report.Blobs = rows, blobs
		return nil
	})
}

// replace makes all rows of the target those of the source. What differs is where bytes lie, which blob rows say.
func replace(ctx context.Context, source, target registry.Tx) (rows map[string]int64, blobs registry.Tally, err error) {
	tables, err := commonTables(source, target)
	if err != nil {
		return nil, blobs, err
	}
	if err := target.EmptyTables(); err != nil {
		return nil, blobs, err
	}
	if blobs, err = alignBlobs(ctx, source, target); err != nil {
		return nil, blobs, err
	}
	rows = make(map[string]int64, len(tables))
	for _, table := range tables {
		if rows[table.Name], err = copyTable(ctx, source, target, table); err != nil {
			return nil, blobs, fmt.Errorf("table %s: %w", table.Name, err)
		}
	}
	return rows, blobs, nil
}

// commonTables fails unless both stores have the same.
func commonTables(source, target registry.Tx) ([]registry.Table, error) {
	tables, err := source.Tables()
	if err != nil {
		return nil, err
	}
	theirs, err := target.Tables()
	if err != nil {
		return nil, err
	}
	same := slices.EqualFunc(tables, theirs, func(a, b registry.Table) bool {
		return a.Name == b.Name && slices.Equal(a.Columns, b.Columns)
	})
	if !same {
		return nil, errors.New("source and target have different tables: they were made by different versions of openecr, so let this one serve the source first")
	}
	return tables, nil
}

// alignBlobs takes away the rows of blobs that the source has no more, whose bytes are left to collection, and counts the
// others.
func alignBlobs(ctx context.Context, source, target registry.Tx) (registry.Tally, error) {
	for blob, err := range missing(blobsIn(ctx, target), blobsIn(ctx, source)) {
		if err == nil {
			err = target.DeleteBlob(blob.Digest)
		}
		if err != nil {
			return registry.Tally{}, err
		}
	}
	for blob, err := range missing(blobsIn(ctx, source), blobsIn(ctx, target)) {
		if err == nil {
			err = fmt.Errorf("the bytes of %s were copied, and their row is gone: does another openecr write to the target?", blob.Digest)
		}
		return registry.Tally{}, err
	}
	return target.CountBlobs()
}

// How much of a table is in memory at once.
const (
	maxBatchRows  = 500
	maxBatchBytes = 4 << 20
)

// copyTable copies a table that is empty at the target, and returns how many rows it has there: as many as at the source.
func copyTable(ctx context.Context, source, target registry.Tx, table registry.Table) (int64, error) {
	var batch [][]any
	size, copied := 0, int64(0)
	insert := func() error {
		err := errors.Join(ctx.Err(), target.InsertRows(table, batch))
		copied += int64(len(batch))
		batch, size = batch[:0], 0
		return err
	}
	for row, err := range source.Rows(table) {
		if err != nil {
			return 0, err
		}
		batch, size = append(batch, row), size+sizeOf(row)
		if len(batch) < maxBatchRows && size < maxBatchBytes {
			continue
		}
		if err := insert(); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(insert(), target.GaveIDs(table)); err != nil {
		return 0, err
	}
	n, err := target.CountRows(table)
	if err == nil && n != copied {
		err = fmt.Errorf("%d rows were written and %d are there", copied, n)
	}
	return n, err
}

func sizeOf(row []any) int {
	n := 0
	for _, value := range row {
		switch v := value.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}
