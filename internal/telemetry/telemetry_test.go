package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func newObserver(t *testing.T, o Options) *Observer {
	t.Helper()
	obs, err := New(t.Context(), o)
	must(t, err)
	return obs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scrape is the metrics, one line each.
func scrape(t *testing.T, o *Observer) string {
	t.Helper()
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return "\n" + w.Body.String()
}

func wantLines(t *testing.T, o *Observer, lines ...string) {
	t.Helper()
	text := scrape(t, o)
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, " ")
			name, _, _ = strings.Cut(name, "{")
			t.Errorf("no %s, but %v", line, linesOf(text, name))
		}
	}
}

func linesOf(text, prefix string) (found []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func known(_, operation string) bool { return operation == "PutImage" || operation == "blobGet" }

func TestRequestsAreCounted(t *testing.T) {
	o := newObserver(t, Options{IsOperation: known})
	for _, a := range []Answer{
		{"api", "PutImage", 200, 100, 10, 700 * time.Microsecond},
		{"api", "PutImage", 400, 50, 5, 2 * time.Second},
		{"api", "PutImage", 200, 1, 1, time.Hour},
		{"registry", "blobGet", 307, 0, 0, 0},
		{"api", "MakeMeRich", 400, 0, 0, 0},
		{"", "", 404, 0, 3, 0},
	} {
		_, q := o.Begin(httptest.NewRequest(http.MethodPost, "/", nil), "id")
		q.End(a)
	}
	_, running := o.Begin(httptest.NewRequest(http.MethodPost, "/", nil), "id")
	wantLines(t, o,
		`openecr_requests_total{code="2xx",operation="PutImage",wire="api"} 2`,
		`openecr_requests_total{code="4xx",operation="PutImage",wire="api"} 1`,
		`openecr_requests_total{code="3xx",operation="blobGet",wire="registry"} 1`,
		`openecr_requests_total{code="4xx",operation="other",wire="api"} 1`,
		`openecr_requests_total{code="4xx",operation="other",wire="other"} 1`,
		`openecr_request_duration_seconds_bucket{operation="PutImage",wire="api",le="0.0005"} 0`,
		`openecr_request_duration_seconds_bucket{operation="PutImage",wire="api",le="0.001"} 1`,
		`openecr_request_duration_seconds_bucket{operation="PutImage",wire="api",le="300"} 2`,
		`openecr_request_duration_seconds_bucket{operation="PutImage",wire="api",le="+Inf"} 3`,
		`openecr_received_bytes_total{wire="api"} 151`,
		`openecr_sent_bytes_total{wire="api"} 16`,
		`openecr_sent_bytes_total{wire="other"} 3`,
		`openecr_requests_in_flight 1`)
	running.End(Answer{})
	wantLines(t, o, `openecr_requests_in_flight 0`)
}

func TestVerbsOfTheCoreAreCounted(t *testing.T) {
	o := newObserver(t, Options{Version: "1.2.3"})
	core := o.Registry()
	core.LayersChecked(3, 2, false)
	core.LayersChecked(4, 0, true)
	core.LeasesRenewed(2)
	core.UploadStarted()
	core.UploadCancelled()
	core.LayerUploaded(100, false)
	core.LayerUploaded(7, true)
	core.LayerMounted()
	core.ImagePushed()
	wantLines(t, o,
		`openecr_layers_checked_total{answer="available"} 7`,
		`openecr_layers_checked_total{answer="unavailable"} 2`,
		`openecr_check_cache_total{result="hit"} 1`,
		`openecr_check_cache_total{result="miss"} 1`,
		`openecr_leases_renewed_total 2`,
		`openecr_uploads_started_total 1`,
		`openecr_uploads_cancelled_total 1`,
		`openecr_layers_pushed_total{how="uploaded"} 1`,
		`openecr_layers_pushed_total{how="in_vain"} 1`,
		`openecr_layers_pushed_total{how="mounted"} 1`,
		`openecr_layers_pushed_bytes_total 107`,
		`openecr_images_pushed_total 1`)
	if want := `openecr_build_info{go="` + runtime.Version() + `",version="1.2.3"} 1`; !strings.Contains(scrape(t, o), want) {
		t.Errorf("no %s", want)
	}
}

// scriptedMeta answers what it is told to.
type scriptedMeta struct {
	registry.Meta
	err error
}

func (m scriptedMeta) View(context.Context, func(registry.Tx) error) error      { return m.err }
func (m scriptedMeta) ViewStale(context.Context, func(registry.Tx) error) error { return m.err }
func (m scriptedMeta) Update(context.Context, func(registry.Tx) error) error    { return m.err }
func (m scriptedMeta) FindLayers(context.Context, string, ref.RepositoryName, []ref.Digest) (registry.Repository, []registry.Layer, error) {
	return registry.Repository{ID: 7}, nil, m.err
}

func TestFailuresAreThoseOfTheStore(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk on fire"), 1},
		{context.DeadlineExceeded, 1},
		{fmt.Errorf("layer: %w", registry.ErrAbsent), 0},
		{fmt.Errorf("layer: %w", registry.ErrConflict), 0},
		{&registry.Error{Kind: registry.LayerNotFound}, 0},
		{context.Canceled, 0},
	} {
		o := newObserver(t, Options{})
		m := o.Meta(scriptedMeta{err: c.err})
		for _, err := range []error{m.View(t.Context(), nil), m.ViewStale(t.Context(), nil), m.Update(t.Context(), nil)} {
			if !errors.Is(err, c.err) {
				t.Errorf("%v became %v", c.err, err)
			}
		}
		if repo, _, err := m.FindLayers(t.Context(), "", "", nil); repo.ID != 7 || !errors.Is(err, c.err) {
			t.Errorf("%v became %v", c.err, err)
		}
		for _, verb := range []string{"view", "view_stale", "update", "find_layers"} {
			wantLines(t, o, fmt.Sprintf(`openecr_store_errors_total{store="metadata",verb="%s"} %d`, verb, c.want),
				fmt.Sprintf(`openecr_store_duration_seconds_count{store="metadata",verb="%s"} 1`, verb))
		}
	}
}

func TestBlobsArePassedOn(t *testing.T) {
	o := newObserver(t, Options{})
	stored := registrytest.NewMemBlobs(t)
	stored.AllowAbsent = true
	b := o.Blobs(stored)
	u, err := b.Append(t.Context(), registry.Unfinished{Locator: strings.Repeat("0", 32)}, strings.NewReader("hello"), nil)
	if err != nil || u.Offset != 5 {
		t.Errorf("%+v, %v", u, err)
	}
	locator, err := b.Finish(t.Context(), u, nil)
	must(t, err)
	must(t, b.Discard(t.Context(), u))
	content, err := b.Open(t.Context(), locator)
	must(t, err)
	if text, err := io.ReadAll(content); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	must(t, content.Close())
	for found, err := range b.List(t.Context()) {
		if err != nil || found.Locator != locator {
			t.Errorf("%+v, %v", found, err)
		}
	}
	must(t, b.Delete(t.Context(), locator))
	whole, size, err := b.Put(t.Context(), strings.Repeat("1", 32), strings.NewReader("world"))
	if err != nil || size != 5 || whole != strings.Repeat("1", 32) {
		t.Errorf("%s, %d, %v", whole, size, err)
	}
	if _, err := b.Open(t.Context(), locator); !errors.Is(err, registry.ErrAbsent) {
		t.Error(err)
	}
	for _, verb := range []string{"append", "put", "finish", "discard", "delete"} {
		wantLines(t, o, fmt.Sprintf(`openecr_store_duration_seconds_count{store="blobs",verb="%s"} 1`, verb))
	}
	wantLines(t, o, `openecr_store_duration_seconds_count{store="blobs",verb="open"} 2`, `openecr_store_errors_total{store="blobs",verb="open"} 0`)
}

// fileBlobs opens a file.
type fileBlobs struct {
	registry.Blobs
	path string
}

func (b fileBlobs) Open(context.Context, string) (io.ReadSeekCloser, error) { return os.Open(b.path) }

func TestFilesStayFiles(t *testing.T) {
	b := newObserver(t, Options{}).Blobs(fileBlobs{path: filepath.Join(t.TempDir(), "blob")})
	must(t, os.WriteFile(b.(*blobs).Blobs.(fileBlobs).path, []byte("x"), 0o600))
	content, err := b.Open(t.Context(), "")
	must(t, err)
	defer content.Close()
	if _, ok := content.(*os.File); !ok {
		t.Errorf("the kernel cannot send a %T", content)
	}
}

// halfBody breaks off.
type halfBody struct{}

func (halfBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAClientThatLeavesIsNoFailureOfTheStore(t *testing.T) {
	o := newObserver(t, Options{})
	stored := registrytest.NewMemBlobs(t)
	b := o.Blobs(stored)
	u := registry.Unfinished{Locator: strings.Repeat("0", 32)}
	if _, err := b.Append(t.Context(), u, halfBody{}, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, _, err := b.Put(t.Context(), strings.Repeat("1", 32), halfBody{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	wantLines(t, o, `openecr_store_errors_total{store="blobs",verb="append"} 0`, `openecr_store_errors_total{store="blobs",verb="put"} 0`)
	stored.Fault = func(string, string) (bool, error) { return false, errors.New("disk on fire") }
	if _, err := b.Append(t.Context(), u, bytes.NewReader([]byte("x")), nil); err == nil {
		t.Error("no error")
	}
	wantLines(t, o, `openecr_store_errors_total{store="blobs",verb="append"} 1`)
}

// slowBody lets time pass on the clock before it yields.
type slowBody struct{ pause time.Duration }

func (s slowBody) Read([]byte) (int, error) {
	<-time.After(s.pause)
	return 0, io.EOF
}

func TestWaitingForAClientIsNoTimeOfTheStore(t *testing.T) {
	o := newObserver(t, Options{})
	b := o.Blobs(registrytest.NewMemBlobs(t))
	_, err := b.Append(t.Context(), registry.Unfinished{Locator: strings.Repeat("0", 32)}, slowBody{300 * time.Millisecond}, nil)
	must(t, err)
	wantLines(t, o, `openecr_store_duration_seconds_bucket{store="blobs",verb="append",le="0.25"} 1`)
}

func TestPoolsAndUploadsAreReadAtTheScrape(t *testing.T) {
	o := newObserver(t, Options{})
	o.WatchPools(func() []Pool {
		return []Pool{{Name: "read", Max: 4, InUse: 3, Idle: 1, Waits: 9, Waited: 1500 * time.Millisecond}}
	})
	open, failure := 3, error(nil)
	o.WatchUploads(func(context.Context) (int, error) { return open, failure })
	wantLines(t, o,
		`openecr_pool_max_connections{pool="read"} 4`,
		`openecr_pool_in_use_connections{pool="read"} 3`,
		`openecr_pool_idle_connections{pool="read"} 1`,
		`openecr_pool_waits_total{pool="read"} 9`,
		`openecr_pool_wait_seconds_total{pool="read"} 1.5`,
		`openecr_uploads_open 3`)
	failure = errors.New("connection refused")
	if lines := linesOf(scrape(t, o), "openecr_uploads_open"); lines != nil {
		t.Errorf("a store that does not answer has %v", lines)
	}
}

func TestProcessIsDescribed(t *testing.T) {
	text := scrape(t, newObserver(t, Options{}))
	for _, name := range []string{"go_goroutines", "go_memstats_alloc_bytes", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"} {
		if lines := linesOf(text, name+" "); len(lines) != 1 || strings.HasSuffix(lines[0], " 0") {
			t.Errorf("%s: %v", name, lines)
		}
	}
}

func BenchmarkMeasuredCall(b *testing.B) {
	o, err := New(b.Context(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	m := o.Meta(scriptedMeta{})
	for b.Loop() {
		_ = m.View(b.Context(), nil)
	}
}

func BenchmarkRequest(b *testing.B) {
	o, err := New(b.Context(), Options{IsOperation: known})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	for b.Loop() {
		_, q := o.Begin(r, "id")
		q.End(Answer{Wire: "api", Operation: "PutImage", Status: 200, Took: time.Millisecond})
	}
}
