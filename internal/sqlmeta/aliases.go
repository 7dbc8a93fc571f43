package sqlmeta

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

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

// SetPrimaryAlias takes the mark away before it gives it: a unique index allows one at any instant.
func (t *tx) SetPrimaryAlias(name ref.Alias) error {
	_, err := t.exec(
		`UPDATE alias SET is_primary = FALSE WHERE is_primary AND account_id = (SELECT account_id FROM alias WHERE name = $1)`, name)
	if err != nil {
		return err
	}
	return t.change("alias "+string(name), registry.ErrAbsent, `UPDATE alias SET is_primary = TRUE WHERE name = $1`, name)
}

func (t *tx) DeleteAlias(name ref.Alias) error {
	return t.change("alias "+string(name), registry.ErrAbsent, `DELETE FROM alias WHERE name = $1`, name)
}
