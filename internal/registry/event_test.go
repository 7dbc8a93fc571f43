package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// events are those of the caller, in one line each, newest first.
func (f *fixture) events(c registry.Caller) []string {
	f.Helper()
	f.must(f.registry.FlushEvents(f.Context()))
	events, err := f.registry.Events(f.Context(), c)
	f.must(err)
	lines := make([]string, len(events))
	for i, e := range events {
		reason, _, _ := strings.Cut(e.Reason, ":")
		lines[i] = strings.TrimSpace(fmt.Sprintf("%s %s %s %d %s", e.Action, e.Repository, e.Subject, e.Times, reason))
	}
	return lines
}

func TestEventsTellOwnersWhatHappened(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	manifest := imageOf(f.push("config"), f.push("layer"))
	f.put(manifest, "1.0", "latest")
	if _, err := f.tryPut(manifest, "1.0"); registry.KindOf(err) != registry.ImageAlreadyExists {
		t.Fatal(err)
	}
	_, err := f.tryPut("no manifest", "2.0")
	f.refused(err, registry.InvalidManifest, "")
	for range 3 {
		_, err = f.registry.StartUpload(t.Context(), stranger, app)
		f.refused(err, registry.AccessDenied, "")
		_, err = f.registry.StartUpload(t.Context(), nobody, app)
		f.refused(err, registry.AccessDenied, "")
	}
	_, _, err = f.registry.DeleteImages(t.Context(), owner, app, []registry.ImageID{{Tag: "latest"}, {Tag: "absent"}})
	f.must(err)
	f.must(f.registry.DeleteTag(t.Context(), owner, app, "1.0"))
	_, err = f.registry.DeleteRepository(t.Context(), owner, app, false)
	f.refused(err, registry.RepositoryNotEmpty, "")
	_, err = f.registry.StartUpload(t.Context(), owner, registry.Path{Registry: "nosuchalias", Name: "app"})
	f.refused(err, registry.RegistryNotFound, "")
	equal(t, "events", f.events(owner), []string{
		"delete-repository team/app  1 The repository with name 'team/app' in registry with id '123456789012' cannot be deleted because it still contains images",
		"delete team/app 1.0 1",
		"delete team/app absent 1 Requested image not found",
		"delete team/app latest 1",
		"push team/app  3 User",
		"push team/app 2.0 1 Invalid parameter at 'ImageManifest' failed to satisfy constraint",
		"push team/app latest 1",
		"push team/app 1.0 1",
		"create-repository other  1",
	})
	equal(t, "events of the stranger", f.events(stranger), []string{})
}

// What cannot be written waits, and what was written is not written again.
func TestEventsAreWrittenOnce(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	f.failUpdateOnce(false)
	if err := f.registry.FlushEvents(t.Context()); err == nil {
		t.Fatal("a failed write is no error")
	}
	want := []string{"create-repository other  1"}
	equal(t, "after a failed write", f.events(owner), want)
	equal(t, "after another", f.events(owner), want)
}

// Pushes that make their repository begin by finding none.
func TestPushThatMadeItsRepositoryWasNotRefused(t *testing.T) {
	f := newFixture(t)
	fresh := registry.Path{Registry: string(ownerAlias), Name: "fresh"}
	_, err := f.registry.StartUpload(t.Context(), owner, fresh)
	f.refused(err, registry.RepositoryNotFound, "")
	f.createRepository(owner, "fresh")
	equal(t, "events", f.events(owner), []string{"create-repository fresh  1"})
}

func TestEventsAreBounded(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	for i := range 2500 {
		f.advance(time.Millisecond)
		p := app
		p.Name += p.Name + "/" + p.Name[:i%4+2]
		f.registry.NoteRefusedPush(stranger, p, &registry.Error{Kind: registry.AccessDenied, Message: fmt.Sprint(i, "\x00\xff", strings.Repeat("x", 10_000))})
	}
	got := f.events(owner)
	if len(got) != registry.MaxEvents+1 || got[registry.MaxEvents] != "create-repository other  1" {
		t.Errorf("%d events, of which the oldest is %s", len(got), got[len(got)-1])
	}
	events, err := f.registry.Events(t.Context(), owner)
	f.must(err)
	if n := len(events[0].Reason); n > 500 {
		t.Errorf("a reason has %d bytes", n)
	}
}

func TestEventsAreForTheirOwner(t *testing.T) {
	f := newFixture(t)
	_, err := f.registry.Events(t.Context(), nobody)
	f.refused(err, registry.RegistryNotFound, "")
	_, err = f.registry.Events(t.Context(), user(t, owner.Account, allow("ecr-public:PutImage", "*")))
	f.refused(err, registry.AccessDenied, "")
}
