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
	identity *identity
	stores   stores
	public   *url.URL
	spool    string
	alias    string
	version  string
	rates    map[string]rate
	// strictRegion has the API refuse requests signed for another region.
	strictRegion bool
	access       Access
}

// newMux tells requests apart: POST / is the API or STS, /v2/ and /token are the docker registry.
func newMux(c muxConfig) http.Handler {
	id := c.identity
	throttle := newThrottle(c.rates)
	begin := beginWithConditions(id.beginAPI)
	if c.strictRegion {
		begin = beginInOnlyRegion(begin)
	}
	api := ecrapi.New(ecrapi.Options{
		Registry:   c.registry,
		Begin:      begin,
		IssueToken: id.issuePassword,
		SpoolDir:   c.spool,
		Throttle:   throttle.take,
		Observe:    observe,
	})
	oci := ociapi.New(ociapi.Options{
		Registry:     c.registry,
		PublicURL:    func(*http.Request) *url.URL { return c.public },
		Authenticate: authenticateWithConditions(id.authenticate),
		IssueToken:   id.issueBearer,
		Throttle:     throttle.take,
		Private:      c.access.Private,
		CreateOnPush: c.access.catalogOfPushed(),
		DefaultAlias: func(context.Context, registry.Caller) ref.Alias { return ref.Alias(c.alias) },
		Observe:      observe,
	})
	probes := newProbes(c.stores.meta)
	logos := logoHandler(c.registry)
	welcome := welcomePage(c)
	routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/" && r.Method == http.MethodPost:
			api.ServeHTTP(w, r)
		case path == "/v2" || strings.HasPrefix(path, "/v2/") || path == "/token" || path == "/token/":
			oci.ServeHTTP(w, r)
		case strings.HasPrefix(path, registry.LogoPath):
			logos.ServeHTTP(w, r)
		case path == "/healthz" || path == "/readyz":
			probes.ServeHTTP(w, r)
		case path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			welcome(w)
		default:
			http.Error(w, "There is nothing at this address. Images are under /v2/, the API takes POST at /.", http.StatusNotFound)
		}
	})
	return withOtherServices(routes, c.registry, id)
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
