package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics is everything that is counted where it happens. What is read at a scrape stands in scrape.go.
type metrics struct {
	set *prometheus.Registry

	requests, received, sent *prometheus.CounterVec // see newMetrics for what each means
	inFlight                 prometheus.Gauge
	requestSeconds           *prometheus.HistogramVec

	imagesPushed                prometheus.Counter
	layersUploaded              prometheus.Counter
	layersInVain                prometheus.Counter
	layersMounted               prometheus.Counter
	layerBytes                  prometheus.Counter
	uploadsStarted              prometheus.Counter
	uploadsCancelled            prometheus.Counter
	layersPresent, layersAbsent prometheus.Counter
	cacheHits, cacheMisses      prometheus.Counter
	leasesRenewed               prometheus.Counter

	collections, collected, collectedBytes *prometheus.CounterVec
	collectedAt                            prometheus.Gauge

	auditRecords *prometheus.CounterVec
	deliveries   *prometheus.CounterVec

	storeSeconds *prometheus.HistogramVec
	storeErrors  *prometheus.CounterVec
}

// requestBounds reach from a check answered from memory to an upload over a slow line.
var requestBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// storeBounds reach from a lookup by key to a large part that is made durable.
var storeBounds = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics() *metrics {
	m := &metrics{set: prometheus.NewRegistry()}
	s := factory{promauto.With(m.set)}
	m.requests = s.counters("openecr_requests_total", "Requests that were answered, by wire (api, registry, sts, ...), operation and class of the status (2xx, 4xx, ...).", "wire", "operation", "code")
	m.requestSeconds = s.histograms("openecr_request_duration_seconds", "How long requests took, bodies included.", requestBounds, "wire", "operation")
	m.inFlight = s.gauge("openecr_requests_in_flight", "Requests that have begun and not ended.")
	m.received = s.counters("openecr_received_bytes_total", "Bytes of request bodies.", "wire")
	m.sent = s.counters("openecr_sent_bytes_total", "Bytes of answer bodies.", "wire")

	m.imagesPushed = s.counter("openecr_images_pushed_total", "Images that were pushed, or given another tag by a push.")
	layers := s.counters("openecr_layers_pushed_total", "Layers that were pushed, by how: uploaded, mounted from another repository, or uploaded in vain because the repository had them.", "how")
	m.layersUploaded, m.layersMounted, m.layersInVain = layers.WithLabelValues("uploaded"), layers.WithLabelValues("mounted"), layers.WithLabelValues("in_vain")
	m.layerBytes = s.counter("openecr_layers_pushed_bytes_total", "Bytes of the layers whose upload was finished.")
	m.uploadsStarted = s.counter("openecr_uploads_started_total", "Layer uploads that were begun.")
	m.uploadsCancelled = s.counter("openecr_uploads_cancelled_total", "Layer uploads that were cancelled.")

	checked := s.counters("openecr_layers_checked_total", "Layers whose availability was asked, by answer: available ones need no upload.", "answer")
	m.layersPresent, m.layersAbsent = checked.WithLabelValues("available"), checked.WithLabelValues("unavailable")
	cache := s.counters("openecr_check_cache_total", "Checks of layers, by whether memory answered the whole of it (hit) or the metadata store was asked (miss).", "result")
	m.cacheHits, m.cacheMisses = cache.WithLabelValues("hit"), cache.WithLabelValues("miss")
	m.leasesRenewed = s.counter("openecr_leases_renewed_total", "Layers without an image that a check promised for longer.")

	m.collections = s.counters("openecr_gc_runs_total", "Collections of garbage on this node, by outcome: done or failed.", "outcome")
	m.collected = s.counters("openecr_gc_removed_total", "Things that were collected, by kind: layers, blobs, uploads, or strays, which are stored bytes that nothing names.", "kind")
	m.collectedBytes = s.counters("openecr_gc_removed_bytes_total", "Bytes of the things that were collected. Those of blobs and strays are free again.", "kind")
	m.collectedAt = s.gauge("openecr_gc_last_done_timestamp_seconds", "When a collection on this node was last done, in Unix time; 0 for never.")
	for _, outcome := range []string{"done", "failed"} {
		m.collections.WithLabelValues(outcome) // alerts see 0 rather than nothing
	}

	m.auditRecords = s.counters("openecr_audit_records_total", "Records for the audit log, by what became of them: written; failed, which are in the log of the server instead; or left_out, when strangers were refused too often to note each.", "outcome")
	for _, outcome := range []string{"written", "failed", "left_out"} {
		m.auditRecords.WithLabelValues(outcome)
	}

	m.deliveries = s.counters("openecr_webhook_deliveries_total", "Attempts of this node to deliver events to webhooks, by outcome: delivered; failed, and sent again later; or given_up.", "outcome")
	for _, outcome := range []string{"delivered", "failed", "given_up"} {
		m.deliveries.WithLabelValues(outcome)
	}

	m.storeSeconds = s.histograms("openecr_store_duration_seconds", "How long the stores took, by verb. Waiting for the bytes of a client does not count.", storeBounds, "store", "verb")
	m.storeErrors = s.counters("openecr_store_errors_total", "Calls that a store failed, by verb. A row that is absent is no failure.", "store", "verb")
	return m
}

// factory makes metrics that the registry knows.
type factory struct{ promauto.Factory }

func (f factory) counter(name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func (f factory) histograms(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, labels)
}
