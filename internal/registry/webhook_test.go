package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// hook makes a webhook that hears of everything.
func (f *fixture) hook(id string, change ...func(*registry.Webhook)) {
	f.Helper()
	h := registry.Webhook{ID: id, URL: "https://example.com/", SealedSecret: []byte("sealed")}
	for _, fn := range change {
		fn(&h)
	}
	_, err := f.registry.CreateWebhook(f.Context(), h)
	f.must(err)
}

type event struct {
	ID, Source, SpecVersion, Type, Subject string
	Time                                   time.Time
	Data                                   struct {
		RegistryID, RepositoryName, RepositoryURI, ImageDigest, Actor string
		ImageTags                                                     []string
	}
}

// heard are the events on their way to a webhook, in the order in which they happened, and takes them.
func (f *fixture) heard(webhook string) (lines []string, events []event) {
	f.Helper()
	claimed, err := f.registry.ClaimDeliveries(f.Context(), webhook, time.Hour, 100)
	f.must(err)
	var done []registry.Settlement
	for _, d := range claimed {
		var e event
		f.must(json.Unmarshal(d.Body, &e))
		if e.ID != d.EventID {
			f.Errorf("event %s is delivered as %s", e.ID, d.EventID)
		}
		events = append(events, e)
		lines = append(lines, strings.TrimSpace(fmt.Sprint(strings.TrimPrefix(e.Type, registry.EventTypePrefix), " ", e.Subject, " ", e.Data.ImageDigest, " ", strings.Join(e.Data.ImageTags, ","))))
		done = append(done, registry.Settlement{Delivery: d, Done: true})
	}
	f.must(f.registry.SettleDeliveries(f.Context(), done))
	return lines, events
}

func (f *fixture) checkHeard(webhook string, want ...string) {
	f.Helper()
	lines, _ := f.heard(webhook)
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		f.Errorf("%s has heard:\n%s\nwant:\n%s", webhook, got, strings.Join(want, "\n"))
	}
}

func TestWebhooksHearOfWhatIsDone(t *testing.T) {
	f := newFixture(t)
	f.hook("all")
	manifest := imageOf(f.push("config"), f.push("layer"))
	image := f.put(manifest, "1.0", "latest")
	_, err := f.tryPut(manifest, "1.0") // changes nothing
	f.refused(err, registry.ImageAlreadyExists, "")
	_, err = f.tryPut("no manifest", "2.0")
	f.refused(err, registry.InvalidManifest, "")
	lines, events := f.heard("all")
	if len(lines) != 2 || lines[0] != "image.pushed a1b2c3d4/team/app "+image.String()+" 1.0" {
		t.Fatalf("heard %q", lines)
	}
	if e := events[0]; e.SpecVersion != "1.0" || !e.Time.Equal(f.now()) || !strings.HasPrefix(e.Source, "http://") || e.Data.RegistryID != "123456789012" || e.Data.RepositoryName != "team/app" ||
		!strings.HasSuffix(e.Data.RepositoryURI, "/a1b2c3d4/team/app") || e.Data.Actor != owner.ARN {
		t.Errorf("event %+v", e)
	}

	f.put(manifest, "2.0", "3.0")
	f.must(f.registry.DeleteTag(t.Context(), owner, app, "1.0"))
	_, _, err = f.registry.DeleteImages(t.Context(), owner, app, []registry.ImageID{{Tag: "latest"}, {Tag: "absent"}})
	f.must(err)
	_, _, err = f.registry.DeleteImages(t.Context(), owner, app, []registry.ImageID{{Tag: "2.0"}, {Tag: "3.0"}})
	f.must(err)
	other := f.putImage("another", "1.0")
	f.must(f.registry.DeleteImage(t.Context(), owner, app, other))
	f.refused(f.registry.DeleteImage(t.Context(), owner, app, other), registry.ImageNotFound, "")
	f.createRepository(stranger, "theirs")
	_, err = f.registry.DeleteRepository(t.Context(), stranger, registry.Path{Name: "theirs"}, false)
	f.must(err)
	f.checkHeard("all",
		"image.pushed a1b2c3d4/team/app "+image.String()+" 2.0",
		"image.pushed a1b2c3d4/team/app "+image.String()+" 3.0",
		"tag.deleted a1b2c3d4/team/app "+image.String()+" 1.0",
		"tag.deleted a1b2c3d4/team/app "+image.String()+" latest",
		"image.deleted a1b2c3d4/team/app "+image.String()+" 2.0,3.0",
		"image.pushed a1b2c3d4/team/app "+other.String()+" 1.0",
		"image.deleted a1b2c3d4/team/app "+other.String()+" 1.0",
		"repository.created z9y8x7w6/theirs",
		"repository.deleted z9y8x7w6/theirs",
	)
}

func TestWebhooksHearOnlyOfWhatTheyWant(t *testing.T) {
	f := newFixture(t)
	f.hook("theirs", func(h *registry.Webhook) { h.Account = stranger.Account })
	f.hook("pushes", func(h *registry.Webhook) { h.Events = []registry.EventType{registry.EventImagePushed} })
	image := f.putImage("config", "1.0")
	f.must(f.registry.DeleteImage(t.Context(), owner, app, image))
	f.createRepository(stranger, "theirs")
	f.checkHeard("theirs", "repository.created z9y8x7w6/theirs")
	f.checkHeard("pushes", "image.pushed a1b2c3d4/team/app "+image.String()+" 1.0")
}

// An event is on its way exactly when what it tells of is committed.
func TestEventsOfFailedCommitsAreNotSent(t *testing.T) {
	f := newFixture(t)
	f.hook("all")
	manifest := imageOf(f.push("config"))
	f.meta.failUpdate = func() (bool, error) { return false, errors.New("the disk is full") }
	if _, err := f.tryPut(manifest, "1.0"); err == nil {
		t.Fatal("the commit did not fail")
	}
	f.meta.heal()
	f.checkHeard("all")
	f.put(manifest, "1.0")
	if lines, _ := f.heard("all"); len(lines) != 1 {
		t.Errorf("heard %q", lines)
	}
}

// Whoever has no webhooks pays one lookup in the transaction of the push, and no transaction more.
func TestPushesWithoutWebhooksPayOneLookup(t *testing.T) {
	f := newFixture(t)
	cost := func(config string) int64 {
		manifest := imageOf(f.push(config))
		return f.counted(func() { f.put(manifest, config) })
	}
	cost("a1")
	without := cost("a2")
	f.hook("elsewhere", func(h *registry.Webhook) { h.Account = stranger.Account })
	if with := cost("a3"); with != without {
		t.Errorf("%d statements with a webhook that hears of others, %d without", with, without)
	}
	f.hook("here")
	cost("a4")                                 // prepares the statement
	if with := cost("a5"); with != without+2 { // the fixture runs every update twice
		t.Errorf("%d statements with a webhook, %d without", with, without)
	}
	lines, _ := f.heard("here")
	if len(lines) != 2 {
		t.Errorf("heard %q", lines)
	}
}

func TestDeliveriesAreSettled(t *testing.T) {
	f := newFixture(t)
	f.hook("all")
	f.putImage("config", "1.0")
	f.putImage("other", "2.0")
	claimed, err := f.registry.ClaimDeliveries(t.Context(), "all", time.Minute, 100)
	f.must(err)
	if again, err := f.registry.ClaimDeliveries(t.Context(), "all", time.Minute, 100); err != nil || len(again) != 0 || len(claimed) != 2 {
		t.Fatalf("claimed %d, then %d: %v", len(claimed), len(again), err)
	}
	f.must(f.registry.SettleDeliveries(t.Context(), []registry.Settlement{
		{Delivery: claimed[0], Done: true},
		{Delivery: claimed[1], Attempts: 3, Again: 10 * time.Second},
	}))
	f.advance(9 * time.Second)
	if due, err := f.registry.DueWebhooks(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("due: %v, %v", due, err)
	}
	f.advance(time.Second)
	due, err := f.registry.DueWebhooks(t.Context())
	f.must(err)
	again, err := f.registry.ClaimDeliveries(t.Context(), "all", time.Minute, 100)
	if err != nil || len(due) != 1 || len(again) != 1 || again[0].Attempts != 3 || again[0].EventID != claimed[1].EventID {
		t.Errorf("due %v, again %+v, %v", due, again, err)
	}
	if n, oldest, err := f.registry.WaitingDeliveries(t.Context()); err != nil || n != 1 || f.now().Sub(oldest) != 10*time.Second {
		t.Errorf("%d since %v, %v", n, oldest, err)
	}
}

func TestWebhooksAreRefused(t *testing.T) {
	f := newFixture(t)
	for want, h := range map[string]registry.Webhook{
		`there are no events of type "image.eaten": choose among [image.pushed image.deleted tag.deleted repository.created repository.deleted]`: {ID: "a", Events: []registry.EventType{"image.eaten"}},
		"there is no account 111111111111: see `openecr account list`":                                                                           {ID: "a", Account: "111111111111"},
	} {
		if _, err := f.registry.CreateWebhook(t.Context(), h); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if err := f.registry.DeleteWebhook(t.Context(), "absent"); err == nil || err.Error() != "there is no webhook absent: see `openecr webhook list`" {
		t.Error(err)
	}
	for i := range 50 {
		f.hook(fmt.Sprint("hook ", i))
	}
	if _, err := f.registry.CreateWebhook(t.Context(), registry.Webhook{ID: "one more"}); err == nil {
		t.Error("there is no end to webhooks")
	}
}
