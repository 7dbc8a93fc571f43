package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

func TestEveryOperationIsAKindOfWork(t *testing.T) {
	names := ociapi.Kinds()
	for _, op := range ecrpublic.Operations() {
		names = append(names, op.Name)
	}
	for _, name := range names {
		if _, ok := tasks[name]; !ok {
			t.Errorf("%s is none", name)
		}
	}
	if len(tasks) != len(names) {
		t.Errorf("%d operations of %d", len(tasks), len(names))
	}
	for name, task := range tasks {
		if task.adds != nothing && task.work != writing && task.work != uploading {
			t.Errorf("%s adds something and is a %s", name, task.work)
		}
	}
}

func TestNearlyFullDiskStopsUploadsAlone(t *testing.T) {
	d := newFakeDisk("layers", 60)
	k, err := Config{}.capacity()
	must(t, err)
	g := newGates(k, &disks{&d.disk})
	for operation, refused := range map[string]bool{
		"InitiateLayerUpload": true, "UploadLayerPart": true, "blobUploadStart": true, "blobUploadChunk": true, "blobUploadFinish": true,
		"CompleteLayerUpload": false, "PutImage": false, "manifestPut": false, "blobGet": false, "BatchDeleteImage": false, "DeleteRepository": false,
	} {
		inside(t, "192.0.2.7:1", 5, func(r *http.Request) {
			if err := g.admit(r, registry.Caller{Account: "1"}, operation); (registry.KindOf(err) == registry.NoRoom) != refused {
				t.Errorf("%s: %v", operation, err)
			}
		})
	}
	inside(t, "192.0.2.7:1", 0, func(r *http.Request) { // the end of an upload whose bytes are here already
		must(t, g.admit(r, registry.Caller{Account: "1"}, "blobUploadFinish"))
	})
	inside(t, "192.0.2.7:1", 5, func(r *http.Request) {
		if err := g.receive(r, "UploadLayerPart", 5); registry.KindOf(err) != registry.NoRoom {
			t.Errorf("the body of a part: %v", err)
		}
	})
}

// crowded has one place for each kind of work.
func crowded(t *testing.T) *gates {
	t.Helper()
	k, err := Config{}.capacity()
	must(t, err)
	for w := range k.places {
		k.places[w] = 1
	}
	return newGates(k, &disks{})
}

// inside runs fn in a request of the server.
func inside(t *testing.T, address string, length int64, fn func(r *http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
	r.RemoteAddr, r.ContentLength = address, length
	w, _ := serveOnce(t, r, func(_ http.ResponseWriter, r *http.Request) { fn(r) })
	return w
}

func TestPlaceIsHeldUntilTheRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := crowded(t)
		owner, other := registry.Caller{Account: "123456789012"}, registry.Caller{Account: "210987654321"}
		hold, held := make(chan struct{}), make(chan struct{})
		go inside(t, "192.0.2.7:1", 5, func(r *http.Request) {
			must(t, g.admit(r, owner, "blobUploadChunk"))
			close(held)
			<-hold
		})
		<-held
		inside(t, "192.0.2.8:1", 5, func(r *http.Request) {
			if err := g.admit(r, other, "blobHead"); err != nil {
				t.Errorf("other work waits for uploads: %v", err)
			}
		})
		inside(t, "192.0.2.8:1", 5, func(r *http.Request) {
			if err := g.admit(r, other, "UploadLayerPart"); registry.KindOf(err) != registry.Overloaded {
				t.Errorf("error %v", err)
			}
		})
		if use := g.of[uploading].Use(); use.Inside != 1 || use.Refused != 1 {
			t.Errorf("%+v", use)
		}
		close(hold)
		synctest.Wait()
		inside(t, "192.0.2.8:1", 5, func(r *http.Request) { must(t, g.admit(r, other, "UploadLayerPart")) })
		for w, gate := range g.of {
			if use := gate.Use(); use.Inside != 0 {
				t.Errorf("%s: %+v", work(w), use)
			}
		}
	})
}

func TestTurnsGoByAccountOrNetwork(t *testing.T) {
	for _, c := range []struct {
		caller registry.Caller
		remote string
		want   string
	}{
		{registry.Caller{Account: "123456789012"}, "192.0.2.7", "123456789012"},
		{registry.Caller{}, "192.0.2.7", "192.0.2.7"},
		{registry.Caller{}, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"},
	} {
		if got := turnOf(c.caller, &record{from: connection{remote: c.remote}}); got != c.want {
			t.Errorf("%s", got)
		}
	}
}

func TestBodiesTakeAsMuchMemoryAsTheyHave(t *testing.T) {
	k, err := Config{}.capacity()
	must(t, err)
	g := newGates(k, &disks{})
	inside(t, "192.0.2.7:1", 1000, func(r *http.Request) {
		must(t, g.receive(r, "PutImage", 5000))
		if use := g.of[receiving].Use(); use.Inside != 5000 {
			t.Errorf("%+v", use)
		}
	})
	for length, want := range map[int64]int64{1000: 1000, -1: registry.MaxManifest, 1 << 40: registry.MaxManifest} {
		inside(t, "192.0.2.7:1", length, func(r *http.Request) {
			must(t, g.admit(r, registry.Caller{Account: "1"}, "manifestPut"))
			if use := g.of[receiving].Use(); use.Inside != want {
				t.Errorf("a manifest of %d bytes: %+v", length, use)
			}
		})
	}
	if use := g.of[receiving].Use(); use.Inside != 0 {
		t.Errorf("at the end: %+v", use)
	}
}

func TestPagesAreRefusedPolitely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := crowded(t)
		hold := make(chan struct{})
		pages := withMiddlewareForTest(t, g.around(browsing, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold })))
		go pages.ServeHTTP(httptest.NewRecorder(), newRequest(http.MethodGet, "/", ""))
		synctest.Wait()
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, newRequest(http.MethodGet, "/", ""))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "try again in a moment") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		close(hold)
	})
}

// What an uncontended request pays for its place is nothing beside its 100 us.
func BenchmarkAdmission(b *testing.B) {
	k, _ := Config{}.capacity()
	g := newGates(k, &disks{})
	r := httptest.NewRequest(http.MethodHead, "/", http.NoBody)
	x := &exchange{Context: r.Context()}
	r, rec := r.WithContext(x), &x.record
	caller := registry.Caller{Account: "123456789012"}
	b.ReportAllocs()
	for b.Loop() {
		_ = g.receive(r, "BatchCheckLayerAvailability", 8000)
		_ = g.admit(r, caller, "BatchCheckLayerAvailability")
		rec.place.Leave()
		rec.memory.Leave()
	}
}
