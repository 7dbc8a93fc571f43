package telemetry

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// newTracerProvider sends spans in batches to OTLP over HTTP, with protobuf bodies, under /v1/traces of the base URL. The
// usual variables of OpenTelemetry say more: OTEL_TRACES_SAMPLER how many, OTEL_EXPORTER_OTLP_HEADERS with which
// credentials, OTEL_RESOURCE_ATTRIBUTES from which node.
func newTracerProvider(ctx context.Context, o Options) (*sdktrace.TracerProvider, error) {
	u, err := url.Parse(o.Traces)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--traces must be the http:// or https:// address of an OTLP receiver, such as http://127.0.0.1:4318; credentials go into OTEL_EXPORTER_OTLP_HEADERS")
	}
	receiver := []otlptracehttp.Option{otlptracehttp.WithEndpoint(u.Host), otlptracehttp.WithURLPath(strings.TrimRight(u.Path, "/") + "/v1/traces")}
	if u.Scheme == "http" {
		receiver = append(receiver, otlptracehttp.WithInsecure())
	}
	exporter, err := otlptracehttp.New(ctx, receiver...)
	if err != nil {
		return nil, fmt.Errorf("--traces: %w", err)
	}
	self := resource.NewSchemaless(attribute.String("service.name", "openecr"), attribute.String("service.version", o.Version))
	if self, err = resource.Merge(self, resource.Environment()); err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(outspoken{exporter, o.Undelivered}), sdktrace.WithResource(self)), nil
}

// outspoken says itself what it cannot deliver. The SDK would tell a handler that is one for the whole process.
type outspoken struct {
	sdktrace.SpanExporter
	undelivered func(error)
}

func (e outspoken) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && e.undelivered != nil {
		e.undelivered(fmt.Errorf("%d spans are lost: %w", len(spans), err))
	}
	return nil
}
