package sqlmeta

import (
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) TakeJob(name, holder string, now, until time.Time) error {
	return t.change("job "+name, registry.ErrConflict,
		`INSERT INTO job_lease (name, holder, held_until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
		WHERE job_lease.holder = excluded.holder OR job_lease.held_until <= $4`,
		name, holder, until.UnixMilli(), now.UnixMilli())
}

func (t *tx) LeaveJob(name, holder string) error {
	_, err := t.exec(`DELETE FROM job_lease WHERE name = $1 AND holder = $2`, name, holder)
	return err
}
