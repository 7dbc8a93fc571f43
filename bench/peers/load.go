package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A load is one kind of work. It runs against a server that it starts in an empty folder, and stops.
type load struct {
	name  string
	who   func(o options) []peer
	run   func(ctx context.Context, o options, p peer, dir string) (sample, error)
	needs string // the load that it is compared with, when that is another
}

// sample is what one run measured, by the metric's name.
type sample map[string]float64

// The metrics. All but rate and speed are better when small.
const (
	rate    = "per second"
	speed   = "MB/s"
	cpuEach = "CPU us each"
	cpuGiB  = "CPU s/GiB"
	rss     = "MiB"
	above   = "MiB above idle"
	millis  = "ms"
)

func larger(metric string) bool { return metric == rate || metric == speed }

func (s sample) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, fmt.Sprintf("%s %s", number(s[name]), name))
	}
	return strings.Join(parts, ", ")
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// with starts the peer, has fn measure it, and stops it.
func with(ctx context.Context, o options, p peer, dir string, fn func(t *target) (sample, error)) (sample, error) {
	t, err := p.start(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	return fn(t)
}

// used is the processor time the server takes while fn runs. In a run for a flame graph it is what the graph shows.
func (t *target) used(fn func() error) (time.Duration, error) {
	if t.flame != nil {
		return 0, t.profile(fn)
	}
	before, err := t.cpu()
	if err != nil {
		return 0, err
	}
	if err := fn(); err != nil {
		return 0, err
	}
	after, err := t.cpu()
	return after - before, err
}

// closedLoop sends requests on n connections for the time of the options.
func (t *target) closedLoop(ctx context.Context, o options, n, status int, requests func(connection, i int) []byte) (sample, error) {
	if _, _, err := loop(ctx, t.origin, n, o.seconds/6, status, requests); err != nil { // warm
		return nil, err
	}
	var count int64
	var elapsed time.Duration
	cpu, err := t.used(func() (err error) {
		count, elapsed, err = loop(ctx, t.origin, n, o.seconds, status, requests)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sample{rate: float64(count) / elapsed.Seconds(), cpuEach: float64(cpu.Microseconds()) / float64(count)}, nil
}

// moved makes a sample of bytes that went over the wire.
func moved(size int64, elapsed, cpu time.Duration) sample {
	return sample{speed: float64(size) / 1e6 / elapsed.Seconds(), cpuGiB: cpu.Seconds() / (float64(size) / (1 << 30))}
}
