package sqlmeta

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) Account(id ref.AccountID) (registry.Account, error) {
	return one(t, "account "+string(id), func(r row, a *registry.Account) error {
		return r.Scan(&a.ID, timeColumn{&a.CreatedAt})
	}, `SELECT id, created_at FROM account WHERE id = $1`, id)
}

func (t *tx) InsertAccount(a registry.Account) error {
	return t.insert("account "+string(a.ID),
		`INSERT INTO account (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		a.ID, a.CreatedAt.UnixMilli())
}

const aliasColumns = `name, account_id, is_default, is_primary, created_at`

func scanAlias(r row, a *registry.Alias) error {
	return r.Scan(&a.Name, &a.Account, &a.Default, &a.Primary, timeColumn{&a.CreatedAt})
}

func (t *tx) Aliases(id ref.AccountID) ([]registry.Alias, error) {
	return all(t, scanAlias, `SELECT `+aliasColumns+` FROM alias WHERE account_id = $1 ORDER BY name`, id)
}

func (t *tx) Alias(name ref.Alias) (registry.Alias, error) {
	return one(t, "alias "+string(name), scanAlias, `SELECT `+aliasColumns+` FROM alias WHERE name = $1`, name)
}

func (t *tx) InsertAlias(a registry.Alias) error {
	return t.insert("alias "+string(a.Name),
		`INSERT INTO alias (`+aliasColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		a.Name, a.Account, a.Default, a.Primary, a.CreatedAt.UnixMilli())
}

const accessKeyColumns = `id, account_id, sealed_secret, disabled, created_at`

func (t *tx) AccessKey(id string) (registry.AccessKey, error) {
	return one(t, "access key "+id, func(r row, k *registry.AccessKey) error {
		return r.Scan(&k.ID, &k.Account, &k.SealedSecret, &k.Disabled, timeColumn{&k.CreatedAt})
	}, `SELECT `+accessKeyColumns+` FROM access_key WHERE id = $1`, id)
}

func (t *tx) InsertAccessKey(k registry.AccessKey) error {
	return t.insert("access key "+k.ID,
		`INSERT INTO access_key (`+accessKeyColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		k.ID, k.Account, k.SealedSecret, k.Disabled, k.CreatedAt.UnixMilli())
}

func (t *tx) Setting(name string) ([]byte, error) {
	return one(t, "setting "+name, func(r row, value *[]byte) error {
		return r.Scan(value)
	}, `SELECT value FROM setting WHERE name = $1`, name)
}

func (t *tx) InsertSetting(name string, value []byte) error {
	return t.insert("setting "+name,
		`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, value)
}
