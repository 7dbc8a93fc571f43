package telemetry

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

// exercise counts everything once, so that every metric has its series.
func exercise(t *testing.T) *Observer {
	t.Helper()
	o := newObserver(t, Options{Version: "1.2.3", IsOperation: func(string, string) bool { return true }})
	for _, a := range []Answer{
		{Wire: "api", Operation: "BatchCheckLayerAvailability", Status: 200},
		{Wire: "registry", Operation: "blobGet", Status: 500},
		{Wire: "probe", Operation: "readyz", Status: 503},
	} {
		_, q := o.Begin(httptest.NewRequest(http.MethodPost, "/", nil), "id")
		q.End(a)
	}
	core := o.Registry()
	core.LayersChecked(1, 1, true)
	core.Collected(registry.Collected{}, nil)
	o.Meta(scriptedMeta{})
	o.Blobs(registrytest.NewMemBlobs(t))
	o.WatchPools(func() []Pool { return []Pool{{Name: "read", Max: 1, Waited: time.Second}} })
	o.WatchWebhooks(func(context.Context) (int, time.Time, error) { return 1, time.Now(), nil })
	o.WatchUploads(func(context.Context) (int, error) { return 0, nil })
	o.WatchWork(func() []Work { return []Work{{Kind: "upload", Places: 1}} })
	o.WatchRoom(func() Room { return Room{Disks: []Disk{{Holds: "layers"}}} })
	return o
}

// series are the labels with their values that each metric has.
func series(text string) map[string]map[string][]string {
	found := make(map[string]map[string][]string)
	for line := range strings.Lines(text) {
		if line == "\n" || strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		if found[name] == nil {
			// What Prometheus adds to all that it scrapes.
			found[name] = map[string][]string{"instance": nil, "job": {"openecr"}}
		}
		for _, label := range matcher.FindAllStringSubmatch(line, -1) {
			found[name][label[1]] = append(found[name][label[1]], label[3])
		}
	}
	return found
}

var (
	matcher   = regexp.MustCompile(`(\w+)(=~|!=|=)"([^"]*)"`)
	grouping  = regexp.MustCompile(`\bby \(([^)]*)\)`)
	selector  = regexp.MustCompile(`([a-zA-Z_]\w*)(?:\{([^}]*)\})?`)
	duration  = regexp.MustCompile(`\[[^\]]*\]`)
	functions = []string{"sum", "max", "count", "rate", "increase", "histogram_quantile", "time", "and"}
)

// mistakesIn is what a query asks for and no metric has.
func mistakesIn(query string, known map[string]map[string][]string) (mistakes []string) {
	labels := make(map[string]bool) // of all metrics in the query
	var grouped []string
	for _, by := range grouping.FindAllStringSubmatch(query, -1) {
		grouped = append(grouped, strings.Split(by[1], ", ")...)
	}
	metrics := 0
	for _, part := range selector.FindAllStringSubmatch(duration.ReplaceAllString(grouping.ReplaceAllString(query, ""), ""), -1) {
		name := part[1]
		if slices.Contains(functions, name) {
			continue
		}
		of, ok := known[name]
		if !ok {
			mistakes = append(mistakes, "there is no metric "+name)
			continue
		}
		metrics++
		for label := range of {
			labels[label] = true
		}
		for _, m := range matcher.FindAllStringSubmatch(part[2], -1) {
			values, ok := of[m[1]]
			if !ok {
				mistakes = append(mistakes, name+" has no label "+m[1])
			} else if m[2] != "=~" && !slices.Contains(values, m[3]) {
				mistakes = append(mistakes, name+" never has "+m[0])
			}
		}
	}
	if metrics == 0 {
		mistakes = append(mistakes, "it asks for no metric")
	}
	for _, label := range grouped {
		if !labels[label] {
			mistakes = append(mistakes, "nothing in it has the label "+label)
		}
	}
	return mistakes
}

func checkQuery(t *testing.T, where, query string, known map[string]map[string][]string) {
	t.Helper()
	for _, mistake := range mistakesIn(query, known) {
		t.Errorf("%s: %s: %s", where, query, mistake)
	}
}

func TestDashboardAsksForWhatThereIs(t *testing.T) {
	known := series(scrape(t, exercise(t)))
	content, err := os.ReadFile("../../deploy/grafana/openecr.json")
	must(t, err)
	var dashboard struct {
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr string }
			GridPos struct{ X, Y, W, H int }
		}
	}
	must(t, json.Unmarshal(content, &dashboard))
	ids := make(map[int]bool)
	var rows []string
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %s: id %d at %v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			rows = append(rows, p.Title)
		} else if len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkQuery(t, "panel "+p.Title, target.Expr, known)
		}
	}
	if want := []string{"Traffic", "Pushes and checks", "Stores", "Garbage collection", "Process"}; !slices.Equal(rows, want) {
		t.Errorf("rows %v", rows)
	}
}

func TestAlertsAskForWhatThereIs(t *testing.T) {
	known := series(scrape(t, exercise(t)))
	known["up"] = map[string][]string{"job": {"openecr"}, "instance": nil}
	content, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	must(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      struct{ Severity string }
				Annotations struct{ Summary, Description string }
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(content)))
	decoder.KnownFields(true)
	must(t, decoder.Decode(&file))
	alerts := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			alerts++
			checkQuery(t, r.Alert, r.Expr, known)
			if _, err := time.ParseDuration(r.For); err != nil || r.Labels.Severity == "" || r.Annotations.Summary == "" || r.Annotations.Description == "" {
				t.Errorf("%s is not whole: %+v", r.Alert, r)
			}
		}
	}
	if alerts == 0 {
		t.Error("no alerts")
	}
}

func TestMistakesInQueriesAreFound(t *testing.T) {
	known := map[string]map[string][]string{"a_total": {"wire": {"api"}}}
	for query, want := range map[string]string{
		`rate(b_total[5m])`:       "there is no metric b_total",
		`a_total{verb="x"}`:       "a_total has no label verb",
		`a_total{wire="apj"}`:     `a_total never has wire="apj"`,
		`sum by (verb) (a_total)`: "nothing in it has the label verb",
		`sum(time())`:             "it asks for no metric",
	} {
		if got := mistakesIn(query, known); !slices.Contains(got, want) {
			t.Errorf("%s: %v", query, got)
		}
	}
	checkQuery(t, "good", `sum by (wire) (rate(a_total{wire="api"}[5m])) > 0.5`, known)
}
