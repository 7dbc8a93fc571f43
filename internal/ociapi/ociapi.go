package ociapi

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Options is what a Server needs. The functions but DefaultAlias, Audit and Observe are required.
//
// An error of kind registry.AccessDenied from Authenticate or IssueToken refuses what the client sent to prove itself:
// it gets 401 and the message. Any other error is internal.
type Options struct {
	Registry *registry.Registry
	// PublicURL is the scheme and host under which the client of a request reaches the server. Locations and token
	// realms are made from it.
	PublicURL func(*http.Request) *url.URL
	// Authenticate finds the caller by the Authorization header of a request under /v2/. Without the header, and for
	// the token that IssueToken gives to nobody, that is the zero Caller. The scopes are those of a bearer token.
	Authenticate func(*http.Request) (registry.Caller, Scopes, error)
	// IssueToken makes a bearer token for a login, the zero Login being nobody's. Scopes are as they were asked for; the
	// token is for what Narrow leaves of them.
	IssueToken func(r *http.Request, login Login, scopes []string) (Token, error)
	// Throttle says how long the caller is to wait before it makes a request of that kind again; 0 lets it go on. Nil never
	// throttles.
	Throttle func(r *http.Request, caller registry.Caller, kind string) time.Duration
	// Admit has a request wait until there is a place for it, and fails when there is none. Nil admits all.
	Admit func(r *http.Request, caller registry.Caller, kind string) error
	// DefaultAlias is the alias to suggest to a caller who named none; empty when there is nothing to suggest.
	DefaultAlias func(context.Context, registry.Caller) ref.Alias
	// Private lets nobody pull without signing in.
	Private bool
	// CreateOnPush is what a repository begins with that a push of its owner makes. When it is nil, pushes make none.
	CreateOnPush *registry.Catalog
	// Audit hears, before the answer, of every request that changes something or should have, and of those that were
	// refused for their caller. Nil when nobody keeps account.
	Audit func(r *http.Request, caller registry.Caller, change registry.Change)
	// Observe hears once of every request, after its answer: what it was, its caller as far as known, and why it failed.
	Observe func(r *http.Request, operation string, caller registry.Caller, err error)
}

// Login is what a client proves itself with.
type Login struct {
	User     string
	Password string
}

// Token is a bearer token for /v2/.
type Token struct {
	Value     string
	IssuedAt  time.Time
	ExpiresIn time.Duration
}

// requestIDHeader carries the id of a request. Whoever calls the Server has set it.
const requestIDHeader = "X-Amzn-Requestid"

// Server answers /v2/ and /token.
type Server struct{ Options }

// New makes a Server.
func New(o Options) *Server {
	if o.Observe == nil {
		o.Observe = func(*http.Request, string, registry.Caller, error) {}
	}
	if o.Throttle == nil {
		o.Throttle = func(*http.Request, registry.Caller, string) time.Duration { return 0 }
	}
	if o.Admit == nil {
		o.Admit = func(*http.Request, registry.Caller, string) error { return nil }
	}
	return &Server{o}
}

// As octetStream is shared.
var (
	apiVersion = []string{"registry/2.0"}
	noSniff    = []string{"nosniff"}
	sandbox    = []string{"default-src 'none'; sandbox"}
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Docker-Distribution-Api-Version"] = apiVersion
	// Bytes come from anybody who may push. No browser is to take them for a page of this host.
	h["X-Content-Type-Options"] = noSniff
	h["Content-Security-Policy"] = sandbox

	q, caller, err := s.serve(w, r)
	if err != nil {
		s.auditRefusal(r, q, caller, err)
		s.writeError(w, r, q, caller, err)
	}
	s.Observe(r, string(q.Kind), caller, err)
}

// serve finds out what is asked and by whom, and lets the handler answer. When it fails, nothing is written yet.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) (Request, registry.Caller, error) {
	q, malformed := Parse(r.Method, r.URL)
	if q.Kind == TokenGet || q.Kind == TokenPost {
		if err := s.admit(r, q, registry.Caller{}); err != nil {
			return q, registry.Caller{}, err
		}
		return q, registry.Caller{}, s.token(w, r)
	}
	caller, scopes, err := s.Authenticate(r)
	if denied := denial(err); denied != nil {
		e := s.unauthorized(r, q, denied.Message, challengeInvalid)
		e.cause = denied
		return q, registry.Caller{}, e
	}
	switch {
	case err != nil:
		return q, registry.Caller{}, err
	case s.Private && caller.Anonymous():
		return q, caller, s.signIn(r, q, "This registry is private and")
	case malformed != nil:
		return q, caller, malformed
	case q.Kind.pushes() && caller.Anonymous():
		return q, caller, s.signIn(r, q, "Pushing")
	}
	if err := s.admit(r, q, caller); err != nil {
		return q, caller, err
	}
	if err := s.checkScopes(r, q, caller, scopes); err != nil {
		return q, caller, err
	}
	if s.Private && !scopes.allow(q.From, actionPull) {
		q.Mount = ref.Digest{} // as if its source were not there
	}
	return q, caller, s.handler(q.Kind)(w, r, q, caller)
}

// admit lets a request go on that comes neither too often nor while there is too much to do.
func (s *Server) admit(r *http.Request, q Request, caller registry.Caller) error {
	if err := s.throttle(r, q, caller); err != nil {
		return err
	}
	return s.Admit(r, caller, string(q.Kind))
}

// throttle refuses a caller who asks too often, and says when to come back (RFC 9110, "Retry-After").
func (s *Server) throttle(r *http.Request, q Request, caller registry.Caller) error {
	wait := s.Throttle(r, caller, string(q.Kind))
	if wait <= 0 {
		return nil
	}
	e := refusef(http.StatusTooManyRequests, codeTooManyRequests, "Rate exceeded")
	e.Header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return e
}

// handler answers a request, or returns an error and has written nothing.
type handler func(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error

func (s *Server) handler(k Kind) handler {
	switch k {
	case Ping:
		return s.ping
	case BlobHead:
		return s.blobHead
	case BlobGet:
		return s.blobGet
	case BlobUploadStart:
		return s.uploadStart
	case BlobUploadChunk:
		return s.uploadChunk
	case BlobUploadFinish:
		return s.uploadFinish
	case BlobUploadStatus:
		return s.uploadStatus
	case BlobUploadCancel:
		return s.uploadCancel
	case ManifestHead, ManifestGet:
		return s.manifestGet
	case ManifestPut:
		return s.manifestPut
	case ManifestDelete:
		return s.manifestDelete
	case BlobDelete:
		return s.blobDelete
	case TagsList:
		return s.tagsList
	case ReferrersList:
		return s.referrersList
	default:
		return nil // no other kind comes here: tokens are answered before anybody is authenticated
	}
}

// location is the absolute URL of what q asks for. It is built by the inverse of Parse, so the two cannot drift apart.
func (s *Server) location(r *http.Request, q Request) string {
	u, public := q.URL(), s.PublicURL(r)
	u.Scheme, u.Host = public.Scheme, public.Host
	return u.String()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	writeJSONAs(w, status, "application/json; charset=utf-8", v)
}

func writeJSONAs(w http.ResponseWriter, status int, mediaType string, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings and numbers always encode
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that left does not hear the answer
}
