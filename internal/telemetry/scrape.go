package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pool is the connections of a database, of one use.
type Pool struct {
	Name   string
	Max    int           // 0 is no bound
	InUse  int           // lent out now
	Idle   int           // open and free
	Waits  int64         // how often a caller had to wait for one
	Waited time.Duration // how long in all
}

// onScrape is metrics that are read when they are asked for.
type onScrape func(chan<- prometheus.Metric)

// Describe says nothing: what a scrape finds is up to what there is.
func (onScrape) Describe(chan<- *prometheus.Desc) {}

func (c onScrape) Collect(out chan<- prometheus.Metric) { c(out) }

// WatchPools has every scrape read the use of connections.
func (o *Observer) WatchPools(read func() []Pool) {
	type column struct {
		*prometheus.Desc
		kind  prometheus.ValueType
		value func(Pool) float64
	}
	var columns []column
	add := func(name, help string, kind prometheus.ValueType, value func(Pool) float64) {
		columns = append(columns, column{prometheus.NewDesc(name, help, []string{"pool"}, nil), kind, value})
	}
	add("openecr_pool_max_connections", "Connections that the pool may have; 0 is no bound.", prometheus.GaugeValue, func(p Pool) float64 { return float64(p.Max) })
	add("openecr_pool_in_use_connections", "Connections that are in use.", prometheus.GaugeValue, func(p Pool) float64 { return float64(p.InUse) })
	add("openecr_pool_idle_connections", "Connections that are open and free.", prometheus.GaugeValue, func(p Pool) float64 { return float64(p.Idle) })
	add("openecr_pool_waits_total", "How often somebody had to wait for a connection.", prometheus.CounterValue, func(p Pool) float64 { return float64(p.Waits) })
	add("openecr_pool_wait_seconds_total", "How long callers have waited for a connection.", prometheus.CounterValue, func(p Pool) float64 { return p.Waited.Seconds() })
	o.set.MustRegister(onScrape(func(out chan<- prometheus.Metric) {
		for _, p := range read() {
			for _, c := range columns {
				out <- prometheus.MustNewConstMetric(c.Desc, c.kind, c.value(p), p.Name)
			}
		}
	}))
}

// scrapeTimeout is what a scrape may wait for the metadata store. Prometheus itself gives up after ten seconds.
const scrapeTimeout = 3 * time.Second

// WatchUploads has every scrape count the uploads that are open. They are those of the registry, so every node of a fleet
// tells the same; a store that does not answer leaves the number out.
func (o *Observer) WatchUploads(count func(context.Context) (int, error)) {
	open := prometheus.NewDesc("openecr_uploads_open", "Layer uploads that have begun and not ended, in the whole registry.", nil, nil)
	o.set.MustRegister(onScrape(func(out chan<- prometheus.Metric) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		if n, err := count(ctx); err == nil {
			out <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, float64(n))
		}
	}))
}

// WatchWebhooks has every scrape ask for the events that wait to be delivered, as WatchUploads does.
func (o *Observer) WatchWebhooks(waiting func(context.Context) (n int, oldest time.Time, err error)) {
	queue := prometheus.NewDesc("openecr_webhook_queue", "Events that wait to be delivered to webhooks, in the whole registry.", nil, nil)
	age := prometheus.NewDesc("openecr_webhook_oldest_seconds", "How long the oldest of them waits; 0 when there is none.", nil, nil)
	o.set.MustRegister(onScrape(func(out chan<- prometheus.Metric) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		n, oldest, err := waiting(ctx)
		if err != nil {
			return
		}
		var seconds float64
		if n > 0 {
			seconds = max(0, time.Since(oldest).Seconds())
		}
		out <- prometheus.MustNewConstMetric(queue, prometheus.GaugeValue, float64(n))
		out <- prometheus.MustNewConstMetric(age, prometheus.GaugeValue, seconds)
	}))
}
