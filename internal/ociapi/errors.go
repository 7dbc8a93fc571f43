package ociapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// The codes of the OCI distribution spec 1.1, section "Error Codes", and two of our own for what the spec has none:
// failures of the server, and its pauses.
const (
	codeBlobUnknown         = "BLOB_UNKNOWN"
	codeBlobUploadInvalid   = "BLOB_UPLOAD_INVALID"
	codeBlobUploadUnknown   = "BLOB_UPLOAD_UNKNOWN"
	codeDigestInvalid       = "DIGEST_INVALID"
	codeManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
	codeManifestInvalid     = "MANIFEST_INVALID"
	codeManifestUnknown     = "MANIFEST_UNKNOWN"
	codeNameInvalid         = "NAME_INVALID"
	codeNameUnknown         = "NAME_UNKNOWN"
	codeSizeInvalid         = "SIZE_INVALID"
	codeUnauthorized        = "UNAUTHORIZED"
	codeDenied              = "DENIED"
	codeUnsupported         = "UNSUPPORTED"
	codeTooManyRequests     = "TOOMANYREQUESTS"
	codeUnavailable         = "UNAVAILABLE"
	codeUnknown             = "UNKNOWN"
)

// answer is a code of the spec with its status.
type answer struct {
	status int
	code   string
}

// answers is the one table from the core's kinds to codes. What only the API can run into is refused as unsupported.
// AlreadyExists kinds are success here, and are so before they come to this table.
var answers = map[registry.Kind]answer{
	registry.InvalidParameter:         {http.StatusBadRequest, codeUnsupported},
	registry.AccessDenied:             {http.StatusForbidden, codeDenied},
	registry.RegistryNotFound:         {http.StatusNotFound, codeNameUnknown},
	registry.RepositoryNotFound:       {http.StatusNotFound, codeNameUnknown},
	registry.RepositoryAlreadyExists:  {http.StatusBadRequest, codeUnsupported},
	registry.RepositoryNotEmpty:       {http.StatusBadRequest, codeUnsupported},
	registry.PolicyNotFound:           {http.StatusBadRequest, codeUnsupported},
	registry.InvalidResourceTag:       {http.StatusBadRequest, codeUnsupported},
	registry.TooManyResourceTags:      {http.StatusBadRequest, codeUnsupported},
	registry.LayerNotFound:            {http.StatusNotFound, codeBlobUnknown},
	registry.LayerAlreadyExists:       {http.StatusBadRequest, codeUnsupported},
	registry.InvalidDigest:            {http.StatusBadRequest, codeDigestInvalid},
	registry.InvalidLayer:             {http.StatusBadRequest, codeDigestInvalid},
	registry.UploadNotFound:           {http.StatusNotFound, codeBlobUploadUnknown},
	registry.InvalidLayerPart:         {http.StatusRequestedRangeNotSatisfiable, codeBlobUploadInvalid},
	registry.LayerPartTooSmall:        {http.StatusBadRequest, codeBlobUploadInvalid},
	registry.EmptyUpload:              {http.StatusBadRequest, codeBlobUploadInvalid},
	registry.InvalidManifest:          {http.StatusBadRequest, codeManifestInvalid},
	registry.ImageNotFound:            {http.StatusNotFound, codeManifestUnknown},
	registry.ImageAlreadyExists:       {http.StatusBadRequest, codeUnsupported},
	registry.ImageDigestDoesNotMatch:  {http.StatusBadRequest, codeDigestInvalid},
	registry.LayersNotFound:           {http.StatusBadRequest, codeManifestBlobUnknown},
	registry.ReferencedImagesNotFound: {http.StatusBadRequest, codeManifestBlobUnknown},
	registry.LimitExceeded:            {http.StatusForbidden, codeDenied},
	registry.Referenced:               {http.StatusMethodNotAllowed, codeUnsupported},
	registry.ReadOnly:                 {http.StatusServiceUnavailable, codeUnavailable},
	registry.Overloaded:               {http.StatusServiceUnavailable, codeTooManyRequests}, // docker sends again after 5xx, never after 429
	registry.NoRoom:                   {http.StatusInsufficientStorage, codeUnavailable},    // of a 5xx docker shows the status alone: it has to say it
}

// Error is a refusal as the client reads it.
type Error struct {
	Status  int
	Code    string
	Message string
	Header  http.Header // what the answer says beyond its body; may be nil
	cause   error
}

func (e *Error) Error() string {
	if e.cause != nil && e.cause.Error() != e.Message {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.cause }

func refusef(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// missingAliasError is a repository path of one element: the registry it should be in is not named.
type missingAliasError struct{ name ref.RepositoryName }

func (e *missingAliasError) Error() string {
	return fmt.Sprintf("The repository name '%s' has no registry alias in front of it: write HOST/ALIAS/%s", e.name, e.name)
}

// accept turns an error of a kind that means success on this wire into none.
func accept(kind registry.Kind, err error) error {
	if err != nil && registry.KindOf(err) == kind {
		return nil
	}
	return err
}

// denial is the refusal of what a client sent to prove itself; nil for any other error.
func denial(err error) *registry.Error {
	if err == nil {
		return nil // without making room for what As finds
	}
	var e *registry.Error
	if errors.As(err, &e) && e.Kind == registry.AccessDenied {
		return e
	}
	return nil
}

// writeError answers with what the client may know of err.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller, err error) {
	e := s.refusal(r, q, caller, err)
	if e == nil {
		e = refusef(http.StatusInternalServerError, codeUnknown, "The server failed to answer. Its log says why under request id %s.", w.Header().Get(requestIDHeader))
	}
	for name, values := range e.Header {
		w.Header()[name] = values
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(e.Status)
		return
	}
	type one struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	writeJSON(w, e.Status, struct {
		Errors []one `json:"errors"`
	}{[]one{{e.Code, e.Message}}})
}

// refusal is the error as the client may read it, nil for one that is ours to repair.
func (s *Server) refusal(r *http.Request, q Request, caller registry.Caller, err error) *Error {
	var e *Error
	var missing *missingAliasError
	var refused *registry.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &missing):
		return s.nameTheAlias(r, caller, missing)
	case errors.As(err, &refused):
		return s.coreRefusal(r, q, caller, refused)
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return refusef(http.StatusRequestTimeout, codeUnsupported, "The request was given up before it was done: send it again.") // the client left
	default:
		return nil
	}
}

func (s *Server) coreRefusal(r *http.Request, q Request, caller registry.Caller, refused *registry.Error) *Error {
	if refused.Kind == registry.AccessDenied && caller.Anonymous() {
		return s.unauthorized(r, q, refused.Message, challengeMissing)
	}
	a := answers[refused.Kind]
	e := refusef(a.status, a.code, "%s", refused.Message)
	if seconds := refused.Kind.RetryAfter(); seconds > 0 {
		e.Header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
	switch {
	case refused.Kind == registry.Referenced:
		e.Header = http.Header{"Allow": {"GET, HEAD"}} // as long as something needs it
	case refused.Kind == registry.ImageNotFound:
		e.Message = "Requested image not found" // as the real service says here, unlike in its API
	case refused.Kind == registry.RepositoryNotFound && q.Kind.pushes():
		e.Message += fmt.Sprintf(": make it with aws ecr-public create-repository --repository-name %s", q.Name)
	}
	if refused.Upload != nil {
		e.Header = s.standing(r, q, *refused.Upload)
	}
	return e
}

func (s *Server) nameTheAlias(r *http.Request, caller registry.Caller, missing *missingAliasError) *Error {
	e := refusef(http.StatusNotFound, codeNameUnknown, "%v", missing)
	if s.DefaultAlias == nil {
		return e
	}
	if alias := s.DefaultAlias(r.Context(), caller); alias != "" {
		e.Message = fmt.Sprintf("The repository name '%s' has no registry alias in front of it: write %s/%s/%s", missing.name, s.PublicURL(r).Host, alias, missing.name)
	}
	return e
}

// clip keeps an error message short when somebody sends a megabyte as a name.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
