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

	"github.com/openecr/openecr/internal/registry"
)

// record is what is known about a request when its log line is written. The surfaces fill it in through observe.
type record struct {
	id        string
	operation string
	caller    registry.Caller
	err       error
}

type recordKey struct{}

// observe is the hook that the surfaces call with what they found out about a request.
func observe(r *http.Request, operation string, caller registry.Caller, err error) {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		rec.operation, rec.caller, rec.err = operation, caller, err
	}
}

// withMiddleware gives every request an id, which the answer carries too, believes trusted proxies, keeps a panic from
// taking the server down, and writes one log line when the request has ended.
func withMiddleware(next http.Handler, log *slog.Logger, proxies []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &record{id: uuid.NewString()}
		in := &countingBody{ReadCloser: r.Body}
		out := &countingWriter{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
		r.Body = in
		from := believeProxy(r, proxies)
		r = withConnection(r, from)
		w.Header().Set("x-amzn-RequestId", rec.id)
		defer func() {
			cut := recoverPanic(recover(), rec, out)
			logRequest(log, r, rec, from.remote, in.n, out, time.Since(start))
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

func logRequest(log *slog.Logger, r *http.Request, rec *record, remote string, in int64, out *countingWriter, took time.Duration) {
	level := slog.LevelInfo
	if out.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("request_id", rec.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", out.status),
		slog.Int64("bytes_in", in),
		slog.Int64("bytes_out", out.n),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("remote", remote))
	if rec.operation != "" {
		attrs = append(attrs, slog.String("operation", rec.operation))
	}
	if !rec.caller.Anonymous() {
		attrs = append(attrs, slog.String("caller", rec.caller.ARN))
	}
	if rec.err != nil {
		attrs = append(attrs, slog.String("error", rec.err.Error()))
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// believeProxy takes client address, host and scheme from the headers of a trusted proxy, and from nobody else. The host
// matters: clients sign it.
func believeProxy(r *http.Request, proxies []netip.Prefix) connection {
	from := connection{remote: r.RemoteAddr, secure: r.TLS != nil}
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
