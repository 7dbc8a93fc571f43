package ociapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// The way of a client to its token (docker's token authentication, distribution project "auth/token"):
//
//	GET /v2/                          401, Www-Authenticate: Bearer realm="…/token",service="HOST",scope="aws"
//	GET /token  Basic AWS:PASSWORD    200, {"token": …}; without Basic it is a token for nobody
//	GET /v2/    Bearer TOKEN          200
//
// Pulls work without any of it. Clients that never ask /v2/ first get the same challenge when they push.

// Why a challenge is sent (RFC 6750, section 3.1): it is the error that clients act on. Invalid makes them ask for a new
// token, insufficient for one that may do more.
const (
	challengeMissing      = ""
	challengeInvalid      = "invalid_token"
	challengeInsufficient = "insufficient_scope"
)

// unauthorized is a refusal that tells the client where to sign in.
func (s *Server) unauthorized(r *http.Request, q Request, message, reason string) *Error {
	public := s.PublicURL(r)
	realm := url.URL{Scheme: public.Scheme, Host: public.Host, Path: "/token"}
	challenge := fmt.Sprintf("Bearer realm=%q,service=%q,scope=%q", realm.String(), public.Host, q.scope())
	if reason != "" {
		challenge += fmt.Sprintf(",error=%q", reason)
	}
	e := refusef(http.StatusUnauthorized, codeUnauthorized, "%s", message)
	e.Header = http.Header{"Www-Authenticate": {challenge}}
	return e
}

// signIn says that doing something needs a login.
func (s *Server) signIn(r *http.Request, q Request, doing string) *Error {
	reason := challengeMissing
	if r.Header.Get("Authorization") != "" {
		reason = challengeInsufficient // nobody's token
	}
	return s.unauthorized(r, q, doing+" needs a login: run docker login "+s.PublicURL(r).Host+" as user AWS with the password of aws ecr-public get-login-password.", reason)
}

// ping tells clients that this is a registry and, as long as they send no token, where to get one.
func (s *Server) ping(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	if r.Header.Get("Authorization") == "" {
		return s.unauthorized(r, q, "A bearer token is missing: the Www-Authenticate header says where to get one, with or without a login.", challengeMissing)
	}
	writeJSON(w, http.StatusOK, struct{}{})
	return nil
}

// token answers with a bearer token for whoever signs in, and with one for nobody when nobody does.
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	login, scopes, err := readLogin(w, r)
	if err != nil {
		return err
	}
	token, err := s.IssueToken(r, login, scopes)
	if denied := denial(err); denied != nil {
		return s.wrongLogin(r, denied)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"` // the same under its OAuth 2 name
		ExpiresIn   int64  `json:"expires_in"`   // seconds
		IssuedAt    string `json:"issued_at"`
	}{token.Value, token.Value, int64(token.ExpiresIn / time.Second), token.IssuedAt.UTC().Format(time.RFC3339)})
	return nil
}

func (s *Server) wrongLogin(r *http.Request, denied *registry.Error) *Error {
	e := refusef(http.StatusUnauthorized, codeUnauthorized, "%s", denied.Message)
	e.cause = denied
	e.Header = http.Header{"Www-Authenticate": {fmt.Sprintf("Basic realm=%q", s.PublicURL(r).Host)}}
	return e
}

// maxTokenForm is room for a password and many scopes.
const maxTokenForm = 64 << 10

// readLogin takes the login from the Authorization header of a GET or from the form of a POST.
func readLogin(w http.ResponseWriter, r *http.Request) (Login, []string, error) {
	if r.Method == http.MethodPost {
		return readForm(w, r)
	}
	scopes := splitScopes(r.URL.Query()["scope"])
	if r.Header.Get("Authorization") == "" {
		return Login{}, scopes, nil
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		return Login{}, nil, refusef(http.StatusBadRequest, codeUnsupported, "The Authorization header of a token request must be Basic, with user AWS and a password.")
	}
	return Login{user, password}, scopes, nil
}

// readForm reads an OAuth 2 request (RFC 6749, section 4.3.2). Refresh tokens are never issued here, so none is taken.
func readForm(w http.ResponseWriter, r *http.Request) (Login, []string, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		e := refusef(http.StatusBadRequest, codeUnsupported, "The form of a token request cannot be read: send at most %d bytes of application/x-www-form-urlencoded.", maxTokenForm)
		e.cause = err
		return Login{}, nil, e
	}
	if grant := r.PostForm.Get("grant_type"); grant != "password" {
		return Login{}, nil, refusef(http.StatusBadRequest, codeUnsupported, "The grant_type %q is not supported: use password, or GET with Basic authentication.", clip(grant))
	}
	return Login{r.PostForm.Get("username"), r.PostForm.Get("password")}, splitScopes(r.PostForm["scope"]), nil
}

// splitScopes takes scopes that come in one value, as OAuth 2 has it, and in several, as docker has it.
func splitScopes(values []string) []string {
	return strings.Fields(strings.Join(values, " "))
}
