package sqlmeta

import (
	"database/sql"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var _ registry.WebhookTx = (*tx)(nil)

const webhookColumns = `id, url, account_id, events, sealed_secret, created_at`

func scanWebhook(r row, h *registry.Webhook) error {
	var account sql.NullString
	var events string
	err := r.Scan(&h.ID, &h.URL, &account, &events, &h.SealedSecret, timeColumn{&h.CreatedAt})
	h.Account = ref.AccountID(account.String)
	for _, t := range strings.Fields(events) {
		h.Events = append(h.Events, registry.EventType(t))
	}
	return err
}

func (t *tx) Webhooks() ([]registry.Webhook, error) {
	return all(t, scanWebhook, `SELECT `+webhookColumns+` FROM webhook ORDER BY id`)
}

func (t *tx) DueWebhooks(now time.Time) ([]registry.Webhook, error) {
	return all(t, scanWebhook,
		`SELECT `+webhookColumns+` FROM webhook AS w
		WHERE EXISTS (SELECT 1 FROM webhook_delivery WHERE webhook_id = w.id AND due_at <= $1) ORDER BY id`, now.UnixMilli())
}

func (t *tx) InsertWebhook(h registry.Webhook) error {
	events := make([]string, len(h.Events))
	for i, e := range h.Events {
		events[i] = string(e)
	}
	return t.insert("webhook "+h.ID,
		`INSERT INTO webhook (`+webhookColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		h.ID, h.URL, sql.NullString{String: string(h.Account), Valid: h.Account != ""}, strings.Join(events, " "), h.SealedSecret, h.CreatedAt.UnixMilli())
}

func (t *tx) DeleteWebhook(id string) error {
	if _, err := t.exec(`DELETE FROM webhook_delivery WHERE webhook_id = $1`, id); err != nil {
		return err
	}
	return t.change("webhook "+id, registry.ErrAbsent, `DELETE FROM webhook WHERE id = $1`, id)
}

func (t *tx) InsertDelivery(d registry.Delivery) error {
	_, err := t.exec(
		`INSERT INTO webhook_delivery (webhook_id, event_id, body, attempts, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.Webhook, d.EventID, d.Body, d.Attempts, d.DueAt.UnixMilli(), d.CreatedAt.UnixMilli())
	return err
}

func (t *tx) ClaimDeliveries(webhook string, now, until time.Time, limit int) ([]registry.Delivery, error) {
	claimed, err := all(t, func(r row, d *registry.Delivery) error {
		return r.Scan(&d.ID, &d.Webhook, &d.EventID, &d.Body, &d.Attempts, timeColumn{&d.DueAt}, timeColumn{&d.CreatedAt})
	}, `SELECT id, webhook_id, event_id, body, attempts, due_at, created_at FROM webhook_delivery
		WHERE webhook_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3`, webhook, now.UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	for i := range claimed {
		claimed[i].DueAt = until
		if _, err := t.exec(`UPDATE webhook_delivery SET due_at = $2 WHERE id = $1`, claimed[i].ID, until.UnixMilli()); err != nil {
			return nil, err
		}
	}
	return claimed, nil
}

func (t *tx) PostponeDelivery(d registry.Delivery, held time.Time) error {
	_, err := t.exec(`UPDATE webhook_delivery SET attempts = $2, due_at = $3 WHERE id = $1 AND due_at = $4`,
		d.ID, d.Attempts, d.DueAt.UnixMilli(), held.UnixMilli())
	return err
}

func (t *tx) DeleteDelivery(id int64) error {
	_, err := t.exec(`DELETE FROM webhook_delivery WHERE id = $1`, id)
	return err
}

func (t *tx) CountDeliveries() (n int, oldest time.Time, err error) {
	if n, err = t.count(`SELECT count(*) FROM webhook_delivery`); err != nil || n == 0 {
		return n, oldest, err
	}
	oldest, err = one(t, "the oldest delivery", func(r row, at *time.Time) error {
		return r.Scan(timeColumn{at})
	}, `SELECT created_at FROM webhook_delivery ORDER BY created_at LIMIT 1`)
	return n, oldest, err
}
