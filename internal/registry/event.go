package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/openecr/openecr/internal/ref"
)

const (
	// MaxEvents is how many events an account sees of each sort: done and refused. So a stranger whose pushes are refused
	// cannot make it forget its own.
	MaxEvents = 200
	// maxNoted bounds the events that wait to be written; further ones are forgotten.
	maxNoted = 2000
	// maxEventText bounds texts of events, in bytes.
	maxEventText = 500
)

// eventLog notes in memory, so that no push waits for a write. The same event again only counts.
type eventLog struct {
	mu    sync.Mutex
	noted []notedEvent
	at    map[notedEvent]int // where it is in noted, by an event without At and Times
}

// notedEvent is an event with the registry it happened to, as the caller named it.
type notedEvent struct {
	registry string
	Event
}

func (l *eventLog) add(n notedEvent) {
	key := n
	key.At, key.Times = Event{}.At, 0
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Action == EventCreateRepository && n.Reason == "" {
		l.forgetRefused(n)
	}
	if i, ok := l.at[key]; ok {
		l.noted[i].At, l.noted[i].Times = n.At, l.noted[i].Times+n.Times
		return
	}
	if len(l.noted) >= maxNoted {
		return
	}
	if l.at == nil {
		l.at = make(map[notedEvent]int)
	}
	l.at[key] = len(l.noted)
	l.noted = append(l.noted, n)
}

// forgetRefused is for a push that makes its repository: it was refused only until then.
func (l *eventLog) forgetRefused(created notedEvent) {
	for i, n := range l.noted {
		if n.Action == EventPush && n.Reason != "" && n.Repository == created.Repository && n.Caller == created.Caller {
			l.noted[i].Times = 0
		}
	}
}

func (l *eventLog) take() []notedEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	noted := l.noted
	l.noted, l.at = nil, nil
	return noted
}

// note remembers for the owner of a registry what a caller did to it, or why that was refused. What changes nothing and
// is no mistake is left out: what is there already, and requests that broke off.
func (r *Registry) note(c Caller, action EventAction, p Path, subject string, err error) {
	if c.Anonymous() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	reason := ""
	switch KindOf(err) {
	case ImageAlreadyExists, LayerAlreadyExists, RepositoryAlreadyExists:
		return
	case Internal:
		if err != nil {
			reason = "The server failed to answer. Its log says why."
		}
	default:
		reason = err.Error()
	}
	r.events.add(notedEvent{p.own(c).Registry, Event{
		Action: action, Repository: ref.RepositoryName(eventText(string(p.Name))), Subject: eventText(subject),
		Caller: c.ARN, Reason: eventText(reason), At: r.now(), Times: 1,
	}})
}

// noteDeletion is note for what DeleteImages has answered.
func (r *Registry) noteDeletion(c Caller, p Path, asked, deleted []ImageID, failures []ImageFailure, err error) {
	if err != nil {
		r.note(c, EventDelete, p, joinIDs(asked), err)
		return
	}
	if len(deleted) > 0 {
		r.note(c, EventDelete, p, joinIDs(deleted), nil)
	}
	for _, f := range failures {
		r.note(c, EventDelete, p, joinIDs([]ImageID{f.ID}), errorf(ImageNotFound, "%s", f.Reason))
	}
}

func joinIDs(ids []ImageID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = cmp.Or(id.Tag, id.Digest)
	}
	return strings.Join(names, ", ")
}

// eventText is what a store takes of a text from outside.
func eventText(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), maxEventText)], "")
}

// NoteRefusedPush is for a wire that refuses a push before it comes to a verb.
func (r *Registry) NoteRefusedPush(c Caller, p Path, refused error) {
	r.note(c, EventPush, p, "", refused)
}

// FlushEvents writes the events that were noted since the last call: whoever runs a Registry calls it every few seconds
// and at the end. A crash loses those of one interval. What cannot be written now is written the next time.
func (r *Registry) FlushEvents(ctx context.Context) error {
	noted := r.events.take()
	for len(noted) > 0 {
		n := min(len(noted), addedAtOnce)
		err := r.meta.Update(ctx, func(tx Tx) error { return insertEvents(tx, noted[:n]) })
		if err != nil {
			for _, e := range noted {
				r.events.add(e)
			}
			if KindOf(err) == ReadOnly {
				return nil // they wait for the end of that
			}
			return fmt.Errorf("write events: %w", err)
		}
		noted = noted[n:]
	}
	return nil
}

func insertEvents(tx Tx, noted []notedEvent) error {
	changed := make(map[ref.AccountID]bool)
	for _, n := range noted {
		if n.Times == 0 {
			continue
		}
		id, err := publicAccount(tx, n.registry)
		if KindOf(err) == RegistryNotFound {
			continue // nobody owns what the caller has named
		}
		if err != nil {
			return err
		}
		if err := tx.InsertEvent(id, n.Event); err != nil {
			return err
		}
		changed[id] = true
	}
	for id := range changed {
		if err := tx.TrimEvents(id, MaxEvents); err != nil {
			return err
		}
	}
	return nil
}

// Events are what happened to the caller's registry lately, newest first, as far as it is written. It needs the
// permission to describe the images of all its repositories.
func (r *Registry) Events(ctx context.Context, c Caller) ([]Event, error) {
	var events []Event
	err := r.meta.View(ctx, func(tx Tx) error {
		account, err := findRegistry(tx, Path{}.own(c))
		if err != nil {
			return err
		}
		if err := r.authorize(c, repositoryAccess("DescribeImages", Repository{Account: account, Name: "*"})); err != nil {
			return err
		}
		events, err = tx.Events(account, 2*MaxEvents)
		return err
	})
	return events, err
}
