package sqlmeta

import (
	"fmt"

	"github.com/openecr/openecr/internal/registry"
)

const uploadColumns = `id, repository_id, locator, byte_offset, algorithm, hash_state, last_part, parts, short_part, created_at, updated_at`

func (t *tx) Upload(id string) (registry.Upload, error) {
	return one(t, "upload "+id, func(r row, u *registry.Upload) error {
		return r.Scan(&u.ID, &u.Repository, &u.Locator, &u.Offset, &u.Algorithm, &u.HashState, &u.LastPart, &u.Parts, &u.ShortPart,
			timeColumn{&u.CreatedAt}, timeColumn{&u.UpdatedAt})
	}, `SELECT `+uploadColumns+` FROM upload WHERE id = $1`, id)
}

func (t *tx) InsertUpload(u registry.Upload) error {
	return t.insert("upload "+u.ID,
		`INSERT INTO upload (`+uploadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		u.ID, u.Repository, u.Locator, u.Offset, u.Algorithm, u.HashState, u.LastPart, u.Parts, u.ShortPart,
		u.CreatedAt.UnixMilli(), u.UpdatedAt.UnixMilli())
}

func (t *tx) AdvanceUpload(u registry.Upload, from int64) error {
	n, err := t.exec(
		`UPDATE upload SET byte_offset = $3, hash_state = $4, last_part = $5, parts = $6, short_part = $7, updated_at = $8
		WHERE id = $1 AND byte_offset = $2`,
		u.ID, from, u.Offset, u.HashState, u.LastPart, u.Parts, u.ShortPart, u.UpdatedAt.UnixMilli())
	if err != nil || n == 1 {
		return err
	}
	stored, err := t.Upload(u.ID)
	if err != nil {
		return err
	}
	return fmt.Errorf("upload %s is at offset %d, not %d: %w", u.ID, stored.Offset, from, registry.ErrConflict)
}

func (t *tx) DeleteUpload(id string) error {
	return t.change("upload "+id, registry.ErrAbsent, `DELETE FROM upload WHERE id = $1`, id)
}
