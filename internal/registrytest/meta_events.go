package registrytest

import (
	"fmt"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testEvents(t *metaTest) {
	t.twoAccounts()
	list := func(id ref.AccountID, limit int) []registry.Event {
		return read(t, func(tx registry.Tx) ([]registry.Event, error) { return tx.Events(id, limit) })
	}
	t.equal("before there are any", list(accountA, 10), []registry.Event(nil))
	pushed := registry.Event{Action: registry.EventPush, Repository: "team/app", Subject: "1.0, ✓", Caller: "arn:aws:iam::111111111111:root", At: at(1), Times: 3}
	refused := registry.Event{Action: registry.EventDelete, Repository: "team/app", Caller: "arn:aws:iam::222222222222:root", Reason: "You may not.", At: at(0), Times: 1}
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertEvent(accountA, pushed) },
			func() error { return tx.InsertEvent(accountA, refused) },
			func() error { return tx.InsertEvent(accountB, pushed) },
		)
	})
	t.restart()
	t.equal("in the order of writing, not of time", list(accountA, 10), []registry.Event{refused, pushed})
	t.equal("the last one", list(accountA, 1), []registry.Event{refused})
	t.equal("of the other account", list(accountB, 10), []registry.Event{pushed})
	t.refused("an account that is absent", nil, func(tx registry.Tx) error { return tx.InsertEvent(accountC, pushed) })
	t.update(func(tx registry.Tx) error { return tx.DeleteAccount(accountB) }) // with its events
}

func testEventsTrimmed(t *metaTest) {
	t.twoAccounts()
	t.update(func(tx registry.Tx) error {
		for i := range 20 {
			e := registry.Event{Action: registry.EventPush, Repository: "app", Subject: fmt.Sprint(i), At: at(i), Times: 1}
			if i < 15 {
				e.Reason = "refused"
			}
			if err := tx.InsertEvent(accountA, e); err != nil {
				return err
			}
		}
		return tx.InsertEvent(accountB, registry.Event{Action: registry.EventPush, Repository: "app", At: at(0), Times: 1})
	})
	left := func(keep int) string {
		t.update(func(tx registry.Tx) error { return tx.TrimEvents(accountA, keep) })
		list := read(t, func(tx registry.Tx) ([]registry.Event, error) { return tx.Events(accountA, 100) })
		var subjects string
		for _, e := range list {
			subjects += e.Subject + " "
		}
		return subjects
	}
	t.equal("more are allowed than there are", left(15), "19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 ")
	t.equal("of each sort the newest", left(6), "19 18 17 16 15 14 13 12 11 10 9 ")
	t.equal("of each sort the newest again", left(2), "19 18 14 13 ")
	t.equal("of the other account", len(read(t, func(tx registry.Tx) ([]registry.Event, error) { return tx.Events(accountB, 10) })), 1)
}
