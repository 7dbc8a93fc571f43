package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Work is how much of a kind of work is done.
type Work struct {
	Kind                    string
	Places, Inside, Waiting int64
	Refused                 int64 // since the start
}

// Room is how much more the server could take on.
type Room struct {
	MemoryLimit                 int64 // 0 is none
	Connections, MaxConnections int
	Evicted                     int64 // idle connections that were closed for new ones, since the start
	Disks                       []Disk
}

// Disk is the file system under something that is kept.
type Disk struct {
	Holds       string
	Free, Least int64 // bytes
}

// WatchWork has every scrape read how much is done at once.
func (o *Observer) WatchWork(read func() []Work) {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, []string{"kind"}, nil) }
	places := desc("openecr_work_places", "How much work of a kind may be done at once: requests, and for bodies bytes.")
	inside := desc("openecr_work_in_flight", "How much work of a kind is being done.")
	waiting := desc("openecr_work_queued", "Requests that wait for a place.")
	refused := desc("openecr_work_refused_total", "Requests that were sent away because there was no place.")
	o.set.MustRegister(onScrape(func(out chan<- prometheus.Metric) {
		for _, w := range read() {
			out <- prometheus.MustNewConstMetric(places, prometheus.GaugeValue, float64(w.Places), w.Kind)
			out <- prometheus.MustNewConstMetric(inside, prometheus.GaugeValue, float64(w.Inside), w.Kind)
			out <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(w.Waiting), w.Kind)
			out <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(w.Refused), w.Kind)
		}
	}))
}

// WatchRoom has every scrape read what is left of memory, connections and disks.
func (o *Observer) WatchRoom(read func() Room) {
	memory := prometheus.NewDesc("openecr_memory_limit_bytes", "Memory that the server may use; 0 is no limit.", nil, nil)
	open := prometheus.NewDesc("openecr_connections", "Connections of clients that are open.", nil, nil)
	most := prometheus.NewDesc("openecr_max_connections", "Connections that may be open.", nil, nil)
	evicted := prometheus.NewDesc("openecr_connections_evicted_total", "Idle connections that were closed to make room for new ones.", nil, nil)
	free := prometheus.NewDesc("openecr_disk_free_bytes", "Free bytes of the disk, by what is kept there.", []string{"holds"}, nil)
	least := prometheus.NewDesc("openecr_disk_min_free_bytes", "Free bytes below which uploads are refused.", []string{"holds"}, nil)
	o.set.MustRegister(onScrape(func(out chan<- prometheus.Metric) {
		r := read()
		out <- prometheus.MustNewConstMetric(memory, prometheus.GaugeValue, float64(r.MemoryLimit))
		out <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, float64(r.Connections))
		out <- prometheus.MustNewConstMetric(most, prometheus.GaugeValue, float64(r.MaxConnections))
		out <- prometheus.MustNewConstMetric(evicted, prometheus.CounterValue, float64(r.Evicted))
		for _, d := range r.Disks {
			out <- prometheus.MustNewConstMetric(free, prometheus.GaugeValue, float64(d.Free), d.Holds)
			out <- prometheus.MustNewConstMetric(least, prometheus.GaugeValue, float64(d.Least), d.Holds)
		}
	}))
}
