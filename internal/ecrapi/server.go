package ecrapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Pending is a request whose sender is not proven yet: its headers were right, its body is still to be hashed.
type Pending interface {
	// AccessKeyID is what the request claims.
	AccessKeyID() string
	// Finish proves the signature over a body with that hash.
	Finish(bodySHA256 [sha256.Size]byte) (registry.Caller, error)
}

// Options is what a Server needs. All but Audit and Observe are required.
type Options struct {
	Registry *registry.Registry
	// Begin checks all of a signature that needs no body. An error that is an exception (see the interface of that name)
	// goes to the client, any other is internal.
	Begin func(*http.Request) (Pending, error)
	// IssueToken makes the authorizationToken of a docker login.
	IssueToken func(context.Context, registry.Caller) (token string, expires time.Time, err error)
	// Throttle says how long the caller is to wait before it calls the operation again; 0 lets the call go on. Nil never
	// throttles.
	Throttle func(r *http.Request, caller registry.Caller, operation string) time.Duration
	// Receive has a call wait until there is memory for its body of that size, before anybody is proven to send it, and
	// fails when there is none. Nil receives all.
	Receive func(r *http.Request, operation string, bytes int64) error
	// Admit has a call of a proven caller wait until there is a place for it, and fails when there is none. Nil admits all.
	Admit func(r *http.Request, caller registry.Caller, operation string) error
	// SpoolDir holds layer parts whose signature is not proven yet. Files in it are unlinked as soon as they are made.
	SpoolDir string
	// Audit hears, before the answer, of every call that changes something or should have, and of those that were refused
	// for their caller. Nil when nobody keeps account.
	Audit func(r *http.Request, caller registry.Caller, change registry.Change)
	// Observe hears once of every request: its operation, its caller as far as known, and why it failed.
	Observe func(r *http.Request, operation string, caller registry.Caller, err error)
}

// Server answers POST / with an X-Amz-Target header.
type Server struct {
	Options
	handlers map[string]handler
	spools   spools
	buffers  sync.Pool // of *buffers
}

// buffers are what a request is read into and what it is answered from. Nothing outlives the request in them: what a
// decoder returns is a copy.
type buffers struct {
	body     bytes.Buffer
	answer   []byte
	digests  []ref.Digest
	statuses []registry.LayerStatus // of the digests
}

// maxKept is how large buffers may have grown that are used again, in bytes each. It holds the largest check of layers.
const maxKept = 64 << 10

func (s *Server) takeBuffers() *buffers {
	if b, ok := s.buffers.Get().(*buffers); ok {
		return b
	}
	return new(buffers)
}

func (s *Server) giveBack(b *buffers) {
	if b.body.Cap() <= maxKept && cap(b.answer) <= maxKept {
		s.buffers.Put(b)
	}
}

// New makes a Server.
func New(o Options) *Server {
	s := &Server{Options: o}
	if s.Observe == nil {
		s.Observe = func(*http.Request, string, registry.Caller, error) {}
	}
	if s.Throttle == nil {
		s.Throttle = func(*http.Request, registry.Caller, string) time.Duration { return 0 }
	}
	if s.Receive == nil {
		s.Receive = func(*http.Request, string, int64) error { return nil }
	}
	if s.Admit == nil {
		s.Admit = func(*http.Request, registry.Caller, string) error { return nil }
	}
	s.handlers = s.operations()
	return s
}

// ServeHTTP answers one call. The order of its checks is that of their cost: nothing is read for a caller whose headers
// are wrong, and nothing changes before the signature over the body is proven.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := call{server: s, r: r, buffers: s.takeBuffers()}
	defer s.giveBack(call.buffers)
	answer, err := call.serve()
	if s.Audit != nil {
		call.account(err)
	}
	s.Observe(r, call.name(), call.caller, err)
	if err != nil {
		writeError(w, call.op, err)
		return
	}
	write(w, http.StatusOK, answer)
}

// IsCall says whether a request names an operation of ECR Public, rightly signed or not.
func IsCall(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), ecrpublic.TargetPrefix+".")
}

// call is one request on its way.
type call struct {
	server  *Server
	r       *http.Request
	op      *ecrpublic.Operation
	caller  registry.Caller
	in, out any // of the operation, as far as it got, for Audit; nil before

	buffers *buffers
}

func (c *call) name() string {
	if c.op == nil {
		return ""
	}
	return c.op.Name
}

func (c *call) serve() ([]byte, error) {
	target := c.r.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(target, ecrpublic.TargetPrefix+".")
	if ok {
		c.op, ok = ecrpublic.OperationByName(name)
	}
	if !ok {
		return nil, &Error{Code: "UnknownOperationException", Status: http.StatusBadRequest, Message: fmt.Sprintf("The operation %q does not exist in ECR Public: check the X-Amz-Target header.", clip(target))}
	}
	pending, err := c.server.Begin(c.r)
	if err != nil {
		return nil, err
	}
	if c.r.ContentLength > bodyLimit(c.op) {
		return nil, bodyTooLarge(c.op)
	}
	if err := c.server.Receive(c.r, c.op.Name, c.held()); err != nil {
		return nil, err
	}
	if c.op.Name == "UploadLayerPart" {
		return c.uploadLayerPart(pending)
	}
	body, err := c.readBody(pending)
	if err != nil {
		return nil, err
	}
	if c.op.Name == checkOperation {
		if answer, ok, err := c.checkLayers(body); ok {
			return answer, err
		}
	}
	in := c.op.NewInput()
	if err := ecrpublic.Unmarshal(body, in); err != nil {
		return nil, err
	}
	return c.answer(in)
}

// answer checks the input, runs the operation and encodes what it says.
func (c *call) answer(in any) ([]byte, error) {
	c.in = in
	if err := ecrpublic.Validate(in); err != nil {
		return nil, err
	}
	out, err := c.server.handlers[c.op.Name](c.r.Context(), c.caller, in)
	if err != nil {
		return nil, err
	}
	c.out = out
	return ecrpublic.Marshal(out)
}

// held is how much of the body is in memory at once: all of it, save for layer parts. A body of unknown length may
// have as much as the operation takes.
func (c *call) held() int64 {
	switch {
	case c.op.Name == "UploadLayerPart":
		return partBuffer
	case c.r.ContentLength < 0:
		return bodyLimit(c.op)
	default:
		return c.r.ContentLength
	}
}

// readBody holds the whole body, which is small for every operation that comes here, and proves its signature.
func (c *call) readBody(pending Pending) ([]byte, error) {
	limit := bodyLimit(c.op)
	buffer := &c.buffers.body
	buffer.Reset()
	buffer.Grow(int(min(max(c.r.ContentLength, 0), maxKept/2)) + bytes.MinRead) // what it then reads, it reads at once
	if _, err := buffer.ReadFrom(io.LimitReader(c.r.Body, limit+1)); err != nil {
		return nil, brokenBody(err)
	}
	body := buffer.Bytes()
	if int64(len(body)) > limit {
		return nil, bodyTooLarge(c.op)
	}
	return body, c.prove(pending, sha256.Sum256(body))
}

// prove finds out who calls, and whether that account calls too often or while there is too much to do.
func (c *call) prove(pending Pending, bodySHA256 [sha256.Size]byte) (err error) {
	if c.caller, err = pending.Finish(bodySHA256); err != nil {
		return err
	}
	if wait := c.server.Throttle(c.r, c.caller, c.op.Name); wait > 0 {
		return &Error{Code: "ThrottlingException", Status: http.StatusBadRequest, Message: "Rate exceeded", RetryAfter: wait}
	}
	return c.server.Admit(c.r, c.caller, c.op.Name)
}

// bodyLimit is how many bytes a request may have: what its largest member needs in JSON, and room for the others.
func bodyLimit(op *ecrpublic.Operation) int64 {
	switch op.Name {
	case "UploadLayerPart":
		return 2 * maxPart // base64 is a third longer, and some encoders write each "+" and "/" as an escape
	case "PutImage":
		return 3 * registry.MaxManifest // a manifest with every quote escaped is less than twice its size
	}
	return 2 << 20
}

func bodyTooLarge(op *ecrpublic.Operation) error {
	return &Error{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("The body of a %s request has at most %d bytes.", op.Name, bodyLimit(op))}
}

// brokenBody is a body that ended early or came too slowly. The answer rarely arrives, but the log has it.
func brokenBody(err error) error {
	return &Error{Code: "RequestTimeoutException", Status: http.StatusBadRequest, Message: "The body of the request did not arrive whole: send it again.", cause: err}
}

// write answers with a body that is already JSON.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", ecrpublic.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left does not hear the answer
}

func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func ptr[T any](v T) *T { return &v }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
