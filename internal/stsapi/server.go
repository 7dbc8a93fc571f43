package stsapi

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Pending is a request whose sender is not proven yet.
type Pending interface {
	// Finish proves the signature over a body with that hash.
	Finish(bodySHA256 [sha256.Size]byte) (registry.Caller, error)
}

// Options is what a Server needs. All but Observe are required.
type Options struct {
	Registry *registry.Registry
	// Begin checks all of a signature that needs no body. An error with methods ErrorCode and ErrorMessage goes to the
	// client, any other is internal.
	Begin func(*http.Request) (Pending, error)
	// IssueToken makes the token that GetServiceBearerToken answers.
	IssueToken func(context.Context, registry.Caller) (token string, expires time.Time, err error)
	// Observe hears once of every request: its action, its caller as far as known, and why it failed.
	Observe func(r *http.Request, action string, caller registry.Caller, err error)
}

// Server answers POST / with a form.
type Server struct{ Options }

// New makes a Server.
func New(o Options) *Server {
	if o.Observe == nil {
		o.Observe = func(*http.Request, string, registry.Caller, error) {}
	}
	return &Server{o}
}

const (
	version = "2011-06-15"
	// maxBody is far more than either call needs.
	maxBody = 64 << 10
)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, caller, err := s.read(r)
	action := form.Get("Action")
	var answer any
	if err == nil {
		answer, err = s.answer(r.Context(), w.Header().Get(requestIDHeader), form, caller)
	}
	s.Observe(r, action, caller, err)
	if err != nil {
		writeError(w, err)
		return
	}
	writeXML(w, http.StatusOK, answer)
}

// read takes the form and proves who sent it. The form is for the log only while there is an error.
func (s *Server) read(r *http.Request) (url.Values, registry.Caller, error) {
	pending, err := s.Begin(r)
	if err != nil {
		return nil, registry.Caller{}, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, registry.Caller{}, &Error{"RequestTimeout", "The body of the request did not arrive whole: send it again.", http.StatusBadRequest}
	}
	if len(body) > maxBody {
		return nil, registry.Caller{}, &Error{"RequestEntityTooLarge", fmt.Sprintf("The body of a request has at most %d bytes.", maxBody), http.StatusRequestEntityTooLarge}
	}
	caller, err := pending.Finish(sha256.Sum256(body))
	if err != nil {
		return nil, registry.Caller{}, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		err = &Error{"MalformedQueryString", "The body is not a form: " + err.Error() + ".", http.StatusBadRequest}
	}
	return form, caller, err
}

func (s *Server) answer(ctx context.Context, requestID string, form url.Values, caller registry.Caller) (any, error) {
	action := form.Get("Action")
	if v := form.Get("Version"); v != version {
		return nil, &Error{"InvalidAction", fmt.Sprintf("Could not find operation %.100s for version %.100s", action, v), http.StatusBadRequest}
	}
	switch action {
	case "GetCallerIdentity":
		return newCallerIdentity(caller, requestID), nil
	case "GetServiceBearerToken":
		// No public document describes this call; its members are named as those of STS's other calls.
		if err := s.Registry.AuthorizeLogin(caller); err != nil {
			return nil, err
		}
		token, expires, err := s.IssueToken(ctx, caller)
		return newServiceBearerToken(token, expires, requestID), err
	}
	return nil, &Error{"InvalidAction", fmt.Sprintf("openecr answers GetCallerIdentity and GetServiceBearerToken of STS, not %.100s: its access keys are permanent, and it has no roles.", action), http.StatusBadRequest}
}
