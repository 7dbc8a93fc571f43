package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/gallery"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

// auditError says why a request was refused, in the words of the API where it has some. What is ours to repair stays in
// the log of the server.
func auditError(change registry.Change, rec *record) (code, message string) {
	err := change.Err
	if err == nil {
		return "", ""
	}
	if code, message, ok := ecrapi.Exception(change.Action, err); ok {
		return code, message
	}
	var onRegistry *ociapi.Error
	var tooMany *gallery.TooManyTries
	switch {
	case errors.As(err, &onRegistry):
		return onRegistry.Code, onRegistry.Message
	case errors.As(err, &tooMany):
		return "ThrottlingException", err.Error()
	case errors.Is(err, context.Canceled):
		return "RequestTimeoutException", "The client gave up before the request was done."
	case rec.wire == "" || rec.wire == commandWireName:
		return "CommandFailed", err.Error() // whoever may run commands may read everything
	}
	return "ServerException", "The server failed to answer. Its log says why under this request id."
}

const consoleLogin = "ConsoleLogin"

// auditedSignIn keeps account of who signs in to the gallery, and of who fails to. Programs sign in with every request, so
// of them only failures are noted.
func (a *auditor) auditedSignIn(signIn func(r *http.Request, name, secret string) (gallery.Session, error)) func(r *http.Request, name, secret string) (gallery.Session, error) {
	if a == nil {
		return signIn
	}
	return func(r *http.Request, name, secret string) (gallery.Session, error) {
		session, err := signIn(r, name, secret)
		if err != nil || r.Method == http.MethodPost {
			a.note(r, session.Caller, registry.Change{Action: consoleLogin, Err: err})
		}
		return session, err
	}
}

// auditedSTS keeps account of tokens that STS gives, and of calls that it refuses.
func (a *auditor) auditedSTS(observe func(*http.Request, string, registry.Caller, error)) func(*http.Request, string, registry.Caller, error) {
	if a == nil {
		return observe
	}
	return func(r *http.Request, action string, caller registry.Caller, err error) {
		if err != nil || action != "GetCallerIdentity" {
			a.note(r, caller, registry.Change{Action: cmp.Or(action, "UnknownOperation"), Err: err}) // it is read only once its sender is known
		}
		observe(r, action, caller, err)
	}
}
