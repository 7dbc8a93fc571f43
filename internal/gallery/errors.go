package gallery

import (
	"errors"
	"math"
	"net/http"

	"github.com/openecr/openecr/internal/registry"
)

// requestIDHeader carries the id of a request. Whoever calls the Server has set it.
const requestIDHeader = "X-Amzn-Requestid"

var (
	errNowhere = errors.New("no page has this address")
	errMethod  = errors.New("pages are only read")
	errSignIn  = errors.New("nobody is signed in")
)

// failure is what an error page says.
type failure struct {
	Status    int
	Heading   string
	Text      string
	RequestID string // of an error that the log explains
}

// challenge asks a program for a name and password (RFC 7617).
func (s *Server) challenge() string { return `Basic realm="` + s.site.Host + `", charset="UTF-8"` }

// errorPage makes the page for err. What is wrong inside the server is named by its request id only.
func (s *Server) errorPage(v *visit, requestID string, err error) answer {
	if errors.Is(err, errSignIn) {
		return answer{
			status: http.StatusUnauthorized, contentType: typeText, challenge: s.challenge(),
			body: []byte("This registry is private. Sign in as AWS with the password that docker login takes.\n"),
		}
	}
	f := explain(err)
	if f.Status == http.StatusInternalServerError {
		f.RequestID = requestID
	}
	a, renderErr := s.render(v, f.Status, "error", page{Title: f.Heading, OwnSearch: true, Unlisted: true, Body: f})
	if renderErr != nil {
		return answer{status: http.StatusInternalServerError, contentType: typeText, body: []byte("The server failed to answer. Its log says why under request id " + requestID + ".\n")}
	}
	if f.Status == http.StatusMethodNotAllowed {
		a.allow = "GET, HEAD"
	}
	var tries *TooManyTries
	if errors.As(err, &tries) {
		a.retryAfter = int(math.Ceil(tries.Wait.Seconds()))
	}
	return a
}

func explain(err error) failure {
	var refused *registry.Error
	switch {
	case errors.Is(err, errForeignForm):
		return failure{Status: http.StatusForbidden, Heading: "This form is out of date", Text: "It was written before you signed in, or by a page of somebody else, so nothing was done. Open the page again."}
	case errors.Is(err, errBrokenForm):
		return failure{Status: http.StatusBadRequest, Heading: "This form cannot be read", Text: "It is broken, or has more than 1 MB. Nothing was done."}
	case errors.As(err, new(*TooManyTries)):
		return failure{Status: http.StatusTooManyRequests, Heading: "Too many tries", Text: "Signing in has failed too often. Wait a minute, then try again."}
	case errors.Is(err, errMethod):
		return failure{Status: http.StatusMethodNotAllowed, Heading: "This page is only read", Text: "It takes GET and HEAD."}
	case errors.Is(err, errNowhere):
		return failure{Status: http.StatusNotFound, Heading: "There is no such page", Text: "The address may have been mistyped, or what it showed may be gone. Searching may find it."}
	case !errors.As(err, &refused):
		return failure{Status: http.StatusInternalServerError, Heading: "Something went wrong", Text: "The server failed to answer. Trying again in a moment may help; its log says why it failed."}
	}
	switch refused.Kind {
	case registry.RegistryNotFound:
		return failure{Status: http.StatusNotFound, Heading: "No publisher has this name", Text: "There is no registry under this alias. Searching may find what you look for."}
	case registry.RepositoryNotFound:
		return failure{Status: http.StatusNotFound, Heading: "There is no such repository", Text: "The publisher has no repository of this name. Searching may find what you look for."}
	case registry.ImageNotFound:
		return failure{Status: http.StatusNotFound, Heading: "There is no such image", Text: "The repository has no image with this tag or digest. It may have been deleted or replaced."}
	case registry.AccessDenied:
		return failure{Status: http.StatusForbidden, Heading: "You may not see this", Text: refused.Message}
	case registry.ReadOnly, registry.Overloaded:
		return failure{Status: http.StatusServiceUnavailable, Heading: "Not now", Text: refused.Message}
	case registry.NoRoom:
		return failure{Status: http.StatusInsufficientStorage, Heading: "Not now", Text: refused.Message}
	default:
		return failure{Status: http.StatusBadRequest, Heading: "This cannot be shown", Text: refused.Message}
	}
}
