package ecrapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

// Error is an exception that belongs to no operation: what the front end of every AWS service may answer.
type Error struct {
	Code    string
	Message string
	Status  int
	// RetryAfter is how long to wait before the call is sent again; 0 says nothing about it.
	RetryAfter time.Duration
	cause      error
}

func (e *Error) Error() string        { return e.Code + ": " + e.Message }
func (e *Error) Unwrap() error        { return e.cause }
func (e *Error) ErrorCode() string    { return e.Code }
func (e *Error) ErrorMessage() string { return e.Message }
func (e *Error) HTTPStatus() int      { return e.Status }

// exception is an error whose text a client may read. The exceptions of package ecrpublic are such, and those of
// whoever implements Options.Begin. Its status is 400 unless it has a method HTTPStatus.
type exception interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// codes is the one table from the core's kinds to exceptions.
var codes = map[registry.Kind]string{
	registry.InvalidParameter:         "InvalidParameterException",
	registry.AccessDenied:             "AccessDeniedException",
	registry.RegistryNotFound:         "RegistryNotFoundException",
	registry.RepositoryNotFound:       "RepositoryNotFoundException",
	registry.RepositoryAlreadyExists:  "RepositoryAlreadyExistsException",
	registry.RepositoryNotEmpty:       "RepositoryNotEmptyException",
	registry.PolicyNotFound:           "RepositoryPolicyNotFoundException",
	registry.InvalidResourceTag:       "InvalidTagParameterException",
	registry.TooManyResourceTags:      "TooManyTagsException",
	registry.LayerNotFound:            "LayersNotFoundException",
	registry.LayerAlreadyExists:       "LayerAlreadyExistsException",
	registry.InvalidDigest:            "InvalidParameterException",
	registry.InvalidLayer:             "InvalidLayerException",
	registry.UploadNotFound:           "UploadNotFoundException",
	registry.InvalidLayerPart:         "InvalidLayerPartException",
	registry.LayerPartTooSmall:        "LayerPartTooSmallException",
	registry.EmptyUpload:              "EmptyUploadException",
	registry.InvalidManifest:          "InvalidParameterException",
	registry.ImageNotFound:            "ImageNotFoundException",
	registry.ImageAlreadyExists:       "ImageAlreadyExistsException",
	registry.ImageDigestDoesNotMatch:  "ImageDigestDoesNotMatchException",
	registry.LayersNotFound:           "LayersNotFoundException",
	registry.ReferencedImagesNotFound: "ReferencedImagesNotFoundException",
	registry.LimitExceeded:            "LimitExceededException",
	registry.Referenced:               "InvalidParameterException", // the registry wire only
	registry.ReadOnly:                 "ServiceUnavailableException",
	registry.Overloaded:               "ThrottlingException",
	registry.NoRoom:                   "ServiceUnavailableException",
}

// common are the kinds that any operation may end with, so that none lists them.
var common = []registry.Kind{registry.AccessDenied, registry.ReadOnly, registry.Overloaded, registry.NoRoom}

// code is the exception for a kind as far as the operation models it. An unknown registry is, for the operations that
// model no such thing, a repository that is not there; what is left is a parameter that cannot be right.
func code(op *ecrpublic.Operation, kind registry.Kind) string {
	if op == nil || slices.Contains(common, kind) {
		return codes[kind]
	}
	candidates := []string{codes[kind]}
	if kind == registry.RegistryNotFound {
		candidates = append(candidates, codes[registry.RepositoryNotFound])
	}
	for _, c := range candidates {
		if slices.ContainsFunc(op.Errors, func(s *ecrpublic.Shape) bool { return s.Name == c }) {
			return c
		}
	}
	return codes[registry.InvalidParameter]
}

// Exception is what a client of the operation with that name may read of an error: a code and the text behind it. It is
// not ok for what is ours to repair.
func Exception(operation string, err error) (code, message string, ok bool) {
	op, _ := ecrpublic.OperationByName(operation)
	return exceptionOf(op, err)
}

func exceptionOf(op *ecrpublic.Operation, err error) (name, message string, ok bool) {
	var refused *registry.Error
	var invalid *ecrpublic.ValidationError
	var malformed *ecrpublic.SerializationError
	var known exception
	switch {
	case errors.As(err, &refused):
		return code(op, refused.Kind), refused.Message, true
	case errors.As(err, &invalid):
		return "InvalidParameterException", invalid.Error(), true
	case errors.As(err, &malformed):
		return "SerializationException", malformed.Error(), true
	case errors.As(err, &known):
		return known.ErrorCode(), known.ErrorMessage(), true
	}
	return "", "", false
}

// writeError answers with what the client may know. Anything that is no exception is ours to repair: the client gets a
// fixed text and the request id under which the log has the cause.
func writeError(w http.ResponseWriter, op *ecrpublic.Operation, err error) {
	var refused *registry.Error
	if errors.As(err, &refused) {
		if seconds := refused.Kind.RetryAfter(); seconds > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
		write(w, statusOf(refused.Kind), refusal(op, refused))
		return
	}
	name, message, ok := exceptionOf(op, err)
	if !ok {
		text := fmt.Sprintf("The server failed to answer. Its log says why under request id %s.", w.Header().Get("x-amzn-RequestId"))
		write(w, http.StatusInternalServerError, exceptionBody("ServerException", text))
		return
	}
	var own *Error
	if errors.As(err, &own) && own.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(own.RetryAfter.Seconds()))))
	}
	status := http.StatusBadRequest
	var special interface{ HTTPStatus() int }
	if errors.As(err, &special) {
		status = special.HTTPStatus()
	}
	write(w, status, exceptionBody(name, message))
}

// statusOf is the status for a kind. The SDKs send again after 503 and, whatever the status, after a ThrottlingException;
// AWS sends that with 400. After 507 they show the message at once.
func statusOf(kind registry.Kind) int {
	switch kind {
	case registry.ReadOnly:
		return http.StatusServiceUnavailable
	case registry.NoRoom:
		return http.StatusInsufficientStorage
	default:
		return http.StatusBadRequest
	}
}

// refusal is the body for an error of the core. One exception carries more than a message.
func refusal(op *ecrpublic.Operation, e *registry.Error) []byte {
	name := code(op, e.Kind)
	if e.Kind != registry.InvalidLayerPart || e.Upload == nil {
		return exceptionBody(name, e.Message)
	}
	exception := &ecrpublic.InvalidLayerPartException{
		RegistryId:     ptr(e.Repository.Registry),
		RepositoryName: ptr(string(e.Repository.Name)),
		UploadId:       ptr(e.Upload.ID),
		Message:        ptr(e.Message),
	}
	if e.Upload.Offset > 0 { // before the first byte there is none to name: the API has no negative ones
		exception.LastValidByteReceived = ptr(e.Upload.Offset - 1)
	}
	return withType(name, exception)
}

// exceptionBody takes any exception with a message for its JSON; all but one have nothing else.
func exceptionBody(code, message string) []byte {
	return withType(code, &ecrpublic.ServerException{Message: ptr(message)})
}

// withType puts "__type" in front of the members: it sorts before every letter.
func withType(code string, members any) []byte {
	body, err := ecrpublic.Marshal(members)
	if err != nil || len(body) < len(`{"":0}`) {
		return []byte(`{"__type":"` + code + `"}`)
	}
	return append([]byte(`{"__type":"`+code+`",`), body[1:]...)
}
