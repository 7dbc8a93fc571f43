package blobs3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/registry"
)

// store puts finished bytes into the bucket.
func store(t testing.TB, s *blobs3.Store, content []byte) (locator string) {
	t.Helper()
	n := 0
	allot := func(context.Context) (int, error) { n++; return n, nil }
	u, err := s.Append(t.Context(), registry.Unfinished{Locator: strings.Repeat("ab", 16)}, bytes.NewReader(content), allot)
	if err == nil {
		locator, err = s.Finish(t.Context(), u, allot)
	}
	if err != nil {
		t.Fatal(err)
	}
	return locator
}

func TestReadingGoesOnWhereAConnectionBroke(t *testing.T) {
	fake := newFakeS3(t)
	s := fake.open(t)
	content := randomBytes(1, 12*mib)
	locator := store(t, s, content)
	broken := 0
	fake.failing(func(op string, _ *http.Request) fault {
		if op == "GetObject" && broken < 20 {
			broken++
			return cut
		}
		return none
	})
	r, err := s.Open(t.Context(), locator)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes and %v, want all %d", len(got), err, len(content))
	}
	if broken != 20 {
		t.Errorf("the connection broke %d times, want 20", broken)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	s := newFakeS3(t).open(t)
	locator := store(t, s, randomBytes(1, 12*mib))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx, locator)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestRequestsThatOneCallCosts(t *testing.T) {
	fake := newFakeS3(t)
	s := fake.open(t)
	small, large := randomBytes(1, 1000), randomBytes(2, 12*mib)
	for _, c := range []struct {
		name string
		call func()
		want string
	}{
		{"a small upload", func() { store(t, s, small) }, "map[PutObject:1]"},
		{"a large upload", func() { store(t, s, large) }, "map[CompleteMultipartUpload:1 CreateMultipartUpload:1 PutObject:1 UploadPart:2 GetObject:1]"},
		{"reading all", func() { read(t, s, store(t, s, small), 0) }, "map[GetObject:1 PutObject:1]"},
		{"reading the end", func() { read(t, s, store(t, s, small), 900) }, "map[GetObject:2 PutObject:1]"},
	} {
		got := fake.counted(c.call)
		if fmt.Sprint(got) != sorted(c.want) {
			t.Errorf("%s costs %v, want %s", c.name, got, c.want)
		}
	}
}

// sorted is the text of a map as fmt prints it.
func sorted(s string) string {
	fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(s, "map["), "]"))
	m := make(map[string]string, len(fields))
	for _, f := range fields {
		name, n, _ := strings.Cut(f, ":")
		m[name] = n
	}
	return fmt.Sprint(m)
}

// read reads as an HTTP server does: it looks for the end first.
func read(t testing.TB, s *blobs3.Store, locator string, from int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), locator)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, seek := range []struct {
		offset int64
		whence int
	}{{0, io.SeekEnd}, {0, io.SeekStart}, {from, io.SeekStart}} {
		if _, err := r.Seek(seek.offset, seek.whence); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPresignIsForThoseWhoAskedForIt(t *testing.T) {
	fake := newFakeS3(t)
	content := []byte("content")
	s := fake.open(t)
	if address, err := s.Presign(t.Context(), store(t, s, content)); address != "" || err != nil {
		t.Errorf("without redirect: %q, %v", address, err)
	}
	o := fake.options()
	o.Redirect = true
	s = open(t, o)
	address, err := s.Presign(t.Context(), store(t, s, content))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := fake.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s gives %q and %v", address, got, err)
	}
	if !strings.Contains(address, "response-content-type=application%2Foctet-stream") {
		t.Errorf("%s does not ask for the content type", address)
	}
}
