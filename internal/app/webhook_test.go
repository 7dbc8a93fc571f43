package app

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// heard is a request that a receiver got.
type heard struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T) (url string, got chan heard) {
	t.Helper()
	got = make(chan heard, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- heard{r.Header, string(body)}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/?token=hidden", got
}

func next(t *testing.T, got chan heard) heard {
	t.Helper()
	select {
	case h := <-got:
		return h
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard")
		return heard{}
	}
}

func TestWebhookCommandsAndEvents(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	url, got := newReceiver(t)
	without := do(t, c.Stores, AddWebhook{URL: url, Events: []string{"image.pushed"}})
	r := serve(t, c)
	hook := do(t, c.Stores, AddWebhook{URL: url})
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret, "whsec_"))
	if err != nil || len(secret) != 32 || !strings.HasPrefix(hook.Secret, "whsec_") || hook.Secret == without.Secret {
		t.Errorf("secrets %s and %s: %v", hook.Secret, without.Secret, err)
	}
	for _, h := range do(t, c.Stores, ListWebhooks{}) {
		if h.Secret != "" || h.URL != url {
			t.Errorf("listed %+v", h)
		}
	}
	tested := do(t, c.Stores, TestWebhook{ID: without.ID})
	if h := next(t, got); h.header.Get("webhook-id") != tested.EventID || !strings.Contains(h.body, `"type":"com.github.openecr.webhook.test"`) {
		t.Errorf("the test was %+v", h)
	}
	makeRepository(t, newClient(t, r, readEnvironment(t, c)))
	if h := next(t, got); !strings.Contains(h.body, `"type":"com.github.openecr.repository.created"`) || h.header.Get("webhook-signature") == "" {
		t.Errorf("the event was %+v", h)
	}
	res, metrics := r.get(t, "http://"+r.adminLis.Addr().String()+"/metrics")
	if res.StatusCode != http.StatusOK || !strings.Contains(metrics, "\nopenecr_webhook_queue ") || !strings.Contains(metrics, "\nopenecr_webhook_oldest_seconds ") ||
		!strings.Contains(metrics, `openecr_webhook_deliveries_total{outcome="failed"} 0`) {
		t.Error(res.Status)
	}
	do(t, c.Stores, RemoveWebhook{ID: without.ID})
	if left := do(t, c.Stores, ListWebhooks{}); len(left) != 1 || left[0].ID != hook.ID {
		t.Errorf("left: %+v", left)
	}
	says(t, c.Stores, RemoveWebhook{ID: without.ID}, "there is no webhook "+without.ID+": see `openecr webhook list`")
	says(t, c.Stores, TestWebhook{ID: "x"}, "there is no webhook x: see `openecr webhook list`")
	says(t, c.Stores, AddWebhook{URL: "ftp://x"}, `"ftp://x" is no address for events: write http:// or https:// with a host, and no user or fragment`)
	says(t, c.Stores, AddWebhook{URL: url, Account: "me"}, `account id "me" is malformed: it has exactly 12 digits`)
	if strings.Contains(r.log.String(), "token=hidden") {
		t.Error("the address, which may have a password in it, is in the log")
	}
}
