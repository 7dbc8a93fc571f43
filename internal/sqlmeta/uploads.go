package sqlmeta

import (
	"fmt"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const uploadColumns = `id, repository_id, locator, byte_offset, blob_state, allotted, algorithm, hash_state, last_part, last_state,
	parts, short_part, created_at, updated_at`

func scanUpload(r row, u *registry.Upload) error {
	return r.Scan(&u.ID, &u.Repository, &u.Locator, &u.Offset, &u.BlobState, &u.Allotted, &u.Algorithm, &u.HashState, &u.LastPart, &u.LastState,
		&u.Parts, &u.ShortPart, timeColumn{&u.CreatedAt}, timeColumn{&u.UpdatedAt})
}

func (t *tx) Upload(id string) (registry.Upload, error) {
	return one(t, "upload "+id, scanUpload, `SELECT `+uploadColumns+` FROM upload WHERE id = $1`, id)
}

func (t *tx) InsertUpload(u registry.Upload) error {
	return t.insert("upload "+u.ID,
		`INSERT INTO upload (`+uploadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
		u.ID, u.Repository, u.Locator, u.Offset, u.BlobState, u.Allotted, u.Algorithm, u.HashState, u.LastPart, u.LastState,
		u.Parts, u.ShortPart, u.CreatedAt.UnixMilli(), u.UpdatedAt.UnixMilli())
}

func (t *tx) AdvanceUpload(u registry.Upload, from int64) error {
	n, err := t.exec(
		`UPDATE upload SET byte_offset = $3, blob_state = $4, hash_state = $5, last_part = $6, last_state = $7, parts = $8, short_part = $9,
			updated_at = $10
		WHERE id = $1 AND byte_offset = $2`,
		u.ID, from, u.Offset, u.BlobState, u.HashState, u.LastPart, u.LastState, u.Parts, u.ShortPart, u.UpdatedAt.UnixMilli())
	if err != nil || n == 1 {
		return err
	}
	stored, err := t.Upload(u.ID)
	if err != nil {
		return err
	}
	return fmt.Errorf("upload %s is at offset %d, not %d: %w", u.ID, stored.Offset, from, registry.ErrConflict)
}

func (t *tx) AllotPart(id string, at time.Time) (int, error) {
	return one(t, "upload "+id, func(r row, n *int) error { return r.Scan(n) },
		`UPDATE upload SET allotted = allotted + 1, updated_at = $2 WHERE id = $1 RETURNING allotted`, id, at.UnixMilli())
}

func (t *tx) DeleteUpload(id string) error {
	return t.change("upload "+id, registry.ErrAbsent, `DELETE FROM upload WHERE id = $1`, id)
}
