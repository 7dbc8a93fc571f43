package registrytest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func hook(id string) registry.Webhook {
	return registry.Webhook{ID: id, URL: "https://example.com/" + id, SealedSecret: []byte{0, 1}, CreatedAt: at(0)}
}

func testWebhooks(t *metaTest) {
	t.twoAccounts()
	list := func() []registry.Webhook {
		return read(t, func(tx registry.Tx) ([]registry.Webhook, error) { return tx.Webhooks() })
	}
	t.equal("before there are any", list(), []registry.Webhook(nil))
	all, some := hook("a"), hook("b")
	some.Account, some.Events = accountB, []registry.EventType{registry.EventImagePushed, registry.EventTagDeleted}
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.InsertWebhook(some) }, func() error { return tx.InsertWebhook(all) })
	})
	t.restart()
	t.equal("by id", list(), []registry.Webhook{all, some})
	t.refused("an id that is taken", registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertWebhook(all) })
	unknown := hook("c")
	unknown.Account = accountC
	t.refused("an account that is absent", nil, func(tx registry.Tx) error { return tx.InsertWebhook(unknown) })
	t.refused("a webhook that is absent", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteWebhook("c") })
	t.update(func(tx registry.Tx) error { return tx.InsertDelivery(delivery("b", 0)) })
	t.update(func(tx registry.Tx) error { return tx.DeleteAccount(accountB) }) // with its webhooks and what is on its way to them
	t.equal("of accounts that are left", list(), []registry.Webhook{all})
}

func delivery(webhook string, n int) registry.Delivery {
	return registry.Delivery{Webhook: webhook, EventID: fmt.Sprint("event ", n), Body: []byte(`{}`), DueAt: at(n), CreatedAt: at(n)}
}

// claim takes what is due to a webhook, and says of what events it is.
func claim(t *metaTest, webhook string, now, until, limit int) (claimed []registry.Delivery, events string) {
	t.Helper()
	t.update(func(tx registry.Tx) (err error) {
		claimed, err = tx.ClaimDeliveries(webhook, at(now), at(until), limit)
		return err
	})
	for _, d := range claimed {
		events += d.EventID + " "
	}
	return claimed, events
}

func testDeliveries(t *metaTest) {
	due := func(now int) (ids string) {
		for _, h := range read(t, func(tx registry.Tx) ([]registry.Webhook, error) { return tx.DueWebhooks(at(now)) }) {
			ids += h.ID + " "
		}
		return ids
	}
	count := func() string {
		return read(t, func(tx registry.Tx) (string, error) {
			n, oldest, err := tx.CountDeliveries()
			return fmt.Sprint(n, " since ", oldest.Sub(at(0))), err
		})
	}
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.InsertWebhook(hook("a")) }, func() error { return tx.InsertWebhook(hook("b")) })
	})
	t.equal("without deliveries", read(t, func(tx registry.Tx) (bool, error) {
		n, oldest, err := tx.CountDeliveries()
		return n == 0 && oldest.IsZero(), err
	}), true)
	t.refused("a webhook that is absent", nil, func(tx registry.Tx) error { return tx.InsertDelivery(delivery("c", 0)) })
	t.update(func(tx registry.Tx) error {
		for n := 1; n <= 4; n++ {
			if err := tx.InsertDelivery(delivery("a", n)); err != nil {
				return err
			}
		}
		return tx.InsertDelivery(delivery("b", 2))
	})
	t.restart()
	t.equal("due to both", due(2), "a b ")
	t.equal("due to one", due(1), "a ")
	t.equal("waiting", count(), "5 since "+at(1).Sub(at(0)).String())

	first, events := claim(t, "a", 3, 10, 2)
	t.equal("claimed", events, "event 1 event 2 ")
	t.equal("as it is from then on", first[0], registry.Delivery{ID: first[0].ID, Webhook: "a", EventID: "event 1", Body: []byte(`{}`), DueAt: at(10), CreatedAt: at(1)})
	_, events = claim(t, "a", 3, 10, 9)
	t.equal("what is left of what is due", events, "event 3 ")
	t.equal("due to another", due(3), "b ")

	t.update(func(tx registry.Tx) error { return tx.DeleteDelivery(first[0].ID) })
	t.update(func(tx registry.Tx) error { return tx.DeleteDelivery(first[0].ID) })
	failed := first[1]
	failed.Attempts, failed.DueAt = 1, at(6)
	t.update(func(tx registry.Tx) error { return tx.PostponeDelivery(failed, at(9)) }) // somebody else has it
	_, events = claim(t, "a", 6, 11, 9)
	t.equal("what was postponed by somebody who does not have it", events, "event 4 ")
	t.update(func(tx registry.Tx) error { return tx.PostponeDelivery(failed, at(10)) })
	again, events := claim(t, "a", 6, 12, 9)
	t.equal("what was postponed", events, "event 2 ")
	t.equal("attempts", again[0].Attempts, 1)
	_, events = claim(t, "a", 11, 20, 9)
	t.equal("whose lease has run out", events, "event 3 event 4 ")
	t.update(func(tx registry.Tx) error { return tx.DeleteWebhook("a") }) // with its deliveries
	t.equal("waiting for the other", count(), "1 since "+at(2).Sub(at(0)).String())
}

func testDeliveriesClaimedOnceOfMany(t *metaTest) {
	const deliveries = 40
	t.update(func(tx registry.Tx) error {
		if err := tx.InsertWebhook(hook("a")); err != nil {
			return err
		}
		for range deliveries {
			if err := tx.InsertDelivery(delivery("a", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	var mu sync.Mutex
	claims := make(map[int64]int)
	var nodes sync.WaitGroup
	for range 8 {
		nodes.Go(func() {
			for {
				var claimed []registry.Delivery
				err := t.meta.Update(context.Background(), func(tx registry.Tx) (err error) {
					claimed, err = tx.ClaimDeliveries("a", at(1), at(1).Add(time.Hour), 3)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if err != nil || len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, d := range claimed {
					claims[d.ID]++
				}
				mu.Unlock()
			}
		})
	}
	nodes.Wait()
	t.equal("deliveries that somebody has", len(claims), deliveries)
	for id, n := range claims {
		t.equal(fmt.Sprint("nodes that have delivery ", id), n, 1)
	}
}
