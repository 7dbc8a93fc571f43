package main

import (
	"cmp"
	"fmt"
)

// A goal is one line of the table: what of a load is compared with what, and how much better it shall be. Where a
// floor was measured in the same run, nine tenths of what it reaches is enough.
type goal struct {
	title        string
	load, metric string
	want         float64  // how many times better; 0 where nothing is asked
	only         []string // peers that count; all registries when empty
	against      string   // load of the peers, when that is another
	times        float64  // what of theirs is worth one of ours: a call of ours checks 100 layers, a HEAD one
	itself       string   // the metric of ours that is compared with, instead of a peer
	onFloor      bool     // the floor itself is what is compared with
	limit        float64  // the goal is a figure instead, whatever the peers reach
	floorLoad    string   // load of the floor, when that is another
	floorPeer    string   // what is the floor; the program of floor.go when empty
}

func goals() []goal {
	fsyncs := []string{"distribution", "docker-registry"}
	zot, disks := []string{"zot"}, []string{"distribution", "docker-registry", "crane", "zot"}
	return []goal{
		{title: "layers checked, 100 a call", load: "check", metric: rate, against: "head", times: 100, want: 60, only: []string{"distribution", "zot"}},
		{title: "the same call", load: "check", metric: cpuEach, onFloor: true, want: 1 / 2.5},
		{title: "its growth, 10³ to 10⁷ layers", load: "growth", metric: cpuEach, itself: "few", want: 1 / 1.3, floorLoad: "check"},
		{title: "HEAD blob, token checked", load: "head", metric: rate, want: 3},
		{title: "HEAD blob, token checked", load: "head", metric: cpuEach, want: 5, only: zot},
		{title: "manifest by tag", load: "manifest-tag", metric: rate, want: 1.2},
		{title: "manifest by tag", load: "manifest-tag", metric: rate, want: 3, only: zot},
		{title: "manifest by digest", load: "manifest-digest", metric: rate, want: 1.2},
		{title: "manifest by digest", load: "manifest-digest", metric: rate, want: 3, only: zot},
		{title: "push, 1 GiB, durable", load: "push-1", metric: speed, want: 1.4, only: fsyncs},
		{title: "push, 1 GiB, durable", load: "push-1", metric: speed, want: 1, only: zot},
		{title: "push, 1 GiB, durable", load: "push-1", metric: cpuGiB, want: 1},
		{title: "push, 8 x 64 MiB, durable", load: "push-8", metric: speed, want: 1.4, only: fsyncs},
		{title: "push, 8 x 64 MiB, durable", load: "push-8", metric: speed, want: 1, only: zot},
		{title: "push, 8 x 64 MiB, durable", load: "push-8", metric: cpuGiB, want: 1},
		{title: "push by API, parts of 10 MiB", load: "push-api", metric: speed, onFloor: true, want: 0.5},
		{title: "small images, 32 clients, durable", load: "small", metric: rate, want: 1.5},
		{title: "pull, 1 GiB", load: "pull-1", metric: speed, want: 0.95, only: []string{"nginx"}, floorPeer: "nginx"},
		{title: "pull, 1 GiB", load: "pull-1", metric: cpuGiB, want: 1, only: disks, floorPeer: "nginx"},
		{title: "pull, 32 x 64 MiB", load: "pull-32", metric: speed, want: 0.95, only: []string{"nginx"}, floorPeer: "nginx"},
		{title: "pull, 32 x 64 MiB", load: "pull-32", metric: cpuGiB, want: 1, only: disks, floorPeer: "nginx"},
		{title: "pull, 1 GiB, TLS", load: "pull-tls", metric: speed, only: []string{"nginx"}, floorPeer: "nginx"},
		{title: "pull, 1 GiB, TLS", load: "pull-tls", metric: cpuGiB, only: []string{"nginx"}, floorPeer: "nginx"},
		{title: "memory, idle", load: "idle", metric: rss, want: 2, only: zot},
		{title: "memory above idle, 32 pushes of 64 MiB", load: "memory-push", metric: above, limit: 64},
		{title: "memory above idle, 2,000 pulls", load: "memory-pull", metric: above, limit: 96},
		{title: "start to first answer, empty", load: "start", metric: millis, limit: 40},
		{title: "start to first answer, 10⁷ layers", load: "start-large", metric: millis, limit: 200},
		{title: "openecr ecr-public, whole process", load: "command", metric: cpuEach, want: 20, only: []string{"aws"}},
		{title: "openecr ecr-public, whole process", load: "command", metric: millis, want: 20, only: []string{"aws"}},
	}
}

// row compares, if the figures are there.
func (g goal) row(r *report) (row, bool) {
	scale := cmp.Or(g.times, 1)
	ours, ok := r.figure(g.load, "openecr", g.metric)
	if !ok {
		return row{}, false
	}
	out := row{Title: g.title, Load: g.load, Metric: g.metric, Ours: ours.times(scale)}
	if f, ok := r.figure(cmp.Or(g.floorLoad, g.load), cmp.Or(g.floorPeer, "floor"), g.metric); ok {
		f = f.times(scale)
		out.Floor = &f
	}
	peer, theirs, found := g.theirs(r)
	if found {
		out.Peer, out.Theirs = peer, &theirs
	}
	if g.limit > 0 {
		out.Ratio, out.Goal = g.limit/max(out.Ours.Median, 0.1), fmt.Sprintf("under %s", number(g.limit))
		out.judge(1)
		return out, true
	}
	if !found {
		return row{}, false
	}
	out.Ratio = better(g.metric, out.Ours, theirs)
	want := g.want
	if out.Floor != nil && !g.onFloor && g.floorPeer == "" && g.itself == "" {
		want = min(want, 0.9*better(g.metric, *out.Floor, theirs))
	}
	out.Goal = number(want)
	if want < g.want {
		out.Goal += fmt.Sprintf(" (0.9 of the floor; else %s)", number(g.want))
	}
	if g.want == 0 {
		out.Goal = ""
		return out, true
	}
	out.judge(want)
	return out, true
}

func (g goal) theirs(r *report) (peer string, f figure, found bool) {
	switch {
	case g.onFloor:
		f, found = r.figure(g.load, "floor", g.metric)
		return "floor", f, found
	case g.itself != "":
		f, found = r.figure(g.load, "openecr", g.itself)
		return "itself, 10³", f, found
	}
	return r.best(cmp.Or(g.against, g.load), g.metric, g.only...)
}

// better is how many times a does better than b.
func better(metric string, a, b figure) float64 {
	if larger(metric) {
		return a.Median / b.Median
	}
	return b.Median / max(a.Median, 0.001)
}
