package sqlmeta

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var _ registry.EventTx = (*tx)(nil)

func (t *tx) InsertEvent(id ref.AccountID, e registry.Event) error {
	_, err := t.exec(
		`INSERT INTO event (account_id, action, repository, subject, caller, reason, at, times) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, e.Action, e.Repository, e.Subject, e.Caller, e.Reason, e.At.UnixMilli(), e.Times)
	return err
}

func (t *tx) Events(id ref.AccountID, limit int) ([]registry.Event, error) {
	return all(t, func(r row, e *registry.Event) error {
		return r.Scan(&e.Action, &e.Repository, &e.Subject, &e.Caller, &e.Reason, timeColumn{&e.At}, &e.Times)
	}, `SELECT action, repository, subject, caller, reason, at, times FROM event WHERE account_id = $1 ORDER BY id DESC LIMIT $2`, id, limit)
}

func (t *tx) TrimEvents(id ref.AccountID, keep int) error {
	for _, sort := range []string{`reason <> ''`, `reason = ''`} {
		_, err := t.exec(
			`DELETE FROM event WHERE account_id = $1 AND `+sort+` AND id <= (
				SELECT id FROM event WHERE account_id = $1 AND `+sort+` ORDER BY id DESC LIMIT 1 OFFSET $2)`, id, keep)
		if err != nil {
			return err
		}
	}
	return nil
}
