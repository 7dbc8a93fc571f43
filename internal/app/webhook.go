package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/telemetry"
	"github.com/openecr/openecr/internal/webhook"
)

// WebhookInfo is a webhook as commands show it.
type WebhookInfo struct {
	ID        string    `json:"webhookId"`
	URL       string    `json:"url"`
	Secret    string    `json:"secret,omitempty"` // only in the answer of the command that made it
	Account   string    `json:"accountId,omitempty"`
	Events    []string  `json:"events,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

func (w WebhookInfo) withoutSecret() any {
	w.Secret = ""
	return w
}

func webhookInfo(h registry.Webhook) WebhookInfo {
	info := WebhookInfo{ID: h.ID, URL: h.URL, Account: string(h.Account), CreatedAt: h.CreatedAt}
	for _, t := range h.Events {
		info.Events = append(info.Events, string(t))
	}
	return info
}

// AddWebhook makes a webhook and the secret that its events are signed with.
type AddWebhook struct {
	URL     string   `arg:"" json:"url" help:"Where events are sent: http:// or https://. Redirects are not followed."`
	Account string   `json:"account" help:"Only what happens in the registry of this account; in all of them when left out." placeholder:"ID"`
	Events  []string `name:"event" json:"events" help:"Only events of this type: image.pushed, image.deleted, tag.deleted, repository.created or repository.deleted; may be given several times. All of them when left out." placeholder:"TYPE"`
}

func (c AddWebhook) run(ctx context.Context, a *administration) (WebhookInfo, error) {
	if err := webhook.CheckURL(c.URL); err != nil {
		return WebhookInfo{}, err
	}
	secret, text := webhook.NewSecret()
	h := registry.Webhook{ID: "wh" + auth.NewAlias(), URL: c.URL}
	if c.Account != "" {
		id, err := ref.ParseAccountID(c.Account)
		if err != nil {
			return WebhookInfo{}, err
		}
		h.Account = id
	}
	for _, t := range c.Events {
		h.Events = append(h.Events, registry.EventType(t))
	}
	h.SealedSecret = a.sealer.Seal(secret, webhookContext(h.ID))
	made, err := a.registry.CreateWebhook(ctx, h)
	info := webhookInfo(made)
	info.Secret = text
	return info, err
}

// webhookContext binds a sealed secret to its webhook.
func webhookContext(id string) []byte { return []byte("webhook " + id) }

// ListWebhooks shows all webhooks without their secrets.
type ListWebhooks struct{}

func (ListWebhooks) readsOnly() bool { return true }

func (ListWebhooks) run(ctx context.Context, a *administration) ([]WebhookInfo, error) {
	hooks, err := a.registry.Webhooks(ctx)
	list := make([]WebhookInfo, len(hooks))
	for i, h := range hooks {
		list[i] = webhookInfo(h)
	}
	return list, err
}

// RemoveWebhook removes a webhook with the events that are on their way to it.
type RemoveWebhook struct {
	ID string `arg:"" json:"id" name:"webhook-id" help:"See openecr webhook list."`
}

func (c RemoveWebhook) run(ctx context.Context, a *administration) (Nothing, error) {
	return Nothing{}, a.registry.DeleteWebhook(ctx, c.ID)
}

// TestWebhook sends an event at once.
type TestWebhook struct {
	ID string `arg:"" json:"id" name:"webhook-id" help:"See openecr webhook list."`
}

// WebhookTested is the event that has arrived.
type WebhookTested struct {
	EventID string `json:"eventId"`
}

func (TestWebhook) readsOnly() bool { return true }

func (c TestWebhook) run(ctx context.Context, a *administration) (WebhookTested, error) {
	h, err := a.registry.Webhook(ctx, c.ID)
	if err != nil {
		return WebhookTested{}, err
	}
	secret, err := openWebhook(a.sealer)(h)
	if err != nil {
		return WebhookTested{}, err
	}
	d, err := a.registry.TestDelivery(h)
	if err != nil {
		return WebhookTested{}, err
	}
	if err := webhook.Try(ctx, h, secret, d); err != nil {
		return WebhookTested{}, fmt.Errorf("the event did not arrive at %s: %w", h.URL, err)
	}
	return WebhookTested{d.EventID}, nil
}

func openWebhook(sealer *auth.Sealer) func(registry.Webhook) ([]byte, error) {
	return func(h registry.Webhook) ([]byte, error) { return sealer.Open(h.SealedSecret, webhookContext(h.ID)) }
}

// newWebhookWorker sends what happens in the registry.
func newWebhookWorker(reg *registry.Registry, sealer *auth.Sealer, observer *telemetry.Observer, log *slog.Logger) *webhook.Worker {
	observer.WatchWebhooks(reg.WaitingDeliveries)
	return webhook.New(webhook.Options{
		Registry: reg,
		Open:     openWebhook(sealer),
		Observe: func(h registry.Webhook, d registry.Delivery, err error, gaveUp bool) {
			observer.WebhookDelivery(err == nil, gaveUp)
			if err == nil {
				return
			}
			message := "an event was not delivered, and is sent again later"
			if gaveUp {
				message = "an event was not delivered for days, and is given up"
			}
			log.Warn(message, "webhook", h.ID, "event", d.EventID, "attempts", d.Attempts+1, "error", err.Error())
		},
		Trouble: func(err error) { log.Warn("events cannot be delivered now", "error", err.Error()) },
	})
}
