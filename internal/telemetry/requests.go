package telemetry

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Request is one request on its way.
type Request struct {
	o    *Observer
	span trace.Span // nil when it is not traced
}

// Answer is what is known of a request when it has ended.
type Answer struct {
	Wire      string // "api", "registry", ...: chosen by routing, never by the client
	Operation string
	Status    int
	Received  int64 // bytes of the bodies
	Sent      int64
	Took      time.Duration
}

// Begin counts a request in, and gives it a span when it is traced: a child of the client's, where a traceparent header
// names one. Whoever calls Begin calls End.
func (o *Observer) Begin(r *http.Request, id string) (*http.Request, Request) {
	o.inFlight.Inc()
	if o.tracer == nil || isProbe(r) {
		return r, Request{o: o}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := o.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method),
		attribute.String("url.path", r.URL.Path), // without the query, which may carry what nobody else should have
		attribute.String("openecr.request_id", id)))
	return r.WithContext(ctx), Request{o, span}
}

// isProbe is what orchestrators send every few seconds and nobody wants to find among traces.
func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// TraceID is under which the trace is found; empty when there is none.
func (q Request) TraceID() string {
	if q.span == nil || !q.span.IsRecording() {
		return ""
	}
	return q.span.SpanContext().TraceID().String()
}

// End counts the answer.
func (q Request) End(a Answer) {
	q.o.inFlight.Dec()
	if a.Wire == "" {
		a.Wire = other
	}
	if a.Operation == "" || q.o.isOperation == nil || !q.o.isOperation(a.Wire, a.Operation) {
		a.Operation = other
	}
	q.o.series.find(q.o.metrics, a).count(a)
	if q.span == nil {
		return
	}
	if a.Operation != other {
		q.span.SetName(a.Operation)
	}
	q.span.SetAttributes(
		attribute.String("openecr.wire", a.Wire),
		attribute.Int("http.response.status_code", a.Status),
		attribute.Int64("http.request.body.size", a.Received),
		attribute.Int64("http.response.body.size", a.Sent))
	if a.Status >= http.StatusInternalServerError {
		q.span.SetStatus(codes.Error, "") // why is in the log, under the request id: errors may name what traces must not
	}
	q.span.End()
}

// other stands for what has no label of its own.
const other = "other"

// seriesCache finds the series of an answer without making the text of their labels.
type seriesCache struct{ series sync.Map } // of *requestSeries by requestKey

type requestKey struct {
	wire, operation string
	class           int
}

type requestSeries struct {
	requests, received, sent prometheus.Counter
	took                     prometheus.Observer
}

func (c *seriesCache) find(m *metrics, a Answer) *requestSeries {
	key := requestKey{a.Wire, a.Operation, a.Status / 100}
	if s, ok := c.series.Load(key); ok {
		return s.(*requestSeries)
	}
	s, _ := c.series.LoadOrStore(key, &requestSeries{
		requests: m.requests.WithLabelValues(a.Wire, a.Operation, strconv.Itoa(key.class)+"xx"),
		received: m.received.WithLabelValues(a.Wire),
		sent:     m.sent.WithLabelValues(a.Wire),
		took:     m.requestSeconds.WithLabelValues(a.Wire, a.Operation),
	})
	return s.(*requestSeries)
}

func (s *requestSeries) count(a Answer) {
	s.requests.Inc()
	s.received.Add(float64(a.Received))
	s.sent.Add(float64(a.Sent))
	s.took.Observe(a.Took.Seconds())
}
