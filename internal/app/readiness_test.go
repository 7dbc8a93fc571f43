package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestStoresAreAskedOnceForManyProbes(t *testing.T) {
	asked := 0
	p := &readiness{checks: []storeCheck{{"metadata store", func(ctx context.Context) error {
		asked++
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a store may take for ever")
		}
		return nil
	}}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a probe that left must not decide for the others
	for range 3 {
		if failed := p.check(ctx); failed != nil {
			t.Error(failed)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	p.until = time.Now()
	if failed := p.check(t.Context()); failed != nil || asked != 2 {
		t.Errorf("asked %d times after the answer has aged", asked)
	}
}

func TestReadinessNamesTheStoreAndNoSecret(t *testing.T) {
	secret := errors.New("dial postgres://openecr:hunter2@10.0.0.1")
	fine := func(context.Context) error { return nil }
	p := &readiness{checks: []storeCheck{{"metadata store", fine}, {"store of layers", func(context.Context) error { return secret }}}}
	w, line := serveOnce(t, newRequest(http.MethodGet, "/readyz", ""), p.ServeHTTP)
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "The store of layers does not answer; the log says why.\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if line["error"] != "store of layers: "+secret.Error() || line["operation"] != "readyz" {
		t.Errorf("logged %v", line)
	}
}

func TestFolderOfLayersThatGoesIsNoticed(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	must(t, os.Rename(c.file("blobs"), c.file("gone")))
	res, body := r.get(t, r.Info().URL+"/readyz")
	if res.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(body, "The store of layers does not answer") {
		t.Errorf("%s %s", res.Status, body)
	}
	if res, _ := r.get(t, r.Info().URL+"/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("alive: %s", res.Status)
	}
}

func TestShutdownIsAnnouncedBeforeItBegins(t *testing.T) {
	c := newConfig(t)
	c.ShutdownDelay = time.Second
	r := serve(t, c)
	start := time.Now()
	r.stop()
	public, admin := r.Info().URL, "http://"+r.adminLis.Addr().String()
	for {
		res, body := r.get(t, admin+"/readyz")
		if res.StatusCode == http.StatusServiceUnavailable {
			if body != "The server is shutting down.\n" {
				t.Error(body)
			}
			break
		}
	}
	if res, _ := r.get(t, public+"/readyz"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("on the public listener: %s", res.Status)
	}
	for _, url := range []string{public + "/healthz", public + "/", admin + "/healthz"} {
		if res, _ := r.get(t, url); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	if err := r.wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < c.ShutdownDelay {
		t.Errorf("it went after %s", took)
	}
}
