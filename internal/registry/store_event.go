package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// EventTx keeps what happened to registries lately.
type EventTx interface {
	// InsertEvent of an account. The account must be there.
	InsertEvent(id ref.AccountID, e Event) error
	// Events of an account, the last inserted first, at most limit.
	Events(id ref.AccountID, limit int) ([]Event, error)
	// TrimEvents leaves of an account the last inserted ones: keep of those that were refused and keep of the others.
	TrimEvents(id ref.AccountID, keep int) error
}

// Event is something that was done to a registry, or refused.
type Event struct {
	Action     EventAction
	Repository ref.RepositoryName
	Subject    string    // the tags or the digest; empty when it was about the whole repository
	Caller     string    // the ARN of who wanted it
	Reason     string    // why it was refused; empty when it was done
	At         time.Time // when it happened last
	Times      int       // how often it happened between two writes, at least 1
}

// EventAction is what somebody did or wanted to do.
type EventAction string

// The actions that are noted.
const (
	EventPush             EventAction = "push"
	EventDelete           EventAction = "delete" // of tags, images or layers
	EventCreateRepository EventAction = "create-repository"
	EventDeleteRepository EventAction = "delete-repository"
)
