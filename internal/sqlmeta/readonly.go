package sqlmeta

import (
	"time"
)

func (t *tx) ReadOnlySince() (time.Time, error) {
	since, err := all(t, func(r row, at *time.Time) error { return r.Scan(timeColumn{at}) }, `SELECT since FROM read_only`)
	if err != nil || len(since) == 0 {
		return time.Time{}, err
	}
	return since[0], nil
}

func (t *tx) SetReadOnly(since time.Time) error {
	_, err := t.exec(`DELETE FROM read_only`)
	if err == nil && !since.IsZero() {
		_, err = t.exec(`INSERT INTO read_only (since) VALUES ($1)`, since.UnixMilli())
	}
	return err
}
