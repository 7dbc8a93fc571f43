package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func TestMemBlobs(t *testing.T) {
	TestBlobs(t, func(t *testing.T) func() registry.Blobs {
		m := NewMemBlobs(t)
		m.AllowAbsent = true
		return func() registry.Blobs { return m }
	})
}

// recorder stands in for the test that MemBlobs is to fail.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func TestMemBlobsFailsTheTestOn(t *testing.T) {
	const locator = "0123456789abcdef0123456789abcdef"
	ctx := context.Background()
	tests := []struct {
		name   string
		misuse func(m *MemBlobs) error // returns the error of the wrong call
		want   string
	}{
		{"Finish at another size", func(m *MemBlobs) error {
			_, _ = m.Append(ctx, locator, 0, strings.NewReader("four"))
			_ = m.Finish(ctx, locator, 4)
			return m.Finish(ctx, locator, 3)
		}, "it is finished at 4 bytes, not 3"},
		{"two writers at once", func(m *MemBlobs) (err error) {
			_, _ = m.Append(ctx, locator, 0, afterwards(func() {
				_, err = m.Append(ctx, locator, 0, strings.NewReader("second"))
			}))
			return err
		}, "another Append or Finish runs"},
		{"Finish during Append", func(m *MemBlobs) (err error) {
			_, _ = m.Append(ctx, locator, 0, afterwards(func() { err = m.Finish(ctx, locator, 0) }))
			return err
		}, "another Append or Finish runs"},
		{"Append to a deleted locator", func(m *MemBlobs) error {
			_, _ = m.Append(ctx, locator, 0, strings.NewReader("first"))
			_ = m.Delete(ctx, locator)
			_, err := m.Append(ctx, locator, 0, strings.NewReader("second"))
			return err
		}, "locators are used once"},
		{"Open of nothing", func(m *MemBlobs) error {
			_, err := m.Open(ctx, locator)
			return err
		}, "needs bytes that are not there"},
		{"Append beyond the end", func(m *MemBlobs) error {
			_, err := m.Append(ctx, locator, 1, strings.NewReader("x"))
			return err
		}, "needs bytes that are not there"},
		{"Finish beyond the end", func(m *MemBlobs) error {
			return m.Finish(ctx, locator, 1)
		}, "needs bytes that are not there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failed := &recorder{TB: t}
			if err := test.misuse(NewMemBlobs(failed)); err == nil {
				t.Error("the call succeeded")
			}
			if len(failed.failures) != 1 || !strings.Contains(failed.failures[0], test.want) {
				t.Errorf("test was failed with %q, want one failure saying %q", failed.failures, test.want)
			}
		})
	}
}

func TestMemBlobsFailsTheTestOnAnOpenReader(t *testing.T) {
	failed := &recorder{TB: t}
	m := NewMemBlobs(failed)
	if err := m.Finish(t.Context(), "a", 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Open(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	for _, cleanup := range failed.cleanups {
		cleanup()
	}
	if len(failed.failures) != 1 || !strings.Contains(failed.failures[0], "2 readers were not closed") {
		t.Errorf("test was failed with %q, want one failure about 2 readers", failed.failures)
	}
}

func TestMemBlobsKeepsWhatAFailedAppendHasRead(t *testing.T) {
	m := NewMemBlobs(t)
	broken := errors.New("broken")
	_, err := m.Append(t.Context(), "a", 0, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("Append: %v, want %v", err, broken)
	}
	wantStored(t, m, "a", "half")
}

func TestMemBlobsFault(t *testing.T) {
	lost := errors.New("answer lost")
	ctx := t.Context()
	tests := []struct {
		op      string
		call    func(m *MemBlobs) error
		applied string // content afterwards; "-" is absent
		ignored string
	}{
		{"Append", func(m *MemBlobs) error {
			_, err := m.Append(ctx, "a", 2, strings.NewReader("new"))
			return err
		}, "abnew", "abcd"},
		{"Finish", func(m *MemBlobs) error { return m.Finish(ctx, "a", 1) }, "a", "abcd"},
		{"Delete", func(m *MemBlobs) error { return m.Delete(ctx, "a") }, "-", "abcd"},
		{"Open", func(m *MemBlobs) error { _, err := m.Open(ctx, "a"); return err }, "abcd", "abcd"},
		{"List", func(m *MemBlobs) (last error) {
			for _, last = range m.List(ctx) {
			}
			return last
		}, "abcd", "abcd"},
	}
	for _, test := range tests {
		for _, apply := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s applied %t", test.op, apply), func(t *testing.T) {
				m := NewMemBlobs(t)
				m.AllowAbsent = true
				if _, err := m.Append(ctx, "a", 0, strings.NewReader("abcd")); err != nil {
					t.Fatal(err)
				}
				m.Fault = func(op, locator string) (bool, error) {
					if op == test.op && (locator == "a" || op == "List") {
						return apply, lost
					}
					return true, nil
				}
				if err := test.call(m); !errors.Is(err, lost) {
					t.Errorf("got error %v, want %v", err, lost)
				}
				m.Fault = nil
				want := test.ignored
				if apply {
					want = test.applied
				}
				wantStored(t, m, "a", want)
			})
		}
	}
}

func TestMemBlobsTellsTheTimeOfItsClock(t *testing.T) {
	m := NewMemBlobs(t)
	clock := time.Date(2020, 10, 30, 1, 2, 3, 0, time.UTC)
	m.Now = func() time.Time { return clock }
	if _, err := m.Append(t.Context(), "a", 0, bytes.NewReader(nil)); err != nil {
		t.Fatal(err)
	}
	for stored, err := range m.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !stored.ChangedAt.Equal(clock) {
			t.Errorf("ChangedAt is %v, want %v", stored.ChangedAt, clock)
		}
	}
}

func wantStored(t *testing.T, m *MemBlobs, locator, want string) {
	t.Helper()
	got, err := readAll(t.Context(), m, locator)
	if errors.Is(err, registry.ErrAbsent) {
		got, err = []byte("-"), nil
	}
	if err != nil || string(got) != want {
		t.Errorf("stored is %q and %v, want %q", got, err, want)
	}
}
