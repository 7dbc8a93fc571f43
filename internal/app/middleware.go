package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/openecr/openecr/internal/admission"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/telemetry"
)

// record is what is known about a request when its log line is written. The surfaces fill it in through observe.
type record struct {
	id        string
	wire      string // "api", "registry", …: where routing has sent it
	trace     string // the id of its trace; empty when there is none
	operation string
	caller    registry.Caller
	err       error
	from      connection
	// What the request holds of the server until it ends: a place for its work, and memory for its body.
	place, memory admission.Place
}

type recordKey struct{}

// exchange is what one request needs, made at once. It is the context of the request too, in which observe finds the
// record.
type exchange struct {
	context.Context
	record
	in  countingBody
	out countingWriter
}

func (x *exchange) Value(key any) any {
	if key == (recordKey{}) {
		return &x.record
	}
	return x.Context.Value(key)
}

// observe is the hook that the surfaces call with what they found out about a request.
func observe(r *http.Request, operation string, caller registry.Caller, err error) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.operation, rec.caller, rec.err = operation, caller, err
	}
}

// onWire lets a surface answer, and notes which it is.
func onWire(wire string, surface http.Handler, w http.ResponseWriter, r *http.Request) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.wire = wire
	}
	surface.ServeHTTP(w, r)
}

const commandWireName = "command"

// commandWire is onWire for commands of operators.
func commandWire(commands http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { onWire(commandWireName, commands, w, r) })
}

// withMiddleware gives every request an id, which the answer carries too, believes trusted proxies, keeps a panic from
// taking the server down, and tells log and observer when the request has ended.
func withMiddleware(next http.Handler, log *slog.Logger, proxies []netip.Prefix, observer *telemetry.Observer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		x := &exchange{Context: r.Context(), record: record{id: uuid.NewString()}, in: countingBody{ReadCloser: r.Body}, out: countingWriter{ResponseWriter: w}}
		rec, in, out := &x.record, &x.in, &x.out
		r = r.WithContext(x)
		r, observed := observer.Begin(r, rec.id)
		rec.trace = observed.TraceID()
		if r.Body != http.NoBody {
			r.Body = in
		}
		rec.from = believeProxy(r, proxies)
		w.Header().Set(requestIDHeader, rec.id)
		defer func() {
			rec.place.Leave()
			rec.memory.Leave()
			cut := recoverPanic(recover(), rec, out)
			took := time.Since(start)
			observed.End(telemetry.Answer{Wire: rec.wire, Operation: rec.operation, Status: out.status, Received: in.n, Sent: out.n, Took: took})
			logRequest(log, r, rec, in.n, out, took)
			if cut {
				panic(http.ErrAbortHandler) // the answer had begun: only a broken connection can tell the client
			}
		}()
		next.ServeHTTP(out, r)
		if out.status == 0 {
			out.status = http.StatusOK // what the server sends for a handler that wrote nothing
		}
	})
}

// recoverPanic turns a panic into an internal error, and tells whether the connection must be cut.
func recoverPanic(p any, rec *record, w *countingWriter) (cut bool) {
	if p == nil {
		return false
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		rec.err = err
		return true
	}
	rec.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if w.status != 0 {
		return true
	}
	http.Error(w, "The server failed to answer. Its log says why under request id "+rec.id+".", http.StatusInternalServerError)
	return false
}

// requestIDHeader is spelled as net/http spells it: that is what finds it without a copy.
const requestIDHeader = "X-Amzn-Requestid"

func logRequest(log *slog.Logger, r *http.Request, rec *record, in int64, out *countingWriter, took time.Duration) {
	level := slog.LevelInfo
	if out.status >= http.StatusInternalServerError && registry.KindOf(rec.err) != registry.Overloaded { // that many lines would be a load too
		level = slog.LevelError
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	at := time.Now()
	if lines, ok := log.Handler().(*requestLines); ok && lines.write(at, level, r, rec, in, out, took) {
		return
	}
	line := slog.NewRecord(at, level, "request", 0) // where in this file it is written says nothing
	line.AddAttrs(
		slog.String("request_id", rec.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", out.status),
		slog.Int64("bytes_in", in),
		slog.Int64("bytes_out", out.n),
		slog.Float64("duration_ms", milliseconds(took)),
		slog.String("remote", rec.from.remote))
	if rec.operation != "" {
		line.AddAttrs(slog.String("operation", rec.operation))
	}
	if !rec.caller.Anonymous() {
		line.AddAttrs(slog.String("caller", rec.caller.ARN))
	}
	if rec.trace != "" {
		line.AddAttrs(slog.String("trace_id", rec.trace))
	}
	if rec.err != nil {
		line.AddAttrs(slog.String("error", rec.err.Error()))
	}
	_ = log.Handler().Handle(r.Context(), line) // as Logger does: there is nobody else to tell
}

// believeProxy takes client address, host and scheme from the headers of a trusted proxy, and from nobody else. The host
// matters: clients sign it.
func believeProxy(r *http.Request, proxies []netip.Prefix) connection {
	from := connection{remote: r.RemoteAddr, secure: r.TLS != nil, host: r.Host}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return from
	}
	from.remote = host
	if !trusted(host, proxies) {
		return from
	}
	if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
		r.Host = forwarded
	}
	if scheme := r.Header.Get("X-Forwarded-Proto"); scheme != "" {
		from.secure = scheme == "https"
	}
	from.remote = clientBehind(r, host, proxies)
	return from
}

// clientBehind reads X-Forwarded-For from its end: each proxy appends the address it was called from, so the last one
// that is not a proxy of ours is the client.
func clientBehind(r *http.Request, host string, proxies []netip.Prefix) string {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		host = hop
		if !trusted(hop, proxies) {
			break
		}
	}
	return host
}

func trusted(host string, proxies []netip.Prefix) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, network := range proxies {
		if network.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// countingBody counts what was read of a request.
type countingBody struct {
	io.ReadCloser
	n int64
}

func (c *countingBody) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n += int64(n)
	return n, err
}

// countingWriter notes the status and counts the body. ReadFrom stays that of the server, so that files go out by
// sendfile.
type countingWriter struct {
	http.ResponseWriter
	status int
	n      int64
}

func (c *countingWriter) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *countingWriter) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *countingWriter) ReadFrom(r io.Reader) (int64, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := io.Copy(c.ResponseWriter, r)
	c.n += n
	return n, err
}

// Unwrap lets http.ResponseController reach the server's writer.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
