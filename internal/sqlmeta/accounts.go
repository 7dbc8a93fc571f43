package sqlmeta

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const accountColumns = `id, disabled, verified, created_at`

func scanAccount(r row, a *registry.Account) error {
	return r.Scan(&a.ID, &a.Disabled, &a.Verified, timeColumn{&a.CreatedAt})
}

func (t *tx) Account(id ref.AccountID) (registry.Account, error) {
	return one(t, "account "+string(id), scanAccount, `SELECT `+accountColumns+` FROM account WHERE id = $1`, id)
}

func (t *tx) Accounts() ([]registry.Account, error) {
	return all(t, scanAccount, `SELECT `+accountColumns+` FROM account ORDER BY id`)
}

func (t *tx) InsertAccount(a registry.Account) error {
	return t.insert("account "+string(a.ID),
		`INSERT INTO account (`+accountColumns+`) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		a.ID, a.Disabled, a.Verified, a.CreatedAt.UnixMilli())
}

func (t *tx) UpdateAccount(a registry.Account) error {
	return t.change("account "+string(a.ID), registry.ErrAbsent,
		`UPDATE account SET disabled = $2, verified = $3 WHERE id = $1`, a.ID, a.Disabled, a.Verified)
}

func (t *tx) DeleteAccount(id ref.AccountID) error {
	for _, contents := range []string{
		`DELETE FROM access_key WHERE account_id = $1`,
		`DELETE FROM alias WHERE account_id = $1`,
		`DELETE FROM registry_profile WHERE account_id = $1`,
		`DELETE FROM event WHERE account_id = $1`,
		`DELETE FROM webhook_delivery WHERE webhook_id IN (SELECT id FROM webhook WHERE account_id = $1)`,
		`DELETE FROM webhook WHERE account_id = $1`,
	} {
		if _, err := t.exec(contents, id); err != nil {
			return err
		}
	}
	return t.change("account "+string(id), registry.ErrAbsent, `DELETE FROM account WHERE id = $1`, id)
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

func (t *tx) PutSetting(name string, value []byte) error {
	_, err := t.exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
