package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// maxCrawlBody is far more than any of these requests needs.
const maxCrawlBody = 64 << 10

// crawls are the operations that the real gallery answers without a signature (POST /OPERATION, JSON both ways). They are
// documented nowhere; names and shapes are as crawlers know them.
var crawls = map[string]func(*Server, context.Context, []byte) (any, error){
	"/searchRepositoryCatalogData": crawl((*Server).searchCatalog),
	"/describeImageTags":           crawl((*Server).describeTags),
	"/getRepositoryCatalogData":    crawl((*Server).repositoryCatalog),
	"/getRegistryCatalogData":      crawl((*Server).registryCatalog),
}

// IsCrawl says whether Crawl answers POST at a path.
func IsCrawl(path string) bool { return crawls[path] != nil }

// Crawl answers one request of a crawler. It only reads.
func (s *Server) Crawl(w http.ResponseWriter, r *http.Request) {
	v := &visit{Request: r}
	err := s.resume(v)
	var answer any
	if err == nil {
		answer, err = s.crawl(w, v)
	}
	s.Observe(r, strings.TrimPrefix(r.URL.Path, "/"), v.session.Caller, err)
	status := http.StatusOK
	if err != nil {
		refused := refusalOf(err, w.Header().Get("X-Amzn-Requestid"))
		status, answer = refused.status, refused
		w.Header().Set("X-Amzn-Errortype", refused.Type)
	}
	var body bytes.Buffer
	_ = json.NewEncoder(&body).Encode(answer) // strings, numbers and times always encode
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that left does not hear the answer
}

func (s *Server) crawl(w http.ResponseWriter, v *visit) (any, error) {
	if s.Private && !v.signedIn() {
		w.Header().Set("WWW-Authenticate", s.challenge())
		return nil, &refusal{http.StatusUnauthorized, "AccessDeniedException", "This registry is private: sign in as AWS with the password that docker login takes."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, v.Body, maxCrawlBody))
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "SerializationException", "The request has more than 65536 bytes, or broke off."}
	}
	return crawls[v.URL.Path](s, v.Context(), body)
}

// crawl decodes the input of an operation.
func crawl[In, Out any](operation func(*Server, context.Context, In) (Out, error)) func(*Server, context.Context, []byte) (any, error) {
	return func(s *Server, ctx context.Context, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &refusal{http.StatusBadRequest, "SerializationException", "The request is no JSON object with the members of this operation."}
		}
		return operation(s, ctx, in)
	}
}

// refusal is an error as crawlers read it.
type refusal struct {
	status  int
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (e *refusal) Error() string { return e.Message }

// refusalOf tells only what a visitor may know.
func refusalOf(err error, requestID string) *refusal {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused
	}
	if errors.As(err, new(*TooManyTries)) {
		return &refusal{http.StatusTooManyRequests, "ThrottlingException", err.Error()}
	}
	switch registry.KindOf(err) {
	case registry.RepositoryNotFound:
		return &refusal{http.StatusBadRequest, "RepositoryNotFoundException", err.Error()}
	case registry.RegistryNotFound:
		return &refusal{http.StatusBadRequest, "RegistryNotFoundException", err.Error()}
	case registry.InvalidParameter:
		return &refusal{http.StatusBadRequest, "InvalidParameterException", err.Error()}
	}
	return &refusal{http.StatusInternalServerError, "ServerException", "The server failed to answer. Its log says why under request id " + requestID + "."}
}
