package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is every sample of a run.
type report struct {
	options options
	samples map[string]map[string][]sample // by load and peer
}

func newReport(o options) *report { return &report{o, make(map[string]map[string][]sample)} }

func (r *report) add(load, peer string, s sample) {
	if r.samples[load] == nil {
		r.samples[load] = make(map[string][]sample)
	}
	r.samples[load][peer] = append(r.samples[load][peer], s)
}

// figure is the median of a metric over the rounds, and how far the rounds lie apart.
type figure struct {
	Median float64 `json:"median"`
	Spread float64 `json:"spread"` // (largest - smallest) / median
}

func (r *report) figure(load, peer, metric string) (figure, bool) {
	var values []float64
	for _, s := range r.samples[load][peer] {
		if v, ok := s[metric]; ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return figure{}, false
	}
	slices.Sort(values)
	median := values[len(values)/2]
	if len(values)%2 == 0 {
		median = (median + values[len(values)/2-1]) / 2
	}
	f := figure{Median: median}
	if median > 0 {
		f.Spread = (values[len(values)-1] - values[0]) / median
	}
	return f, true
}

// best is the registry that does best by the metric, openecr aside. only, unless empty, are those that count.
func (r *report) best(load, metric string, only ...string) (name string, f figure, found bool) {
	larger := metric == rate || metric == speed
	for peer := range r.samples[load] {
		if peer == "openecr" || peer == "floor" || len(only) > 0 && !slices.Contains(only, peer) {
			continue
		}
		g, ok := r.figure(load, peer, metric)
		if ok && (!found || larger == (g.Median > f.Median)) {
			name, f, found = peer, g, true
		}
	}
	return name, f, found
}

// row is a line of the table.
type row struct {
	Load    string  `json:"load"`
	Metric  string  `json:"metric"`
	Ours    figure  `json:"openecr"`
	Against string  `json:"against"`
	Theirs  figure  `json:"theirs"`
	Floor   *figure `json:"floor,omitempty"`
	Ratio   float64 `json:"ratio"` // better when large, whatever the metric
	Goal    float64 `json:"goal"`
	Met     bool    `json:"met"`
}

// judge makes the rows whose figures were taken.
func (r *report) judge() []row {
	var rows []row
	for _, g := range goals() {
		if row, ok := g.row(r); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

func printTable(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "load\tmetric\topenecr\tspread\tagainst\ttheirs\tfloor\tratio\tgoal\t")
	for _, r := range rows {
		floor, verdict := "", "met"
		if r.Floor != nil {
			floor = number(r.Floor.Median)
		}
		if !r.Met {
			verdict = "missed"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f%%\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Load, r.Metric, number(r.Ours.Median), 100*r.Ours.Spread,
			r.Against, number(r.Theirs.Median), floor, number(r.Ratio), number(r.Goal), verdict)
	}
	_ = t.Flush() // a terminal that is gone
}

// write keeps the figures as JSON and the ratios as a chart.
func (r *report) write(dir string, rows []row) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{
		"taken":   time.Now().UTC().Format(time.RFC3339),
		"cpus":    runtime.NumCPU(),
		"go":      runtime.Version(),
		"rounds":  r.options.rounds,
		"rows":    rows,
		"samples": r.samples,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "peers.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "peers.svg"), []byte(chart(rows)), 0o644)
}

// chart draws how far each ratio is of its goal: a bar that passes the line meets it.
func chart(rows []row) string {
	const width, line, left, unit, most = 900, 26, 330, 180, 3.0
	var b strings.Builder
	height := line*len(rows) + 50
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="20">ratio to the goal (line: the goal; bars end at %.0f)</text>`+"\n", width, height, left, most)
	for i, r := range rows {
		y := 32 + i*line
		share, color := min(r.Ratio/r.Goal, most), "#1a7f37"
		if !r.Met {
			color = "#b35900"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s, %s</text><rect x="%d" y="%d" width="%.0f" height="%d" fill="%s"/><text x="%.0f" y="%d">%s of %s against %s</text>`+"\n",
			left-8, y+16, r.Load, r.Metric, left, y+3, share*unit/1.0*0.6, line-8, color, float64(left)+share*unit*0.6+6, y+16, number(r.Ratio), number(r.Goal), r.Against)
	}
	fmt.Fprintf(&b, `<line x1="%.0f" y1="28" x2="%.0f" y2="%d" stroke="#000" stroke-dasharray="4 3"/>`+"\n</svg>\n", left+unit*0.6, left+unit*0.6, height-14)
	return b.String()
}
