package blobs3_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/openecr/openecr/internal/blobs3"
)

// fakeS3 is a bucket in memory that can be told to fail. What it cannot judge, such as signatures and checksums, is
// judged by a real server in the tests that need one.
type fakeS3 struct {
	*httptest.Server
	handler http.Handler

	mu    sync.Mutex
	fault func(op string, r *http.Request) fault
	calls map[string]int
}

// fault is what becomes of a request.
type fault int

const (
	none     fault = iota
	failed         // it fails and nothing happens
	happened       // it happens, and the answer is lost
	cut            // it happens, and the answer breaks off in the middle
	inTheWay       // nothing happens because of another request
)

const bucket = "layers"

func newFakeS3(t testing.TB) *fakeS3 {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	f := &fakeS3{handler: gofakes3.New(backend).Server(), calls: make(map[string]int)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := operation(r)
	f.mu.Lock()
	f.calls[op]++
	become := none
	if f.fault != nil {
		become = f.fault(op, r)
	}
	f.mu.Unlock()
	switch become {
	case none:
		f.serve(op, w, r)
	case failed:
		w.WriteHeader(http.StatusInternalServerError)
	case inTheWay:
		w.WriteHeader(http.StatusConflict)
	case happened:
		f.serve(op, httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusInternalServerError)
	case cut:
		f.serve(op, &cutWriter{w, 1000}, r)
	}
}

// serve mends that the fake refuses to list the multipart uploads of a bucket that never had any.
func (f *fakeS3) serve(op string, w http.ResponseWriter, r *http.Request) {
	if op != "ListMultipartUploads" {
		f.handler.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	f.handler.ServeHTTP(answer, r)
	if answer.Code == http.StatusNotFound {
		_, _ = io.WriteString(w, `<ListMultipartUploadsResult/>`)
		return
	}
	_, _ = answer.Body.WriteTo(w)
}

// cutWriter breaks the connection after so many bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if len(b) >= c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

// operation is the name of a request in the S3 API.
func operation(r *http.Request) string {
	query := r.URL.Query()
	object := strings.Contains(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case query.Has("partNumber"):
		return "UploadPart"
	case query.Has("uploadId") && r.Method == http.MethodPost:
		return "CompleteMultipartUpload"
	case query.Has("uploadId"):
		return "AbortMultipartUpload"
	case query.Has("uploads") && r.Method == http.MethodPost:
		return "CreateMultipartUpload"
	case query.Has("uploads"):
		return "ListMultipartUploads"
	case !object && r.Method == http.MethodHead:
		return "HeadBucket"
	case !object:
		return "ListObjectsV2"
	}
	return map[string]string{
		http.MethodPut: "PutObject", http.MethodGet: "GetObject", http.MethodHead: "HeadObject", http.MethodDelete: "DeleteObject",
	}[r.Method]
}

// failing makes requests fail until the test ends it.
func (f *fakeS3) failing(fn func(op string, r *http.Request) fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fn
}

func (f *fakeS3) heal() { f.failing(nil) }

// counted is how many requests of each operation fn makes.
func (f *fakeS3) counted(fn func()) map[string]int {
	f.mu.Lock()
	f.calls = make(map[string]int)
	f.mu.Unlock()
	fn()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeS3) options() blobs3.Options {
	return blobs3.Options{
		Bucket: bucket, Prefix: "registry/", Endpoint: f.URL, PathStyle: true, AccessKeyID: "id", SecretAccessKey: "secret",
		Pause: func(int) time.Duration { return 0 },
	}
}

func (f *fakeS3) open(t testing.TB) *blobs3.Store {
	t.Helper()
	return open(t, f.options())
}

func open(t testing.TB, o blobs3.Options) *blobs3.Store {
	t.Helper()
	s, err := blobs3.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
