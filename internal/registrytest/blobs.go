package registrytest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// TestBlobs is the contract of registry.Blobs as code. It calls fresh once per test for an empty store; the function
// that fresh returns opens that store, and is called again and again, on several goroutines, to see what would be there
// after a restart.
func TestBlobs(t *testing.T, fresh func(t *testing.T) (open func() registry.Blobs)) {
	tests := []struct {
		name string
		run  func(b *blobsTest)
	}{
		{"Append makes a locator and continues it", testAppendContinues},
		{"Append reads to the end, however r gives its bytes", testAppendReaders},
		{"Append of nothing at 0 makes an empty locator", testAppendNothing},
		{"Append replaces bytes beyond offset", testAppendReplaces},
		{"Append beyond the stored bytes is ErrAbsent", testAppendGap},
		{"Append passes on an error of r and can be tried again", testAppendReaderError},
		{"Append stops when the context ends and can be tried again", testAppendCancelled},
		{"Append leaves what is read meanwhile alone", testAppendWhileReading},
		{"Finish ends an upload at its size", testFinish},
		{"Finish at zero bytes needs no Append", testFinishEmpty},
		{"Finish cuts bytes beyond size", testFinishCuts},
		{"Finish beyond the stored bytes is ErrAbsent", testFinishGap},
		{"Finish makes the bytes final", testFinishFinal},
		{"Open seeks", testOpenSeeks},
		{"Open gives readers of their own", testOpenTwice},
		{"Open of what is not there is ErrAbsent", testOpenAbsent},
		{"Delete removes one locator and may be repeated", testDelete},
		{"List tells locator, size and time of every upload", testList},
		{"List can be left early", testListEarly},
		{"an ended context fails every call and changes nothing", testEndedContext},
		{"different locators are used at once", testConcurrent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &blobsTest{T: t, open: fresh(t)}
			b.Blobs = b.open()
			test.run(b)
			b.leaveNothing()
		})
	}
}

// Sizes at which stores go wrong: nothing, one byte, both sides of usual buffers, the smallest part S3 takes.
var awkwardSizes = []int{0, 1, 4095, 32<<10 + 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20}

func testAppendContinues(b *blobsTest) {
	for _, first := range awkwardSizes {
		for _, second := range []int{0, 1, 256<<10 + 1} {
			locator, content := newLocator(), randomBytes(first+second)
			b.append(locator, 0, content[:first])
			b.append(locator, first, content[first:])
			b.wantBytes(locator, content)
		}
	}
}

func testAppendReaders(b *blobsTest) {
	content := randomBytes(300<<10 + 1)
	readers := map[string]func(io.Reader) io.Reader{
		"byte by byte":        iotest.OneByteReader,
		"half of what is due": iotest.HalfReader,
		"end with the data":   iotest.DataErrReader,
		"empty reads between": func(r io.Reader) io.Reader { return &hesitantReader{r: r} },
	}
	for name, wrap := range readers {
		locator := newLocator()
		n, err := b.Append(b.Context(), locator, 0, wrap(bytes.NewReader(content)))
		if err != nil || n != int64(len(content)) {
			b.Fatalf("%s: Append = %d, %v, want %d bytes", name, n, err, len(content))
		}
		b.wantBytes(locator, content)
	}
}

func testAppendNothing(b *blobsTest) {
	locator := newLocator()
	b.append(locator, 0, nil)
	b.wantBytes(locator, nil)
	b.wantList(map[string]int{locator: 0})
}

func testAppendReplaces(b *blobsTest) {
	content := randomBytes(600 << 10)
	for _, offset := range []int{0, 1, 256 << 10, 599 << 10} {
		for _, tail := range []int{0, 1, 1 << 10, 700 << 10} {
			locator, replacement := newLocator(), randomBytes(tail)
			b.append(locator, 0, content)
			b.append(locator, offset, replacement)
			b.wantBytes(locator, slices.Concat(content[:offset], replacement))
		}
	}
}

func testAppendGap(b *blobsTest) {
	_, err := b.Append(b.Context(), newLocator(), 1, bytes.NewReader([]byte("x")))
	b.wantError(err, registry.ErrAbsent)
	b.wantList(nil)

	locator, content := newLocator(), randomBytes(100)
	b.append(locator, 0, content)
	_, err = b.Append(b.Context(), locator, 101, bytes.NewReader([]byte("x")))
	b.wantError(err, registry.ErrAbsent)
	b.wantBytes(locator, content)
}

// io.ErrUnexpectedEOF is what a request body yields whose client went away: a store that takes it for the end of r
// accepts half a part.
func testAppendReaderError(b *blobsTest) {
	content := randomBytes(600 << 10)
	for _, cause := range []error{errors.New("reader broke"), io.ErrUnexpectedEOF, fmt.Errorf("wrapped: %w", io.EOF)} {
		for _, offset := range []int{0, 1000} {
			for _, read := range []int{0, 1, 300 << 10} {
				locator := newLocator()
				if offset > 0 {
					b.append(locator, 0, content[:offset])
				}
				r := io.MultiReader(bytes.NewReader(randomBytes(read)), iotest.ErrReader(cause))
				n, err := b.Append(b.Context(), locator, int64(offset), r)
				b.wantError(err, cause)
				if n != 0 {
					b.Errorf("a failed Append returned %d bytes, want 0", n)
				}
				if offset > 0 {
					b.wantPrefix(locator, content[:offset])
				}
				b.append(locator, offset, content[offset:])
				b.wantBytes(locator, content)
			}
		}
	}
}

func testAppendCancelled(b *blobsTest) {
	locator, content := newLocator(), randomBytes(900<<10)
	b.append(locator, 0, content[:1000])
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	rest := io.MultiReader(bytes.NewReader(content[1000:400<<10]), afterwards(cancel), bytes.NewReader(content[400<<10:]))
	_, err := b.Append(ctx, locator, 1000, rest)
	b.wantError(err, context.Canceled)
	b.wantPrefix(locator, content[:1000])
	b.append(locator, 1000, content[1000:])
	b.wantBytes(locator, content)
}

func testAppendWhileReading(b *blobsTest) {
	locator, content := newLocator(), randomBytes(600<<10)
	b.append(locator, 0, content[:1000])
	look := afterwards(func() {
		b.wantPrefix(locator, content[:1000])
		if _, listed := b.list()[locator]; !listed {
			b.Error("an upload that is being appended to is not listed")
		}
	})
	n, err := b.Append(b.Context(), locator, 1000, io.MultiReader(bytes.NewReader(content[1000:300<<10]), look, bytes.NewReader(content[300<<10:])))
	if err != nil || n != int64(len(content)-1000) {
		b.Fatalf("Append = %d, %v, want %d bytes", n, err, len(content)-1000)
	}
	b.wantBytes(locator, content)
}

func testFinish(b *blobsTest) {
	for _, size := range awkwardSizes {
		locator, content := newLocator(), randomBytes(size)
		b.append(locator, 0, content[:size/2])
		b.append(locator, size/2, content[size/2:])
		b.finish(locator, size)
		b.wantBytes(locator, content)
		b.finish(locator, size)
		b.Blobs = b.open()
		b.finish(locator, size)
		b.wantBytes(locator, content)
	}
}

func testFinishEmpty(b *blobsTest) {
	locator := newLocator()
	b.finish(locator, 0)
	b.wantBytes(locator, nil)
	b.finish(locator, 0)
	b.wantBytes(locator, nil)
}

func testFinishCuts(b *blobsTest) {
	content := randomBytes(300 << 10)
	for _, size := range []int{0, 1, 256 << 10} {
		locator := newLocator()
		b.append(locator, 0, content)
		b.finish(locator, size)
		b.wantBytes(locator, content[:size])
		b.finish(locator, size)
	}
}

func testFinishGap(b *blobsTest) {
	b.wantError(b.Finish(b.Context(), newLocator(), 1), registry.ErrAbsent)
	b.wantList(nil)

	locator, content := newLocator(), randomBytes(100)
	b.append(locator, 0, content)
	b.wantError(b.Finish(b.Context(), locator, 101), registry.ErrAbsent)
	b.wantBytes(locator, content)
	b.finish(locator, 100)
	b.wantError(b.Finish(b.Context(), locator, 101), registry.ErrAbsent)
	b.wantBytes(locator, content)
}

func testFinishFinal(b *blobsTest) {
	locator, content := newLocator(), randomBytes(300<<10)
	b.append(locator, 0, content)
	b.finish(locator, len(content))
	for _, offset := range []int64{0, 1, int64(len(content))} {
		_, err := b.Append(b.Context(), locator, offset, strings.NewReader("more"))
		b.wantError(err, registry.ErrAbsent)
	}
	b.wantBytes(locator, content)
}

func testOpenSeeks(b *blobsTest) {
	locator, content := newLocator(), randomBytes(300<<10)
	b.append(locator, 0, content)
	b.finish(locator, len(content))
	r := b.reader(locator)
	defer r.Close()
	seeks := []struct {
		offset int64
		whence int
		want   int
	}{
		{0, io.SeekEnd, len(content)},
		{0, io.SeekStart, 0},
		{256 << 10, io.SeekStart, 256 << 10},
		{-10, io.SeekCurrent, len(content) - 10}, // the reads below go to the end
		{-1, io.SeekEnd, len(content) - 1},
	}
	for _, s := range seeks {
		at, err := r.Seek(s.offset, s.whence)
		if err != nil || at != int64(s.want) {
			b.Fatalf("Seek(%d, %d) = %d, %v, want %d", s.offset, s.whence, at, err, s.want)
		}
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(rest, content[s.want:]) {
			b.Fatalf("after Seek(%d, %d): %d bytes and %v, want the last %d", s.offset, s.whence, len(rest), err, len(content)-s.want)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		b.Error("Seek before the start succeeded")
	}
}

func testOpenTwice(b *blobsTest) {
	locator, content := newLocator(), randomBytes(2000)
	b.append(locator, 0, content)
	one, two := b.reader(locator), b.reader(locator)
	if _, err := io.CopyN(io.Discard, one, 1000); err != nil {
		b.Fatal(err)
	}
	if err := one.Close(); err != nil {
		b.Errorf("Close: %v", err)
	}
	got, err := io.ReadAll(two)
	if err != nil || !bytes.Equal(got, content) {
		b.Errorf("second reader gave %d bytes and %v, want all %d", len(got), err, len(content))
	}
	if err := two.Close(); err != nil {
		b.Errorf("Close: %v", err)
	}
	if _, err := one.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		b.Errorf("Read after Close: %v, want an error", err)
	}
}

func testOpenAbsent(b *blobsTest) {
	_, err := b.Open(b.Context(), newLocator())
	b.wantError(err, registry.ErrAbsent)
}

func testDelete(b *blobsTest) {
	kept, unfinished, finished := newLocator(), newLocator(), newLocator()
	for _, locator := range []string{kept, unfinished, finished} {
		b.append(locator, 0, []byte(locator))
	}
	b.finish(finished, len(finished))
	for range 2 {
		for _, locator := range []string{unfinished, finished, newLocator()} {
			if err := b.Delete(b.Context(), locator); err != nil {
				b.Errorf("Delete: %v", err)
			}
		}
		b.Blobs = b.open()
	}
	for _, locator := range []string{unfinished, finished} {
		_, err := b.Open(b.Context(), locator)
		b.wantError(err, registry.ErrAbsent)
		_, err = b.Append(b.Context(), locator, 1, bytes.NewReader(nil))
		b.wantError(err, registry.ErrAbsent)
		b.wantError(b.Finish(b.Context(), locator, 1), registry.ErrAbsent)
	}
	b.wantList(map[string]int{kept: len(kept)})
	b.wantBytes(kept, []byte(kept))
}

func testList(b *blobsTest) {
	b.wantList(nil)
	want := make(map[string]int)
	for i := range 50 {
		locator := newLocator()
		want[locator] = i
		b.append(locator, 0, randomBytes(i))
		if i%2 == 0 {
			b.finish(locator, i)
		}
	}
	b.wantList(want)
	for locator, size := range want {
		if size%2 == 1 {
			b.append(locator, size, []byte("more"))
			want[locator] = size + len("more")
		}
	}
	b.wantList(want)

	// Clocks of stores tick coarsely and are not this machine's: a minute either way is all that collection needs.
	for stored, err := range b.List(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if age := time.Since(stored.ChangedAt); age.Abs() > time.Minute {
			b.Errorf("%s was changed at %v, which is %v ago, want about now", stored.Locator, stored.ChangedAt, age)
		}
		if stored.ChangedAt.Location() != time.UTC {
			b.Errorf("ChangedAt %v is not UTC", stored.ChangedAt)
		}
	}
}

func testListEarly(b *blobsTest) {
	for range 5 {
		b.finish(newLocator(), 0)
	}
	seen := 0
	for _, err := range b.List(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		b.Errorf("List gave %d of 5 locators before it was left, want 2", seen)
	}
}

func testEndedContext(b *blobsTest) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	locator, content := newLocator(), randomBytes(100)
	b.append(locator, 0, content)

	_, err := b.Append(ctx, locator, 0, bytes.NewReader([]byte("other")))
	b.wantError(err, context.Canceled)
	_, err = b.Append(ctx, newLocator(), 0, bytes.NewReader([]byte("other")))
	b.wantError(err, context.Canceled)
	b.wantError(b.Finish(ctx, locator, 1), context.Canceled)
	_, err = b.Open(ctx, locator)
	b.wantError(err, context.Canceled)
	b.wantError(b.Delete(ctx, locator), context.Canceled)
	var listed []error
	for _, err := range b.List(ctx) {
		listed = append(listed, err)
	}
	if len(listed) != 1 || !errors.Is(listed[0], context.Canceled) {
		b.Errorf("List yielded the errors %v, want one that is context.Canceled", listed)
	}
	b.wantList(map[string]int{locator: 100})
	b.wantBytes(locator, content)
}

func testConcurrent(b *blobsTest) {
	var uploads, others sync.WaitGroup
	done := make(chan struct{})
	others.Go(func() {
		for {
			b.list()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range 8 {
		uploads.Go(func() {
			for j := range 4 {
				locator, content := newLocator(), randomBytes(100<<10+i*1000+j)
				half := len(content) / 2
				b.append(locator, 0, content[:half])
				b.append(locator, half, content[half:])
				b.finish(locator, len(content))
				b.wantBytes(locator, content)
				if j%2 == 0 {
					b.delete(locator)
				}
			}
		})
	}
	uploads.Wait()
	close(done)
	others.Wait()
	if got := len(b.list()); got != 8*2 {
		b.Errorf("%d locators are listed, want %d", got, 8*2)
	}
}

// blobsTest is a store under test, with calls that fail the test when the store does not do as it should. They may be
// used on several goroutines, so they do not end the test.
type blobsTest struct {
	*testing.T
	registry.Blobs
	open func() registry.Blobs
}

func (b *blobsTest) append(locator string, offset int, content []byte) {
	b.Helper()
	n, err := b.Append(b.Context(), locator, int64(offset), bytes.NewReader(content))
	if err != nil || n != int64(len(content)) {
		b.Errorf("Append at %d = %d, %v, want %d bytes", offset, n, err, len(content))
	}
}

func (b *blobsTest) finish(locator string, size int) {
	b.Helper()
	if err := b.Finish(b.Context(), locator, int64(size)); err != nil {
		b.Errorf("Finish at %d: %v", size, err)
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

// wantPrefix allows any bytes behind want.
func (b *blobsTest) wantPrefix(locator string, want []byte) {
	b.Helper()
	got, err := readAll(b.Context(), b.Blobs, locator)
	if err != nil || !bytes.HasPrefix(got, want) {
		b.Errorf("%d bytes are stored and %v, want the first %d as written", len(got), err, len(want))
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

// list gives the size of every locator.
func (b *blobsTest) list() map[string]int {
	b.Helper()
	sizes := make(map[string]int)
	for stored, err := range b.List(b.Context()) {
		if err != nil {
			b.Errorf("List: %v", err)
			break
		}
		if _, twice := sizes[stored.Locator]; twice {
			b.Errorf("List gave %s twice", stored.Locator)
		}
		sizes[stored.Locator] = int(stored.Size)
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

func newLocator() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
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
