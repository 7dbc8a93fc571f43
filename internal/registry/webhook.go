package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// EventType is what webhooks may hear of. With EventTypePrefix in front it is the type of a CloudEvent.
type EventType string

// The types of events.
const (
	EventImagePushed       EventType = "image.pushed" // or tags were set on one
	EventImageDeleted      EventType = "image.deleted"
	EventTagDeleted        EventType = "tag.deleted" // and its image stays
	EventRepositoryCreated EventType = "repository.created"
	EventRepositoryDeleted EventType = "repository.deleted" // with all that was in it
	EventTest              EventType = "webhook.test"       // sent by hand only
)

// EventTypes are those that happen by themselves.
func EventTypes() []EventType {
	return []EventType{EventImagePushed, EventImageDeleted, EventTagDeleted, EventRepositoryCreated, EventRepositoryDeleted}
}

// EventTypePrefix makes types of events unique in the world (CloudEvents 1.0, "type").
const EventTypePrefix = "com.github.openecr."

// cloudEvent is an event in the structured form of CloudEvents 1.0, JSON format.
type cloudEvent struct {
	SpecVersion     string     `json:"specversion"`
	ID              string     `json:"id"`
	Source          string     `json:"source"` // the registry
	Type            string     `json:"type"`
	Subject         string     `json:"subject,omitempty"` // the repository
	Time            time.Time  `json:"time"`
	DataContentType string     `json:"datacontenttype"`
	Data            *eventData `json:"data"`
}

// eventData is what happened, in the words of the API.
type eventData struct {
	RegistryID     string   `json:"registryId,omitempty"`
	RepositoryName string   `json:"repositoryName,omitempty"`
	RepositoryURI  string   `json:"repositoryUri,omitempty"`
	ImageDigest    string   `json:"imageDigest,omitempty"`
	ImageTags      []string `json:"imageTags,omitempty"` // that were set, or deleted
	MediaType      string   `json:"imageManifestMediaType,omitempty"`
	ArtifactType   string   `json:"artifactType,omitempty"`
	Actor          string   `json:"actor,omitempty"` // the ARN of who did it
}

// announce puts an event on its way to all that hear of it, in the transaction that makes it happen: it is sent if that is
// committed, and otherwise nobody hears of it. Without webhooks it costs one lookup.
func (r *Registry) announce(tx Tx, c Caller, t EventType, repo Repository, d eventData) error {
	hooks, err := tx.Webhooks()
	if err != nil {
		return err
	}
	hooks = slices.DeleteFunc(hooks, func(h Webhook) bool { return !h.hears(t, repo.Account) })
	if len(hooks) == 0 {
		return nil
	}
	d.RegistryID, d.RepositoryName, d.RepositoryURI, d.Actor = string(repo.Account), string(repo.Name), r.URI(repo), c.ARN
	id, body, err := r.newEvent(t, string(repo.Alias)+"/"+string(repo.Name), d)
	if err != nil {
		return err
	}
	now := r.now()
	for _, h := range hooks {
		if err := tx.InsertDelivery(Delivery{Webhook: h.ID, EventID: id, Body: body, DueAt: now, CreatedAt: now}); err != nil {
			return err
		}
	}
	return nil
}

func (h Webhook) hears(t EventType, account ref.AccountID) bool {
	return (h.Account == "" || h.Account == account) && (len(h.Events) == 0 || slices.Contains(h.Events, t))
}

func (r *Registry) newEvent(t EventType, subject string, d eventData) (id string, body []byte, err error) {
	id = newUUID()
	body, err = json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: id, Source: r.url, Type: EventTypePrefix + string(t), Subject: subject, Time: r.now(),
		DataContentType: "application/json", Data: &d,
	})
	return id, body, err
}

func pushedEvent(i Image, tags []ref.Tag) eventData {
	return eventData{ImageDigest: i.Digest.String(), ImageTags: tagNames(tags), MediaType: i.MediaType, ArtifactType: i.ArtifactType}
}

func deletedEvent(image ref.Digest, tags []ref.Tag) eventData {
	return eventData{ImageDigest: image.String(), ImageTags: tagNames(tags)}
}

func tagNames(tags []ref.Tag) []string {
	names := make([]string, len(tags))
	for i, tag := range tags {
		names[i] = string(tag)
	}
	return names
}

// TestDelivery is an event that says only that a webhook works. It is not kept.
func (r *Registry) TestDelivery(h Webhook) (Delivery, error) {
	id, body, err := r.newEvent(EventTest, "", eventData{})
	return Delivery{Webhook: h.ID, EventID: id, Body: body, CreatedAt: r.now()}, err
}

// Webhooks are all of them, by id.
func (r *Registry) Webhooks(ctx context.Context) (hooks []Webhook, err error) {
	err = r.meta.View(ctx, func(tx Tx) (err error) {
		hooks, err = tx.Webhooks()
		return err
	})
	return hooks, err
}

// Webhook by id.
func (r *Registry) Webhook(ctx context.Context, id string) (Webhook, error) {
	hooks, err := r.Webhooks(ctx)
	if err != nil {
		return Webhook{}, err
	}
	if i := slices.IndexFunc(hooks, func(h Webhook) bool { return h.ID == id }); i >= 0 {
		return hooks[i], nil
	}
	return Webhook{}, noWebhook(id)
}

// maxWebhooks bounds how many rows a push may write.
const maxWebhooks = 50

// CreateWebhook keeps a new webhook: its ID, URL, Account, Events and SealedSecret.
func (r *Registry) CreateWebhook(ctx context.Context, h Webhook) (Webhook, error) {
	for _, t := range h.Events {
		if !slices.Contains(EventTypes(), t) {
			return Webhook{}, fmt.Errorf("there are no events of type %q: choose among %v", t, EventTypes())
		}
	}
	h.CreatedAt = r.now()
	return h, r.meta.Update(ctx, func(tx Tx) error {
		if h.Account != "" {
			if _, err := openAccount(tx, h.Account); err != nil {
				return err
			}
		}
		hooks, err := tx.Webhooks()
		if err != nil {
			return err
		}
		if len(hooks) >= maxWebhooks {
			return fmt.Errorf("there are %d webhooks already, which is the most: remove one first", len(hooks))
		}
		return tx.InsertWebhook(h)
	})
}

// DeleteWebhook removes a webhook with all that is on its way to it.
func (r *Registry) DeleteWebhook(ctx context.Context, id string) error {
	err := r.meta.Update(ctx, func(tx Tx) error { return tx.DeleteWebhook(id) })
	if errors.Is(err, ErrAbsent) {
		return noWebhook(id)
	}
	return err
}

func noWebhook(id string) error {
	return fmt.Errorf("there is no webhook %s: see `openecr webhook list`", id)
}

// DueWebhooks are those to which something is to be sent now.
func (r *Registry) DueWebhooks(ctx context.Context) (hooks []Webhook, err error) {
	err = r.meta.View(ctx, func(tx Tx) (err error) {
		hooks, err = tx.DueWebhooks(r.now())
		return err
	})
	return hooks, err
}

// ClaimDeliveries takes what is to be sent to a webhook for as long as lease: no other node sends it meanwhile.
func (r *Registry) ClaimDeliveries(ctx context.Context, webhook string, lease time.Duration, limit int) (claimed []Delivery, err error) {
	err = r.meta.Update(ctx, func(tx Tx) (err error) {
		now := r.now()
		claimed, err = tx.ClaimDeliveries(webhook, now, now.Add(lease), limit)
		return err
	})
	return claimed, err
}

// Settlement is what became of a delivery that was claimed.
type Settlement struct {
	Delivery
	Done     bool          // it goes, because it was sent or given up
	Attempts int           // how often it has failed by now
	Again    time.Duration // until the next attempt
}

// SettleDeliveries writes down what became of claimed deliveries.
func (r *Registry) SettleDeliveries(ctx context.Context, settled []Settlement) error {
	return r.meta.Update(ctx, func(tx Tx) error {
		for _, s := range settled {
			var err error
			if s.Done {
				err = tx.DeleteDelivery(s.ID)
			} else {
				d := s.Delivery
				d.Attempts, d.DueAt = s.Attempts, r.now().Add(s.Again)
				err = tx.PostponeDelivery(d, s.DueAt)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// WaitingDeliveries are how many events are on their way, and since when the oldest is.
func (r *Registry) WaitingDeliveries(ctx context.Context) (n int, oldest time.Time, err error) {
	err = r.meta.View(ctx, func(tx Tx) (err error) {
		n, oldest, err = tx.CountDeliveries()
		return err
	})
	return n, oldest, err
}
