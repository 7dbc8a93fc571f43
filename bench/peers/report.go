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

func (f figure) times(n float64) figure { return figure{f.Median * n, f.Spread} }

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
	for peer := range r.samples[load] {
		if peer == "openecr" || peer == "floor" || len(only) == 0 && peer == "nginx" || len(only) > 0 && !slices.Contains(only, peer) {
			continue
		}
		g, ok := r.figure(load, peer, metric)
		if ok && (!found || larger(metric) == (g.Median > f.Median)) {
			name, f, found = peer, g, true
		}
	}
	return name, f, found
}

// row is a line of the table.
type row struct {
	Title   string  `json:"title"`
	Load    string  `json:"load"`
	Metric  string  `json:"metric"`
	Ours    figure  `json:"openecr"`
	Peer    string  `json:"peer,omitempty"`
	Theirs  *figure `json:"theirs,omitempty"`
	Floor   *figure `json:"floor,omitempty"`
	Ratio   float64 `json:"ratio"` // better when large, whatever the metric
	Goal    string  `json:"goal"`
	Reached float64 `json:"reached"` // the ratio in parts of the goal
	Verdict string  `json:"verdict"` // "met", "missed", or nothing where nothing is asked
}

func (r *row) judge(want float64) {
	r.Reached, r.Verdict = r.Ratio/want, "met"
	if r.Ratio < want {
		r.Verdict = "missed"
	}
}

// cells are the row as text, under headings.
func (r row) cells() []string {
	peer, floor := "", ""
	if r.Theirs != nil {
		peer = r.Peer + " " + number(r.Theirs.Median)
	}
	if r.Floor != nil {
		floor = number(r.Floor.Median)
	}
	return []string{r.Title, r.Metric, number(r.Ours.Median), fmt.Sprintf("%.0f %%", 100*r.Ours.Spread), peer, floor, number(r.Ratio), r.Goal, r.Verdict}
}

func headings() []string {
	return []string{"load", "metric", "openecr", "spread", "best peer", "floor", "ratio", "goal", ""}
}

// rows judges what was measured.
func (r *report) rows() []row {
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
	fmt.Fprintln(t, strings.Join(headings(), "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r.cells(), "\t"))
	}
	_ = t.Flush() // a terminal that is gone
}

// markdown is the same table for the documentation, with what it was taken on.
func (r *report) markdown(rows []row) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(headings())
	line(slices.Repeat([]string{"---"}, len(headings())))
	for _, row := range rows {
		line(row.cells())
	}
	without := ""
	if r.options.zot == "" {
		without = "; without zot"
	}
	fmt.Fprintf(&b, "\nTaken %s on %d processors, %s, medians of %d rounds%s.\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.Version(), r.options.rounds, without)
	return b.String()
}

// write keeps the figures as JSON and Markdown and the ratios as a chart.
func (r *report) write(rows []row) error {
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
	for name, content := range map[string]string{"peers.json": string(text) + "\n", "peers.svg": chart(rows), "table.md": r.markdown(rows)} {
		if err := os.WriteFile(filepath.Join(r.options.results, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if r.options.docs == "" {
		return nil
	}
	return replaceTable(r.options.docs, r.markdown(rows))
}

const tableBegins, tableEnds = "<!-- table of make bench -->\n", "<!-- end of the table -->\n"

// replaceTable puts the table between the marks of a document.
func replaceTable(path, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: put the lines %q and %q there", path, strings.TrimSpace(tableBegins), strings.TrimSpace(tableEnds))
	}
	return os.WriteFile(path, []byte(before+tableBegins+"\n"+table+"\n"+tableEnds+after), 0o644)
}

// chart draws how far each ratio is of its goal: a bar that passes the line meets it.
func chart(rows []row) string {
	const width, line, left, unit, most = 960, 26, 400, 110.0, 3.0
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Verdict == "" })
	var b strings.Builder
	height := line*len(rows) + 50
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="20">times the goal (line: the goal; bars end at %.0f)</text>`+"\n", width, height, left, most)
	for i, r := range rows {
		y, share, color := 32+i*line, min(r.Reached, most), "#1a7f37"
		if r.Verdict == "missed" {
			color = "#b35900"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s, %s</text><rect x="%d" y="%d" width="%.0f" height="%d" fill="%s"/><text x="%.0f" y="%d">%s</text>`+"\n",
			left-8, y+16, escape(r.Title), r.Metric, left, y+3, share*unit, line-8, color, left+share*unit+6, y+16, escape(r.caption()))
	}
	fmt.Fprintf(&b, `<line x1="%[1]d" y1="28" x2="%[1]d" y2="%[2]d" stroke="#000" stroke-dasharray="4 3"/>`+"\n</svg>\n", int(left+unit), height-14)
	return b.String()
}

func (r row) caption() string {
	if strings.HasPrefix(r.Goal, "under") {
		return fmt.Sprintf("%s, goal %s", number(r.Ours.Median), r.Goal)
	}
	goal, _, _ := strings.Cut(r.Goal, " (")
	return fmt.Sprintf("%s of %s against %s", number(r.Ratio), goal, r.Peer)
}
