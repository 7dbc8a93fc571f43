package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sampled(samples map[string]map[string]sample) *report {
	r := newReport(options{})
	for load, peers := range samples {
		for peer, s := range peers {
			r.add(load, peer, s)
		}
	}
	return r
}

func TestGoalsAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		samples map[string]map[string]sample
		title   string
		metric  string
		ratio   float64
		goal    string
		verdict string
	}{
		"a call checks 100 layers": {
			map[string]map[string]sample{"check": {"openecr": {rate: 700}}, "head": {"distribution": {rate: 1000}, "zot": {rate: 900}, "crane": {rate: 5000}}},
			"layers checked, 100 a call", rate, 70, "60.0", "met",
		},
		"nine tenths of the floor are enough": {
			map[string]map[string]sample{"head": {"openecr": {rate: 2000}, "crane": {rate: 1000}, "floor": {rate: 2200}}},
			"HEAD blob, token checked", rate, 2, "1.98 (0.9 of the floor; else 3.00)", "met",
		},
		"less is better for processor time": {
			map[string]map[string]sample{"head": {"openecr": {cpuEach: 100}, "zot": {cpuEach: 300}, "floor": {cpuEach: 10}}},
			"HEAD blob, token checked", cpuEach, 3, "5.00", "missed",
		},
		"the floor itself": {
			map[string]map[string]sample{"check": {"openecr": {cpuEach: 100}, "floor": {cpuEach: 50}}},
			"the same call", cpuEach, 0.5, "0.40", "met",
		},
		"a figure as the goal": {
			map[string]map[string]sample{"start": {"openecr": {millis: 80}, "crane": {millis: 18}}},
			"start to first answer, empty", millis, 0.5, "under 40.0", "missed",
		},
		"nothing asked": {
			map[string]map[string]sample{"pull-tls": {"openecr": {speed: 500}, "nginx": {speed: 1000}}},
			"pull, 1 GiB, TLS", speed, 0.5, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range sampled(c.samples).rows() {
				if r.Title != c.title || r.Metric != c.metric {
					continue
				}
				if r.Ratio != c.ratio || r.Goal != c.goal || r.Verdict != c.verdict {
					t.Errorf("ratio %v, goal %q, %q", r.Ratio, r.Goal, r.Verdict)
				}
				return
			}
			t.Error("there is no such row")
		})
	}
}

func TestMedianAndSpread(t *testing.T) {
	r := newReport(options{})
	for _, v := range []float64{30, 10, 20, 40} {
		r.add("head", "openecr", sample{rate: v})
	}
	if f, ok := r.figure("head", "openecr", rate); !ok || f != (figure{25, 1.2}) {
		t.Errorf("%v %v", f, ok)
	}
	if _, ok := r.figure("head", "zot", rate); ok {
		t.Error("a figure of what was not measured")
	}
}

func TestTableOfDocumentIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "performance.md")
	must(t, os.WriteFile(path, []byte("before\n"+tableBegins+"old\n"+tableEnds+"after\n"), 0o600))
	r := sampled(map[string]map[string]sample{"start": {"openecr": {millis: 20}, "floor": {millis: 5}}})
	must(t, replaceTable(path, r.markdown(r.rows())))
	text, err := os.ReadFile(path)
	must(t, err)
	for _, want := range []string{"before\n" + tableBegins, tableEnds + "after\n", "| start to first answer, empty | ms | 20.0 | 0 % |  | 5.00 | 2.00 | under 40.0 | met |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the old table is still there")
	}
	must(t, os.WriteFile(path, []byte("no place"), 0o600))
	if err := replaceTable(path, "x"); err == nil {
		t.Error("a document without a place was changed")
	}
}

func TestChosenLoadsComeWithWhatTheyAreComparedWith(t *testing.T) {
	o, err := parse([]string{"-load", "check", "-scratch", t.TempDir(), "-results", t.TempDir()})
	must(t, err)
	var names []string
	for _, l := range o.chosen() {
		names = append(names, l.name)
	}
	if got := strings.Join(names, " "); got != "head check" {
		t.Errorf("chosen are %s", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
