package main

// A goal is one line of the table: what of a load is compared with what, and how much better it shall be. Where a
// floor was measured in the same run, nine tenths of what it reaches is enough.
type goal struct {
	load, metric string
	only         []string // peers that count; all registries when empty
	against      string   // load of the peers, when that is another
	times        float64  // what of theirs is worth one of ours: a call of ours checks 100 layers, a HEAD one
	want         float64
	floor        bool // the floor is a column
	onFloor      bool // the floor itself is what is compared with
	ownOther     string
}

func goals() []goal {
	fsyncs := []string{"distribution", "docker-registry"}
	return []goal{
		{load: "check", metric: rate, against: "head", times: 100, want: 60, only: []string{"distribution", "zot"}, floor: true},
		{load: "check", metric: cpuEach, onFloor: true, want: 1 / 2.5},
		{load: "growth", metric: "many " + cpuEach, ownOther: "few " + cpuEach, want: 1 / 1.3},
		{load: "head", metric: rate, want: 3},
		{load: "head", metric: cpuEach, want: 5, only: []string{"zot"}},
		{load: "manifest-tag", metric: rate, want: 1.2, floor: true},
		{load: "manifest-tag", metric: rate, want: 3, only: []string{"zot"}, floor: true},
		{load: "manifest-digest", metric: rate, want: 1.2},
		{load: "push-1", metric: speed, want: 1.4, only: fsyncs, floor: true},
		{load: "push-1", metric: speed, want: 1.0, only: []string{"zot"}, floor: true},
		{load: "push-1", metric: cpuGiB, want: 1},
		{load: "push-8", metric: speed, want: 1.4, only: fsyncs, floor: true},
		{load: "push-8", metric: speed, want: 1.0, only: []string{"zot"}, floor: true},
		{load: "push-api", metric: speed, onFloor: true, want: 0.5},
		{load: "small", metric: rate, want: 1.5},
		{load: "pull-1", metric: speed, want: 0.95, only: []string{"nginx"}},
		{load: "pull-1", metric: cpuGiB, want: 1, only: []string{"distribution", "docker-registry", "crane", "zot"}},
		{load: "pull-32", metric: speed, want: 0.95, only: []string{"nginx"}},
		{load: "idle", metric: rss, want: 2, only: []string{"zot"}},
		{load: "idle", metric: rss, want: 1},
		{load: "memory-push", metric: rss, want: 1},
		{load: "memory-pull", metric: rss, want: 1},
		{load: "start", metric: millis, want: 1},
		{load: "start-large", metric: millis, want: 1},
		{load: "command", metric: cpuEach, want: 20, only: []string{"aws"}},
		{load: "command", metric: millis, want: 20, only: []string{"aws"}},
	}
}

// limits are goals in figures, which hold whatever the peers reach: MiB more than idle, and milliseconds.
var limits = map[string]float64{"memory-push": 64, "memory-pull": 96, "start": 40, "start-large": 200}

// row compares, if the figures are there.
func (g goal) row(r *report) (row, bool) {
	ours, ok := r.figure(g.load, "openecr", g.metric)
	if !ok {
		return row{}, false
	}
	out := row{Load: g.load, Metric: g.metric, Ours: ours, Goal: g.want}
	if limit, ok := limits[g.load]; ok {
		return g.limited(r, out, limit)
	}
	if !g.theirs(r, &out) {
		return row{}, false
	}
	times := g.times
	if times == 0 {
		times = 1
	}
	if g.metric == rate || g.metric == speed {
		out.Ratio = ours.Median * times / out.Theirs.Median
	} else {
		out.Ratio = out.Theirs.Median / ours.Median
	}
	if f, ok := r.figure(g.load, "floor", g.metric); ok && g.floor {
		out.Floor = &f
		out.Goal = min(out.Goal, 0.9*f.Median*times/out.Theirs.Median)
	}
	out.Met = out.Ratio >= out.Goal
	return out, true
}

func (g goal) theirs(r *report, out *row) (found bool) {
	switch {
	case g.onFloor:
		out.Against = "floor"
		out.Theirs, found = r.figure(g.load, "floor", g.metric)
	case g.ownOther != "":
		out.Against = "itself, 1,000 layers"
		out.Theirs, found = r.figure(g.load, "openecr", g.ownOther)
	case g.against != "":
		out.Against, out.Theirs, found = r.best(g.against, g.metric, g.only...)
	default:
		out.Against, out.Theirs, found = r.best(g.load, g.metric, g.only...)
	}
	return found
}

// limited judges by a figure instead of a peer. Memory is what a load takes beyond the idle server.
func (g goal) limited(r *report, out row, limit float64) (row, bool) {
	out.Against, out.Theirs = "limit", figure{Median: limit}
	used := out.Ours.Median
	if g.metric == rss {
		resting, ok := r.figure("idle", "openecr", rss)
		if !ok {
			return row{}, false
		}
		out.Against, used = "limit above idle", max(used-resting.Median, 0.1)
		out.Ours.Median = used
	}
	out.Ratio = limit / used
	out.Met = out.Ratio >= 1
	return out, true
}
