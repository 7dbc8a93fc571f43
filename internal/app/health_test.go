package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHealthOfAServer(t *testing.T) {
	r := serve(t, newConfig(t))
	_, port, err := net.SplitHostPort(r.adminLis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"127.0.0.1:" + port, "0.0.0.0:" + port, ":" + port} {
		if err := (Health{AdminAddr: address, Timeout: time.Minute}).Check(t.Context()); err != nil {
			t.Errorf("a server that listens on %s: %v", address, err)
		}
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "The store is gone.", http.StatusServiceUnavailable)
	}))
	t.Cleanup(sick.Close)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(stuck.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	for name, c := range map[string]struct {
		health Health
		want   []string
	}{
		"not ready":  {Health{AdminAddr: sick.Listener.Addr().String(), Timeout: time.Minute}, []string{"not ready", "503", "The store is gone."}},
		"no answer":  {Health{AdminAddr: stuck.Listener.Addr().String(), Timeout: time.Millisecond}, []string{"no openecr answers", "deadline exceeded"}},
		"no server":  {Health{AdminAddr: gone.Listener.Addr().String(), Timeout: time.Minute}, []string{"no openecr answers", gone.Listener.Addr().String()}},
		"no address": {Health{}, []string{"--admin-addr is empty"}},
		"no port":    {Health{AdminAddr: "localhost"}, []string{`"localhost"`, "HOST:PORT"}},
		"any port":   {Health{AdminAddr: "localhost:0"}, []string{`"localhost:0"`, "the port that the server listens on"}},
	} {
		err := c.health.Check(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
	}
}
