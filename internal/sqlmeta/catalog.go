package sqlmeta

import (
	"encoding/json"
	"errors"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) Profile(id ref.AccountID) (registry.Profile, error) {
	d, err := one(t, "data of registry "+string(id), func(r row, d *registry.Profile) error {
		return r.Scan(&d.DisplayName, jsonColumn{&d.Tags})
	}, `SELECT display_name, tags FROM registry_profile WHERE account_id = $1`, id)
	if errors.Is(err, registry.ErrAbsent) {
		err = nil // nothing was said yet
	}
	return d, err
}

func (t *tx) PutProfile(id ref.AccountID, d registry.Profile) error {
	tags, err := json.Marshal(d.Tags)
	if err != nil {
		return t.fail(err)
	}
	_, err = t.exec(
		`INSERT INTO registry_profile (account_id, display_name, tags) VALUES ($1, $2, $3)
		ON CONFLICT (account_id) DO UPDATE SET display_name = excluded.display_name, tags = excluded.tags`,
		id, d.DisplayName, string(tags))
	return err
}

func (t *tx) Logo(id string) ([]byte, error) {
	return one(t, "logo "+id, func(r row, image *[]byte) error {
		return r.Scan(image)
	}, `SELECT image FROM logo WHERE id = $1`, id)
}

func (t *tx) InsertLogo(id string, repository int64, image []byte) error {
	return t.insert("logo "+id,
		`INSERT INTO logo (id, repository_id, image) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, repository, image)
}

func (t *tx) DeleteLogo(id string) error {
	return t.change("logo "+id, registry.ErrAbsent, `DELETE FROM logo WHERE id = $1`, id)
}
