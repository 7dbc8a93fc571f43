package sqlmeta

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const accessKeyColumns = `id, account_id, user_name, policy, sealed_secret, disabled, created_at`

func scanAccessKey(r row, k *registry.AccessKey) error {
	return r.Scan(&k.ID, &k.Account, &k.User, &k.Policy, &k.SealedSecret, &k.Disabled, timeColumn{&k.CreatedAt})
}

func (t *tx) AccessKey(id string) (registry.AccessKey, error) {
	return one(t, "access key "+id, scanAccessKey, `SELECT `+accessKeyColumns+` FROM access_key WHERE id = $1`, id)
}

func (t *tx) AccessKeys(id ref.AccountID) ([]registry.AccessKey, error) {
	return all(t, scanAccessKey, `SELECT `+accessKeyColumns+` FROM access_key WHERE account_id = $1 ORDER BY id`, id)
}

func (t *tx) InsertAccessKey(k registry.AccessKey) error {
	return t.insert("access key "+k.ID,
		`INSERT INTO access_key (`+accessKeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		k.ID, k.Account, k.User, k.Policy, k.SealedSecret, k.Disabled, k.CreatedAt.UnixMilli())
}

func (t *tx) UpdateAccessKey(k registry.AccessKey) error {
	return t.change("access key "+k.ID, registry.ErrAbsent,
		`UPDATE access_key SET policy = $2, disabled = $3 WHERE id = $1`, k.ID, k.Policy, k.Disabled)
}

func (t *tx) DeleteAccessKey(id string) error {
	return t.change("access key "+id, registry.ErrAbsent, `DELETE FROM access_key WHERE id = $1`, id)
}
