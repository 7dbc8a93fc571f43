package telemetry

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/openecr/openecr/internal/registry"
)

// Options is what an Observer needs. All may be zero.
type Options struct {
	// Version is that of openecr.
	Version string
	// Traces is the base URL of an OTLP receiver over HTTP: "http://127.0.0.1:4318". Empty: no traces.
	Traces string
	// Undelivered hears why traces did not reach the receiver.
	Undelivered func(error)
	// IsOperation says which operations of a wire get a label of their own; others share one.
	IsOperation func(wire, operation string) bool
}

// Observer counts, and traces where it is told to. It is safe for concurrent use.
type Observer struct {
	*metrics
	isOperation func(wire, operation string) bool
	tracer      trace.Tracer // nil when nothing is traced
	flush       func(context.Context) error
	series      seriesCache
}

// New makes an Observer. Traces go out in the background until Close.
func New(ctx context.Context, o Options) (*Observer, error) {
	obs := &Observer{metrics: newMetrics(), isOperation: o.IsOperation}
	if o.Traces != "" {
		provider, err := newTracerProvider(ctx, o)
		if err != nil {
			return nil, err
		}
		obs.tracer, obs.flush = provider.Tracer("github.com/openecr/openecr"), provider.Shutdown
	}
	labels := prometheus.Labels{"version": o.Version, "go": runtime.Version()}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "openecr_build_info", Help: "1, labelled with what runs.", ConstLabels: labels})
	build.Set(1)
	obs.set.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return obs, nil
}

// Close sends the traces that are still here.
func (o *Observer) Close() error {
	if o.flush == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return o.flush(ctx)
}

// Handler answers scrapes.
func (o *Observer) Handler() http.Handler {
	return promhttp.HandlerFor(o.set, promhttp.HandlerOpts{})
}

// Registry is what the core tells about its verbs.
func (o *Observer) Registry() registry.Observer {
	return registry.Observer{
		LayersChecked: func(available, absent int, cached bool) {
			o.layersPresent.Add(float64(available))
			o.layersAbsent.Add(float64(absent))
			if cached {
				o.cacheHits.Inc()
			} else {
				o.cacheMisses.Inc()
			}
		},
		LeasesRenewed:   func(layers int) { o.leasesRenewed.Add(float64(layers)) },
		UploadStarted:   func() { o.uploadsStarted.Inc() },
		UploadCancelled: func() { o.uploadsCancelled.Inc() },
		LayerUploaded: func(bytes int64, inVain bool) {
			o.layerBytes.Add(float64(bytes))
			if inVain {
				o.layersInVain.Inc()
			} else {
				o.layersUploaded.Inc()
			}
		},
		Collected:    o.countCollection,
		LayerMounted: func() { o.layersMounted.Inc() },
		ImagePushed:  func() { o.imagesPushed.Inc() },
	}
}

// AuditRecord counts a record by what became of it: written, failed or left_out.
func (o *Observer) AuditRecord(outcome string) { o.auditRecords.WithLabelValues(outcome).Inc() }

// WebhookDelivery counts an attempt to deliver an event.
func (o *Observer) WebhookDelivery(arrived, gaveUp bool) {
	outcome := "failed"
	switch {
	case arrived:
		outcome = "delivered"
	case gaveUp:
		outcome = "given_up"
	}
	o.deliveries.WithLabelValues(outcome).Inc()
}

// countCollection counts what was removed also where the collection then failed.
func (o *Observer) countCollection(done registry.Collected, err error) {
	if err != nil {
		o.collections.WithLabelValues("failed").Inc()
	} else {
		o.collections.WithLabelValues("done").Inc()
		o.collectedAt.SetToCurrentTime()
	}
	for kind, tally := range map[string]registry.Tally{"layers": done.Layers, "blobs": done.Blobs, "uploads": done.Uploads, "strays": done.Strays} {
		o.collected.WithLabelValues(kind).Add(float64(tally.Count))
		o.collectedBytes.WithLabelValues(kind).Add(float64(tally.Bytes))
	}
}
