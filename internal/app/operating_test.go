package app

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"

	"github.com/openecr/openecr/internal/telemetry"
)

// newObserver watches without telling anybody.
func newObserver(t *testing.T) *telemetry.Observer {
	t.Helper()
	o, err := telemetry.New(t.Context(), telemetry.Options{})
	must(t, err)
	return o
}

func TestMetricsTellWhatWasDone(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	info := r.Info()
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	check := &ecrpublic.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("hello"), LayerDigests: []string{"sha256:" + strings.Repeat("a", 64)}}
	_, err := client.BatchCheckLayerAvailability(t.Context(), check)
	must(t, err)
	r.get(t, info.URL+"/v2/"+info.Alias+"/absent/tags/list")
	r.do(t, http.MethodPost, info.URL+"/", http.Header{"X-Amz-Target": {"SpencerFrontendService.MakeMeRich"}})
	r.send(t, signed(t, readEnvironment(t, c), http.MethodPost, "/", "sts", "application/x-www-form-urlencoded", "Action=MakeMeRich&Version=2011-06-15"))
	_, err = Administer(t.Context(), c.Stores, ListAccounts{})
	must(t, err)
	if res, _ := r.get(t, info.URL+"/metrics"); res.StatusCode != http.StatusNotFound {
		t.Errorf("on the public listener: %s", res.Status)
	}
	res, metrics := r.get(t, "http://"+r.adminLis.Addr().String()+"/metrics")
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	for _, line := range []string{
		`openecr_requests_total{code="2xx",operation="CreateRepository",wire="api"} 1`,
		`openecr_requests_total{code="2xx",operation="BatchCheckLayerAvailability",wire="api"} 1`,
		`openecr_requests_total{code="4xx",operation="other",wire="api"} 1`,
		`openecr_requests_total{code="4xx",operation="tagsList",wire="registry"} 1`,
		`openecr_requests_total{code="2xx",operation="ListAccounts",wire="command"} 1`,
		`openecr_requests_total{code="4xx",operation="other",wire="sts"} 1`,
		`openecr_received_bytes_total{wire="gallery"} 0`,
		`openecr_layers_checked_total{answer="unavailable"} 1`,
		`openecr_store_duration_seconds_count{store="metadata",verb="find_layers"} 1`,
		`openecr_uploads_open 0`,
		`openecr_pool_waits_total{pool="read"} 0`,
	} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(metrics, "hello") || strings.Contains(metrics, "MakeMeRich") {
		t.Error("labels have what a client has written")
	}
}

func TestRequestsAreTraced(t *testing.T) {
	var mu sync.Mutex
	var exported bytes.Buffer
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&exported, r.Body)
	}))
	defer receiver.Close()
	c := newConfig(t)
	c.Traces = receiver.URL
	r := serve(t, c)
	env := readEnvironment(t, c)
	makeRepository(t, newClient(t, r, env))
	r.stop()
	must(t, r.wait())
	log := r.log.String()
	if !strings.Contains(log, `"trace_id":"`) {
		t.Errorf("the log names no trace: %s", log)
	}
	// Strings are themselves in protobuf; package telemetry looks at the spans.
	for _, text := range []string{"CreateRepository", "metadata update", "openecr.request_id"} {
		if !bytes.Contains(exported.Bytes(), []byte(text)) {
			t.Errorf("no %s in the traces", text)
		}
	}
	if bytes.Contains(exported.Bytes(), []byte(env.SecretAccessKey)) {
		t.Error("the secret is told")
	}
}

func TestLogger(t *testing.T) {
	for name, c := range map[string]struct {
		options  Operating
		terminal bool
		want     string // what a line begins with
	}{
		"on a terminal":       {Operating{}, true, "time="},
		"elsewhere":           {Operating{}, false, `{"time":`},
		"json on a terminal":  {Operating{LogFormat: "json"}, true, `{"time":`},
		"text elsewhere":      {Operating{LogFormat: "text"}, false, "time="},
		"nothing below error": {Operating{LogLevel: "error"}, false, ""},
	} {
		var out bytes.Buffer
		log, err := c.options.Logger(&out, c.terminal)
		must(t, err)
		log.Warn("hello")
		if got := out.String(); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q", name, got)
		}
		c.options.Level.Set(slog.LevelWarn)
		log.Warn("hello")
		if out.Len() == 0 {
			t.Errorf("%s: the level cannot be changed", name)
		}
	}
	if _, err := (&Operating{LogLevel: "loud"}).Logger(os.Stderr, false); err == nil {
		t.Error("any level is taken")
	}
}

func TestMistakeInTracesIsOneClearSentence(t *testing.T) {
	c := newConfig(t)
	c.Traces = "collector:4318"
	if got := refusal(t, c); !strings.HasPrefix(got, "--traces must be the http:// or https:// address of an OTLP receiver") {
		t.Error(got)
	}
}
