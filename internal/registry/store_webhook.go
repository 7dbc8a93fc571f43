package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// WebhookTx is who hears of events, and the events that are on their way to them.
type WebhookTx interface {
	// Webhooks are all of them, by id: operators make them by hand, so there are few.
	Webhooks() ([]Webhook, error)
	// DueWebhooks are those to which something is to be sent at the time now, by id.
	DueWebhooks(now time.Time) ([]Webhook, error)
	InsertWebhook(Webhook) error // ErrConflict
	// DeleteWebhook with its deliveries. ErrAbsent.
	DeleteWebhook(id string) error

	// InsertDelivery ignores ID. The webhook must be there.
	InsertDelivery(Delivery) error
	// ClaimDeliveries takes the first deliveries of a webhook that are due at the time now, at most limit, and makes them
	// due again at until: by then whoever took them has sent them, or is gone. They come as they are from then on.
	ClaimDeliveries(webhook string, now, until time.Time, limit int) ([]Delivery, error)
	// PostponeDelivery replaces Attempts and DueAt. It does nothing when the delivery is not due at held any more: then
	// somebody else has it.
	PostponeDelivery(d Delivery, held time.Time) error
	// DeleteDelivery is nil when it is gone already.
	DeleteDelivery(id int64) error
	// CountDeliveries that wait, and since when the oldest does; zero when none does.
	CountDeliveries() (n int, oldest time.Time, err error)
}

// Webhook is an address that hears of events. The secret is sealed; package auth opens it.
type Webhook struct {
	ID           string
	URL          string
	Account      ref.AccountID // whose events it hears of; empty for all
	Events       []EventType   // empty for all
	SealedSecret []byte
	CreatedAt    time.Time
}

// Delivery is an event on its way to a webhook.
type Delivery struct {
	ID        int64
	Webhook   string
	EventID   string
	Body      []byte // a CloudEvent as JSON
	Attempts  int    // that failed
	DueAt     time.Time
	CreatedAt time.Time
}
