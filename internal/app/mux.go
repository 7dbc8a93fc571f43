package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"net/url"
	"strings"
	"sync"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/gallery"
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
	ready        *readiness
	auditor      *auditor
	gates        *gates
}

// newMux tells requests apart: POST / is the API or STS, /v2/ and /token are the docker registry, everything else that only
// reads is the gallery.
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
		Audit:      c.auditor.hook(),
		Receive:    c.gates.receive,
		Admit:      c.gates.admit,
		Observe:    observe,
	})
	oci := ociapi.New(ociapi.Options{
		Registry:     c.registry,
		PublicURL:    func(*http.Request) *url.URL { return c.public },
		Authenticate: authenticateWithConditions(id.authenticate),
		IssueToken:   id.issueBearer,
		Throttle:     throttle.take,
		Admit:        c.gates.admit,
		Private:      c.access.Private,
		CreateOnPush: c.access.catalogOfPushed(),
		DefaultAlias: func(context.Context, registry.Caller) ref.Alias { return ref.Alias(c.alias) },
		Audit:        c.auditor.hook(),
		Observe:      observe,
	})
	logos := c.gates.around(browsing, logoHandler(c.registry))
	people := newSignIns(id)
	// Its templates and files are made ready when somebody first looks at a page: a server that only machines use starts
	// faster and stays smaller without.
	pages := sync.OnceValue(func() *gallery.Server {
		return gallery.New(gallery.Options{
			Registry:  c.registry,
			PublicURL: c.public,
			Version:   c.version,
			Private:   c.access.Private,
			SignIn:    c.auditor.auditedSignIn(people.signIn),
			Resume:    people.resume,
			Audit:     c.auditor.hook(),
			Observe:   observe,
		})
	})
	browse := c.gates.around(browsing, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages().ServeHTTP(w, r) }))
	crawl := c.gates.around(browsing, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages().Crawl(w, r) }))
	routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/" && r.Method == http.MethodPost:
			onWire("api", api, w, r)
		case path == "/v2" || strings.HasPrefix(path, "/v2/") || path == "/token" || path == "/token/":
			onWire("registry", oci, w, r)
		case strings.HasPrefix(path, registry.LogoPath):
			logos.ServeHTTP(w, r)
		case path == "/healthz" || path == "/readyz":
			onWire("probe", c.ready, w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			onWire("gallery", browse, w, r)
		case r.Method == http.MethodPost && gallery.TakesForms(path):
			onWire("gallery", browse, w, r)
		case r.Method == http.MethodPost && gallery.IsCrawl(path):
			onWire("gallery", crawl, w, r)
		default:
			http.Error(w, "There is nothing at this address. Images are under /v2/, the API takes POST at /.", http.StatusNotFound)
		}
	})
	return withOtherServices(routes, c.registry, id, c.auditor, c.gates)
}

// newAdminMux is what only an operator may see.
func newAdminMux(ready, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", ready)
	mux.Handle("/readyz", ready)
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
