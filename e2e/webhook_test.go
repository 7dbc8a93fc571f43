//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// eventReceiver takes events whose signature is right, once it is told to take any.
type eventReceiver struct {
	*httptest.Server
	mu     sync.Mutex
	takes  bool
	key    []byte
	tried  int
	events []receivedEvent
}

type receivedEvent struct {
	ID, Type, Subject string
	Data              struct {
		ImageDigest string
		ImageTags   []string
	}
}

func startEventReceiver(t *testing.T) *eventReceiver {
	r := new(eventReceiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tried++
		if !r.takes {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mac := hmac.New(sha256.New, r.key)
		mac.Write([]byte(q.Header.Get("webhook-id") + "." + q.Header.Get("webhook-timestamp") + "." + string(body)))
		var e receivedEvent
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); q.Header.Get("webhook-signature") != want || json.Unmarshal(body, &e) != nil || e.ID != q.Header.Get("webhook-id") {
			t.Errorf("no genuine event: %v %s", q.Header, body)
		}
		r.events = append(r.events, e)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *eventReceiver) has(eventType, digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(e receivedEvent) bool {
		return strings.HasSuffix(e.Type, eventType) && (digest == "" || e.Data.ImageDigest == digest)
	})
}

// An event outlives the server that has not delivered it.
func TestWebhookHearsOfAPushAfterACrash(t *testing.T) {
	s := startServer(t)
	r := startEventReceiver(t)
	var hook struct{ WebhookID, Secret string }
	s.administer(t, &hook, "webhook", "add", r.URL)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	r.key = key
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 1, 1<<20)
	l.tag("one", made)
	owner := newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+l.dir+":one", "docker://"+image)
	s.kill()

	r.mu.Lock()
	r.takes = true
	r.mu.Unlock()
	s.start()
	waitFor(t, 2*time.Minute, "the events of before the crash", func() bool {
		return r.has("repository.created", "") && r.has("image.pushed", made.Digest)
	})
	owner.run(t, "delete", "--tls-verify=false", "docker://"+image)
	waitFor(t, 30*time.Second, "the event of the delete", func() bool { return r.has("image.deleted", made.Digest) })
	if printed := s.command(t).run(t, "webhook", "test", hook.WebhookID, "--data", s.data); !strings.Contains(printed, "has arrived") || !r.has("webhook.test", "") {
		t.Errorf("the test said %q", printed)
	}
	for _, e := range r.events {
		if strings.HasSuffix(e.Type, "image.pushed") && (e.Subject != s.alias()+"/hello" || !slices.Equal(e.Data.ImageTags, []string{"1"})) {
			t.Errorf("event %+v", e)
		}
	}
}
