package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newConfig is a server on free ports with new data.
func newConfig(t testing.TB) Config {
	t.Helper()
	return Config{
		Stores:    Stores{Data: filepath.Join(t.TempDir(), "data")},
		Addr:      "127.0.0.1:0",
		AdminAddr: "127.0.0.1:0",
		Version:   "1.2.3",
	}
}

// open is New for a configuration that must do.
func open(t testing.TB, c Config) *App {
	t.Helper()
	a, err := New(context.Background(), c, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	return a
}

// openClose starts on the data of c and stops again.
func openClose(t testing.TB, c Config) Info {
	t.Helper()
	a := open(t, c)
	must(t, a.Close())
	return a.Info()
}

// refusal is the error of a start that must fail, as one line.
func refusal(t *testing.T, c Config) string {
	t.Helper()
	a, err := New(context.Background(), c, slog.New(slog.DiscardHandler))
	if err == nil {
		must(t, a.Close())
		t.Fatal("it starts")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	return err.Error()
}

// running is an App that serves.
type running struct {
	*App
	log    *logBuffer
	client *http.Client
	stop   func()
	ended  chan error // gets what Run returns
}

// serve runs an App until the test ends or stop is called.
func serve(t *testing.T, c Config) *running {
	t.Helper()
	r := &running{log: new(logBuffer), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	var err error
	r.App, err = New(ctx, c, slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	must(t, err)
	transport := new(http.Transport)
	r.client = &http.Client{Transport: transport}
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := r.wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// wait waits for the end of Run, as often as it is asked.
func (r *running) wait() error {
	err := <-r.ended
	r.ended <- err
	return err
}

func (r *running) get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	return r.do(t, http.MethodGet, url, nil)
}

func (r *running) do(t *testing.T, method, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	must(t, err)
	if header != nil {
		req.Header = header
	}
	return r.send(t, req)
}

func (r *running) send(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := r.client.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return res, string(body)
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
