package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

type muxConfig struct {
	registry *registry.Registry
	stores   stores
	public   *url.URL
	spool    string
	alias    string
	version  string
}

// newMux tells requests apart: POST / is the API, /v2/ and /token are the docker registry.
func newMux(c muxConfig) http.Handler {
	id := newIdentity(c.registry, c.stores, c.public.Host)
	api := ecrapi.New(ecrapi.Options{
		Registry:   c.registry,
		Begin:      id.begin,
		IssueToken: id.issuePassword,
		SpoolDir:   c.spool,
		Observe:    observe,
	})
	oci := ociapi.New(ociapi.Options{
		Registry:     c.registry,
		PublicURL:    func(*http.Request) *url.URL { return c.public },
		Authenticate: id.authenticate,
		IssueToken:   id.issueBearer,
		DefaultAlias: func(context.Context, registry.Caller) ref.Alias { return ref.Alias(c.alias) },
		Observe:      observe,
	})
	probes := newProbes(c.stores.meta)
	welcome := welcomePage(c)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/" && r.Method == http.MethodPost:
			api.ServeHTTP(w, r)
		case path == "/v2" || strings.HasPrefix(path, "/v2/") || path == "/token" || path == "/token/":
			oci.ServeHTTP(w, r)
		case path == "/healthz" || path == "/readyz":
			probes.ServeHTTP(w, r)
		case path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			welcome(w)
		default:
			http.Error(w, "There is nothing at this address. Images are under /v2/, the API takes POST at /.", http.StatusNotFound)
		}
	})
}

// welcomePage is for people who open the address in a browser.
func welcomePage(c muxConfig) func(http.ResponseWriter) {
	text := fmt.Sprintf("This is openecr %s, a registry of container images.\n\n    docker pull %s/%s/NAME:TAG\n", c.version, c.public.Host, c.alias)
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// newProbes answers the two questions of an orchestrator: does the process live, and can it do its work.
func newProbes(meta registry.Meta) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if _, _, err := registry.FindRoot(ctx, meta); err != nil {
			observe(r, "readyz", registry.Caller{}, err)
			http.Error(w, "The metadata store does not answer; the log says why.", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

// newAdminMux is what only an operator may see.
func newAdminMux(meta registry.Meta) http.Handler {
	mux := http.NewServeMux()
	probes := newProbes(meta)
	mux.Handle("/healthz", probes)
	mux.Handle("/readyz", probes)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
