package registrytest

import (
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
	fresh := registry.Unfinished{Locator: locator}
	tests := []struct {
		name   string
		misuse func(m *MemBlobs) error // returns the error of the wrong call
		want   string
	}{
		{"Finish at another size", func(m *MemBlobs) error {
			one, _ := m.Append(ctx, fresh, strings.NewReader("1"), nil)
			three, _ := m.Append(ctx, one, strings.NewReader("23"), nil)
			_, _ = m.Finish(ctx, three, nil)
			_, err := m.Finish(ctx, one, nil)
			return err
		}, "it is finished at 3 bytes, not 1"},
		{"a State of another offset", func(m *MemBlobs) error {
			u, _ := m.Append(ctx, fresh, strings.NewReader("1"), nil)
			u.Offset++
			_, err := m.Finish(ctx, u, nil)
			return err
		}, `its State is "0123456789abcdef0123456789abcdef at 1"`},
		{"two writers at once", func(m *MemBlobs) (err error) {
			_, _ = m.Append(ctx, fresh, afterwards(func() {
				_, err = m.Append(ctx, fresh, strings.NewReader("second"), nil)
			}), nil)
			return err
		}, "another Append or Finish runs"},
		{"Finish during Append", func(m *MemBlobs) (err error) {
			_, _ = m.Append(ctx, fresh, afterwards(func() { _, err = m.Finish(ctx, fresh, nil) }), nil)
			return err
		}, "another Append or Finish runs"},
		{"Discard during Append", func(m *MemBlobs) (err error) {
			_, _ = m.Append(ctx, fresh, afterwards(func() { err = m.Discard(ctx, fresh) }), nil)
			return err
		}, "an Append or Finish runs"},
		{"Append to a deleted locator", func(m *MemBlobs) error {
			_, _ = m.Append(ctx, fresh, strings.NewReader("first"), nil)
			_ = m.Delete(ctx, locator)
			_, err := m.Append(ctx, fresh, strings.NewReader("second"), nil)
			return err
		}, "locators are used once"},
		{"Open of nothing", func(m *MemBlobs) error {
			_, err := m.Open(ctx, locator)
			return err
		}, "needs bytes that are not there"},
		{"Append to bytes that are gone", func(m *MemBlobs) error {
			u, _ := m.Append(ctx, fresh, strings.NewReader("first"), nil)
			_ = m.Delete(ctx, locator)
			_, err := m.Append(ctx, u, strings.NewReader("x"), nil)
			return err
		}, "needs bytes that are not there"},
		{"Finish of bytes that are gone", func(m *MemBlobs) error {
			u, _ := m.Append(ctx, fresh, strings.NewReader("first"), nil)
			_ = m.Delete(ctx, locator)
			_, err := m.Finish(ctx, u, nil)
			return err
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
	locator, err := m.Finish(t.Context(), registry.Unfinished{Locator: "a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Open(t.Context(), locator); err != nil {
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
	_, err := m.Append(t.Context(), registry.Unfinished{Locator: "a"}, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), nil)
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
		call    func(m *MemBlobs, u registry.Unfinished) error // u is "abc"
		applied string                                         // content afterwards; "-" is absent
		ignored string
	}{
		{"Append", func(m *MemBlobs, u registry.Unfinished) error {
			_, err := m.Append(ctx, u, strings.NewReader("new"), nil)
			return err
		}, "abcnew", "abcd"},
		{"Finish", func(m *MemBlobs, u registry.Unfinished) error { _, err := m.Finish(ctx, u, nil); return err }, "abc", "abcd"},
		{"Discard", func(m *MemBlobs, u registry.Unfinished) error { return m.Discard(ctx, u) }, "-", "abcd"},
		{"Delete", func(m *MemBlobs, _ registry.Unfinished) error { return m.Delete(ctx, "a") }, "-", "abcd"},
		{"Open", func(m *MemBlobs, _ registry.Unfinished) error { _, err := m.Open(ctx, "a"); return err }, "abcd", "abcd"},
		{"List", func(m *MemBlobs, _ registry.Unfinished) (last error) {
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
				u, err := m.Append(ctx, registry.Unfinished{Locator: "a"}, strings.NewReader("abc"), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.Append(ctx, u, strings.NewReader("d"), nil); err != nil {
					t.Fatal(err)
				}
				m.Fault = func(op, locator string) (bool, error) {
					if op == test.op && (locator == "a" || op == "List") {
						return apply, lost
					}
					return true, nil
				}
				if err := test.call(m, u); !errors.Is(err, lost) {
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
	if _, err := m.Append(t.Context(), registry.Unfinished{Locator: "a"}, strings.NewReader(""), nil); err != nil {
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
