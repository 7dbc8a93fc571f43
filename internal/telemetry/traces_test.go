package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/openecr/openecr/internal/registrytest"
)

// receiver takes spans as an OpenTelemetry collector does.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*otlp.Span
	resource map[string]string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{resource: make(map[string]string)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != "/base/v1/traces" || proto.Unmarshal(body, &export) != nil {
			t.Errorf("%s %s is no export of traces", req.Method, req.URL.Path)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, of := range export.ResourceSpans {
			for _, a := range of.Resource.Attributes {
				r.resource[a.Key] = a.Value.GetStringValue()
			}
			for _, scope := range of.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

// span is the one with that name.
func (r *receiver) span(t *testing.T, name string) *otlp.Span {
	t.Helper()
	var found *otlp.Span
	for _, s := range r.spans {
		if s.Name == name {
			if found != nil {
				t.Fatalf("two spans %s", name)
			}
			found = s
		}
	}
	if found == nil {
		t.Fatalf("no span %s among %v", name, r.spans)
	}
	return found
}

func attributes(s *otlp.Span) map[string]any {
	all := make(map[string]any)
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.GetStringValue()
		if n := a.Value.GetIntValue(); n != 0 {
			all[a.Key] = n
		}
	}
	return all
}

func TestRequestsAreTracedIntoTheStores(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=node-7")
	to := newReceiver(t)
	o := newObserver(t, Options{Version: "1.2.3", Traces: to.URL + "/base/", IsOperation: known})
	r := httptest.NewRequest(http.MethodPost, "/v2/x?token=secret", nil)
	r.Header.Set("Traceparent", "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01")
	r.Header.Set("Authorization", "Bearer secret")
	r, q := o.Begin(r, "request-1")
	if q.TraceID() != "0102030405060708090a0b0c0d0e0f10" {
		t.Errorf("trace id %s", q.TraceID())
	}
	must(t, o.Meta(scriptedMeta{}).View(r.Context(), nil))
	_ = o.Meta(scriptedMeta{err: io.ErrUnexpectedEOF}).Update(r.Context(), nil)
	must(t, o.Blobs(registrytest.NewMemBlobs(t)).Delete(r.Context(), strings.Repeat("0", 32)))
	q.End(Answer{Wire: "api", Operation: "PutImage", Status: 500, Received: 5})
	must(t, o.Meta(scriptedMeta{}).View(t.Context(), nil)) // of no request: not traced
	_, probe := o.Begin(httptest.NewRequest(http.MethodGet, "/readyz", nil), "request-2")
	probe.End(Answer{Wire: "probe", Status: 200})
	must(t, o.Close())

	if len(to.spans) != 4 {
		t.Errorf("%d spans: %v", len(to.spans), to.spans)
	}
	if to.resource["service.name"] != "openecr" || to.resource["service.version"] != "1.2.3" || to.resource["service.instance.id"] != "node-7" {
		t.Errorf("resource %v", to.resource)
	}
	request := to.span(t, "PutImage")
	if request.Kind != otlp.Span_SPAN_KIND_SERVER || string(request.ParentSpanId) != "\x11\x12\x13\x14\x15\x16\x17\x18" || request.Status.GetCode() != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("span of the request: %v", request)
	}
	got := attributes(request)
	for key, want := range map[string]any{"openecr.request_id": "request-1", "url.path": "/v2/x", "openecr.wire": "api", "http.response.status_code": int64(500)} {
		if got[key] != want {
			t.Errorf("%s is %v", key, got[key])
		}
	}
	for name, failed := range map[string]bool{"metadata view": false, "metadata update": true, "blobs delete": false} {
		s := to.span(t, name)
		if string(s.ParentSpanId) != string(request.SpanId) || (s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR) != failed {
			t.Errorf("span of the store: %v", s)
		}
	}
	for _, s := range to.spans {
		if strings.Contains(s.String(), "secret") {
			t.Errorf("a secret in %v", s)
		}
	}
}

func TestSamplingIsAsTheEnvironmentSays(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	to := newReceiver(t)
	o := newObserver(t, Options{Traces: to.URL + "/base"})
	r, q := o.Begin(httptest.NewRequest(http.MethodPost, "/", nil), "request-1")
	must(t, o.Meta(scriptedMeta{}).View(r.Context(), nil))
	if q.TraceID() != "" {
		t.Error("a trace that nobody finds is named")
	}
	q.End(Answer{Status: 200})
	must(t, o.Close())
	if len(to.spans) != 0 {
		t.Errorf("%v", to.spans)
	}
}

func TestLostTracesAreTold(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer refusing.Close()
	var lost []string
	o := newObserver(t, Options{Traces: refusing.URL, Undelivered: func(err error) { lost = append(lost, err.Error()) }})
	_, q := o.Begin(httptest.NewRequest(http.MethodPost, "/", nil), "request-1")
	q.End(Answer{Status: 200})
	must(t, o.Close())
	if len(lost) != 1 || !strings.HasPrefix(lost[0], "1 spans are lost: ") {
		t.Errorf("told %q", lost)
	}
}

func TestAddressOfTheReceiver(t *testing.T) {
	for _, address := range []string{"127.0.0.1:4318", "ftp://x", "http://", "http://user:pw@x", "http://x?a=b", "::"} {
		_, err := New(context.Background(), Options{Traces: address})
		if err == nil || !strings.HasPrefix(err.Error(), "--traces must be ") || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestWithoutTracesARequestCostsNoSpan(t *testing.T) {
	o := newObserver(t, Options{})
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	same, q := o.Begin(r, "id")
	if same != r || q.TraceID() != "" {
		t.Error("a request that nobody traces was changed")
	}
	m := o.Meta(scriptedMeta{})
	if n := testing.AllocsPerRun(100, func() { _ = m.View(t.Context(), nil) }); n != 0 {
		t.Errorf("%v allocations for a measured call", n)
	}
	must(t, o.Close())
}
