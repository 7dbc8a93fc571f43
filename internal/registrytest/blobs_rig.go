package registrytest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

// blobsTest is a store under test, with calls that fail the test when the store does not do as it should. They may be
// used on several goroutines, so they do not end the test.
type blobsTest struct {
	*testing.T
	registry.Blobs
	open func() registry.Blobs

	mu       sync.Mutex
	allotted map[string]int // by locator
}

// start is an upload as it is recorded at its beginning.
func (b *blobsTest) start() registry.Unfinished {
	return registry.Unfinished{Locator: registry.NewLocator()}
}

// allot gives the numbers of an upload.
func (b *blobsTest) allot(u registry.Unfinished) registry.Allot {
	return func(ctx context.Context) (int, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.allotted == nil {
			b.allotted = make(map[string]int)
		}
		b.allotted[u.Locator]++
		return b.allotted[u.Locator], ctx.Err()
	}
}

// append returns what to record.
func (b *blobsTest) append(u registry.Unfinished, content []byte) registry.Unfinished {
	b.Helper()
	next, err := b.Append(b.Context(), u, bytes.NewReader(content), b.allot(u))
	if err != nil || next.Locator != u.Locator || next.Offset != u.Offset+int64(len(content)) {
		b.Errorf("Append at %d = %s at %d, %v, want %d bytes more under %s", u.Offset, next.Locator, next.Offset, err, len(content), u.Locator)
	}
	return next
}

func (b *blobsTest) finish(u registry.Unfinished) string {
	b.Helper()
	locator, err := b.Finish(b.Context(), u, b.allot(u))
	if err != nil {
		b.Errorf("Finish at %d: %v", u.Offset, err)
	}
	return locator
}

func (b *blobsTest) discard(u registry.Unfinished) {
	b.Helper()
	if err := b.Discard(b.Context(), u); err != nil {
		b.Errorf("Discard: %v", err)
	}
}

func (b *blobsTest) delete(locator string) {
	b.Helper()
	if err := b.Delete(b.Context(), locator); err != nil {
		b.Errorf("Delete: %v", err)
	}
}

// reader ends the test when there is none.
func (b *blobsTest) reader(locator string) io.ReadSeekCloser {
	b.Helper()
	r, err := b.Open(b.Context(), locator)
	if err != nil {
		b.Fatalf("Open: %v", err)
	}
	return r
}

// wantFinished finishes the upload and reads it.
func (b *blobsTest) wantFinished(u registry.Unfinished, want []byte) {
	b.Helper()
	b.wantBytes(b.finish(u), want)
}

// wantBytes looks through the store at hand and through one that is opened for it: what a call has answered survives a
// restart.
func (b *blobsTest) wantBytes(locator string, want []byte) {
	b.Helper()
	for when, store := range map[string]registry.Blobs{"now": b.Blobs, "after reopening": b.open()} {
		got, err := readAll(b.Context(), store, locator)
		if err != nil || !bytes.Equal(got, want) {
			b.Errorf("%s: %d bytes are stored and %v, want %d bytes as written", when, len(got), err, len(want))
		}
	}
}

func (b *blobsTest) wantError(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("got error %v, want one that is %v", err, want)
	}
}

func (b *blobsTest) wantList(want map[string]int) {
	b.Helper()
	b.Blobs = b.open()
	if got := b.list(); !maps.Equal(got, want) {
		b.Errorf("List gave %v, want %v", got, want)
	}
}

// list gives the size of every locator, of all its pieces together.
func (b *blobsTest) list() map[string]int {
	b.Helper()
	sizes := make(map[string]int)
	for stored, err := range b.List(b.Context()) {
		if err != nil {
			b.Errorf("List: %v", err)
			break
		}
		sizes[stored.Locator] += int(stored.Size)
	}
	return sizes
}

func (b *blobsTest) leaveNothing() {
	b.Helper()
	for locator := range b.list() {
		b.delete(locator)
	}
	b.wantList(nil)
}

func readAll(ctx context.Context, store registry.Blobs, locator string) ([]byte, error) {
	r, err := store.Open(ctx, locator)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// randomBytes are different each time, so that bytes of one write are never taken for those of another.
func randomBytes(n int) []byte {
	var seed [32]byte
	rand.Read(seed[:])
	b := make([]byte, n)
	_, _ = mathrand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// hesitantReader gives nothing at every other read, which io.Reader allows.
type hesitantReader struct {
	r    io.Reader
	idle bool
}

func (h *hesitantReader) Read(b []byte) (int, error) {
	if h.idle = !h.idle; h.idle {
		return 0, nil
	}
	return h.r.Read(b)
}

// afterwards is an empty reader that calls f when the bytes before it were read.
type afterwards func()

func (f afterwards) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
