package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/registry"
)

// serveOnce passes a request through the middleware and returns the answer with the fields of the log line.
func serveOnce(t *testing.T, r *http.Request, handler http.HandlerFunc, proxies ...string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	networks, err := Config{TrustedProxies: proxies}.trustedProxies()
	must(t, err)
	var log logBuffer
	w := httptest.NewRecorder()
	withMiddleware(handler, slog.New(slog.NewJSONHandler(&log, nil)), networks, newObserver(t)).ServeHTTP(w, r)
	return w, logLine(t, log.String())
}

func logLine(t *testing.T, log string) map[string]any {
	t.Helper()
	if n := strings.Count(log, "\n"); n != 1 {
		t.Fatalf("%d log lines: %s", n, log)
	}
	var fields map[string]any
	must(t, json.Unmarshal([]byte(log), &fields))
	return fields
}

func newRequest(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4711"
	return r
}

func TestOneLogLinePerRequest(t *testing.T) {
	caller := registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}
	w, line := serveOnce(t, newRequest(http.MethodPost, "/v2/x?secret=1", "0123456789"), func(w http.ResponseWriter, r *http.Request) {
		_, err := io.CopyN(io.Discard, r.Body, 4)
		must(t, err)
		observe(r, "uploadChunk", caller, errors.New("disk on fire"))
		w.WriteHeader(http.StatusTeapot)
		_, err = io.WriteString(w, "abc")
		must(t, err)
		_, err = w.(io.ReaderFrom).ReadFrom(strings.NewReader("de"))
		must(t, err)
	})
	id := w.Header().Get("x-amzn-RequestId")
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("request id %q", id)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "request_id": id, "method": "POST", "path": "/v2/x", "status": 418.0,
		"bytes_in": 4.0, "bytes_out": 5.0, "remote": "192.0.2.7", "operation": "uploadChunk",
		"caller": "arn:aws:iam::123456789012:root", "error": "disk on fire",
	}
	for _, varies := range []string{"time", "duration_ms"} {
		if line[varies] == nil {
			t.Errorf("no %s", varies)
		}
		delete(line, varies)
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	nothing := func(http.ResponseWriter, *http.Request) {}
	a, _ := serveOnce(t, newRequest(http.MethodGet, "/", ""), nothing)
	b, _ := serveOnce(t, newRequest(http.MethodGet, "/", ""), nothing)
	if a.Header().Get("x-amzn-RequestId") == b.Header().Get("x-amzn-RequestId") {
		t.Error("two requests have one id")
	}
}

func TestStatusThatNobodyWroteIsTheOneTheServerSends(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"body without status":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") },
		"file without status":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("x")) },
		"status after a 100":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(100); w.WriteHeader(200) },
		"the first of two counts": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); w.WriteHeader(500) },
		"nothing at all":          func(http.ResponseWriter, *http.Request) {},
	} {
		if _, line := serveOnce(t, newRequest(http.MethodGet, "/", ""), handler); line["status"] != 200.0 {
			t.Errorf("%s: status %v", name, line["status"])
		}
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	w, line := serveOnce(t, newRequest(http.MethodGet, "/", ""), func(http.ResponseWriter, *http.Request) { panic("secret of the house") })
	id := w.Header().Get("x-amzn-RequestId")
	if want := "The server failed to answer. Its log says why under request id " + id + ".\n"; w.Code != http.StatusInternalServerError || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	cause, _ := line["error"].(string)
	if line["level"] != "ERROR" || line["status"] != 500.0 || !strings.HasPrefix(cause, "panic: secret of the house\n") || !strings.Contains(cause, "middleware_test.go") {
		t.Errorf("logged %v", line)
	}
}

func TestPanicInTheMiddleOfAnAnswerCutsIt(t *testing.T) {
	for _, value := range []any{"boom", http.ErrAbortHandler} {
		var log logBuffer
		handler := func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of")
			panic(value)
		}
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("%v: the server hears %v", value, err)
				}
			}()
			withMiddleware(http.HandlerFunc(handler), slog.New(slog.NewJSONHandler(&log, nil)), nil, newObserver(t)).
				ServeHTTP(httptest.NewRecorder(), newRequest(http.MethodGet, "/", ""))
		}()
		if line := logLine(t, log.String()); line["error"] == nil {
			t.Errorf("logged %v", line)
		}
	}
}

func TestForwardedHeadersAreBelievedOfTrustedProxiesAlone(t *testing.T) {
	const proxy, inner = "192.0.2.7/32", "10.0.0.0/8"
	for _, c := range []struct {
		name         string
		proxies      []string
		remoteAddr   string
		forwardedFor []string
		host         string // X-Forwarded-Host
		wantRemote   string
		wantHost     string
	}{
		{"no proxies", nil, "192.0.2.7:1", []string{"203.0.113.9"}, "evil.example", "192.0.2.7", "example.com"},
		{"another address", []string{inner}, "192.0.2.7:1", []string{"203.0.113.9"}, "evil.example", "192.0.2.7", "example.com"},
		{"a proxy", []string{proxy}, "192.0.2.7:1", []string{"203.0.113.9"}, "registry.example", "203.0.113.9", "registry.example"},
		{"a proxy that says nothing", []string{proxy}, "192.0.2.7:1", nil, "", "192.0.2.7", "example.com"},
		{"the client made the first one up", []string{proxy}, "192.0.2.7:1", []string{"1.1.1.1, 203.0.113.9"}, "", "203.0.113.9", "example.com"},
		{"in two headers", []string{proxy}, "192.0.2.7:1", []string{"1.1.1.1", "203.0.113.9"}, "", "203.0.113.9", "example.com"},
		{"proxy behind proxy", []string{proxy, inner}, "192.0.2.7:1", []string{"1.1.1.1, 203.0.113.9, 10.1.2.3"}, "", "203.0.113.9", "example.com"},
		{"only proxies", []string{proxy, inner}, "192.0.2.7:1", []string{"10.1.2.3"}, "", "10.1.2.3", "example.com"},
		{"not an address", []string{proxy}, "192.0.2.7:1", []string{"203.0.113.9, unknown"}, "", "192.0.2.7", "example.com"},
		{"IPv6", []string{"2001:db8::/32"}, "[2001:db8::7]:1", []string{"2001:db9::1"}, "", "2001:db9::1", "example.com"},
		{"IPv4 inside IPv6", []string{proxy}, "[::ffff:192.0.2.7]:1", []string{"203.0.113.9"}, "", "203.0.113.9", "example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest(http.MethodGet, "/", "")
			r.RemoteAddr = c.remoteAddr
			for _, value := range c.forwardedFor {
				r.Header.Add("X-Forwarded-For", value)
			}
			if c.host != "" {
				r.Header.Set("X-Forwarded-Host", c.host)
			}
			var host string
			_, line := serveOnce(t, r, func(_ http.ResponseWriter, r *http.Request) { host = r.Host }, c.proxies...)
			if line["remote"] != c.wantRemote || host != c.wantHost {
				t.Errorf("remote %v, host %s", line["remote"], host)
			}
		})
	}
}

func TestTrustedNeedsAnAddress(t *testing.T) {
	if trusted("nonsense", []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}) {
		t.Error("a name is trusted")
	}
}

// fileWriter is a ResponseWriter that can send files by itself, as that of the server.
type fileWriter struct {
	http.ResponseWriter
	readFrom bool
}

func (f *fileWriter) ReadFrom(r io.Reader) (int64, error) {
	f.readFrom = true
	return io.Copy(f.ResponseWriter, r)
}

func TestFilesGoOutByTheServersOwnMeans(t *testing.T) {
	w := &fileWriter{ResponseWriter: httptest.NewRecorder()}
	content := strings.NewReader("0123456789")
	withMiddleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.CopyN(w, content, 10) // as http.ServeContent does
		must(t, err)
		must(t, http.NewResponseController(w).Flush())
	}), slog.New(slog.DiscardHandler), nil, newObserver(t)).ServeHTTP(w, newRequest(http.MethodGet, "/", ""))
	if !w.readFrom {
		t.Error("ReadFrom of the server was not called")
	}
}

func (f *fileWriter) Flush() {}

func TestObserveOutsideTheMiddlewareDoesNothing(t *testing.T) {
	observe(newRequest(http.MethodGet, "/", "").WithContext(context.Background()), "x", registry.Caller{}, nil)
}

// withMiddlewareForTest is a handler as the server has it, with its log thrown away.
func withMiddlewareForTest(t *testing.T, handler http.Handler) http.Handler {
	t.Helper()
	return withMiddleware(handler, slog.New(slog.DiscardHandler), nil, newObserver(t))
}
