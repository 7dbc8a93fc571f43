package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
		{"Append continues what is recorded", testAppendContinues},
		{"Append takes parts of any size in any order", testAppendSizes},
		{"Append reads to the end, however r gives its bytes", testAppendReaders},
		{"Append of nothing changes nothing", testAppendNothing},
		{"Append leaves out what was not recorded", testAppendReplaces},
		{"Append to bytes that are gone is ErrAbsent in the end", testAppendGone},
		{"Append passes on an error of r and can be tried again", testAppendReaderError},
		{"Append stops when the context ends and can be tried again", testAppendCancelled},
		{"Append may be listed at while it runs", testAppendWhileListing},
		{"Finish ends an upload at what is recorded, again and again", testFinish},
		{"Finish needs no Append", testFinishEmpty},
		{"Finish leaves out what was not recorded", testFinishCuts},
		{"Finish makes the bytes final", testFinishFinal},
		{"Put stores a whole, however r gives its bytes", testPut},
		{"Put that fails leaves nothing that counts", testPutFails},
		{"Discard removes what is not finished", testDiscard},
		{"Discard leaves finished bytes", testDiscardFinished},
		{"Open seeks", testOpenSeeks},
		{"Open gives readers of their own", testOpenTwice},
		{"Open of what is not there is ErrAbsent", testOpenAbsent},
		{"Delete removes one locator and may be repeated", testDelete},
		{"List tells locator, size and time", testList},
		{"List can be left early", testListEarly},
		{"an ended context fails every call and changes nothing", testEndedContext},
		{"different uploads are written at once", testConcurrent},
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
var awkwardSizes = []int{0, 1, 4095, 32<<10 + 1, 64 << 10, 64<<10 + 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1<<20 + 1, 5<<20 - 1, 5 << 20}

func testAppendContinues(b *blobsTest) {
	for _, first := range awkwardSizes {
		for _, second := range []int{0, 1, 256<<10 + 1} {
			u, content := b.start(), randomBytes(first+second)
			u = b.append(u, content[:first])
			u = b.append(u, content[first:])
			b.wantFinished(u, content)
		}
	}
}

// Sums of these cross every border at which a store may change how it keeps bytes: notes, small pieces, parts.
func testAppendSizes(b *blobsTest) {
	const mib = 1 << 20
	for _, sizes := range [][]int{
		{1, 1, 1, 64 << 10, 1},
		{3 * mib, 3 * mib, 3 * mib, 3 * mib},
		{5*mib - 1, 1, 5*mib - 1, 2},
		{10 * mib, 10 * mib, 1},
		{12*mib + 7, 1, 6 * mib, 100 << 10, 100 << 10},
		{1, 25*mib - 1},
	} {
		u, content := b.start(), []byte(nil)
		for _, size := range sizes {
			part := randomBytes(size)
			u = b.append(u, part)
			content = append(content, part...)
			b.Blobs = b.open() // whoever goes on knows only what is recorded
		}
		b.wantFinished(u, content)
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
		u := b.start()
		u, err := b.Append(b.Context(), u, wrap(bytes.NewReader(content)), b.allot(u))
		if err != nil || u.Offset != int64(len(content)) {
			b.Fatalf("%s: Append = %d, %v, want %d bytes", name, u.Offset, err, len(content))
		}
		b.wantFinished(u, content)
	}
}

func testAppendNothing(b *blobsTest) {
	u := b.append(b.start(), nil)
	u = b.append(u, []byte("abc"))
	u = b.append(u, nil)
	b.wantFinished(u, []byte("abc"))
}

// The result of an Append is lost when its process dies before it is recorded: the next one goes on from the old record.
func testAppendReplaces(b *blobsTest) {
	content := randomBytes(6 << 20)
	for _, offset := range []int{0, 256 << 10, 6<<20 - 1} {
		for _, tail := range []int{0, 1 << 10, 7 << 20} {
			u, replacement := b.start(), randomBytes(tail)
			u = b.append(u, content[:offset])
			b.append(u, content[offset:])
			b.Blobs = b.open()
			u = b.append(u, replacement)
			b.wantFinished(u, slices.Concat(content[:offset], replacement))
		}
	}
}

// A store may note small uploads in their State alone, so that nothing of them can be lost.
func testAppendGone(b *blobsTest) {
	for _, size := range []int{100, 3 << 20, 12 << 20} {
		u, content := b.start(), randomBytes(size)
		u = b.append(u, content)
		b.delete(u.Locator)
		locator, err := "", error(nil)
		if u, err = b.Append(b.Context(), u, strings.NewReader("more"), b.allot(u)); err == nil {
			locator, err = b.Finish(b.Context(), u, b.allot(u))
		}
		if err == nil {
			b.wantBytes(locator, append(content, "more"...))
			continue
		}
		b.wantError(err, registry.ErrAbsent)
	}
}

// io.ErrUnexpectedEOF is what a request body yields whose client went away: a store that takes it for the end of r
// accepts half a part.
func testAppendReaderError(b *blobsTest) {
	content := randomBytes(600 << 10)
	for _, cause := range []error{errors.New("reader broke"), io.ErrUnexpectedEOF, fmt.Errorf("wrapped: %w", io.EOF)} {
		for _, offset := range []int{0, 1000} {
			for _, read := range []int{0, 1, 300 << 10, 11 << 20} {
				u := b.append(b.start(), content[:offset])
				r := io.MultiReader(bytes.NewReader(randomBytes(read)), iotest.ErrReader(cause))
				_, err := b.Append(b.Context(), u, r, b.allot(u))
				b.wantError(err, cause)
				u = b.append(u, content[offset:])
				b.wantFinished(u, content)
			}
		}
	}
}

func testAppendCancelled(b *blobsTest) {
	content := randomBytes(900 << 10)
	u := b.append(b.start(), content[:1000])
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	rest := io.MultiReader(bytes.NewReader(content[1000:400<<10]), afterwards(cancel), bytes.NewReader(content[400<<10:]))
	_, err := b.Append(ctx, u, rest, b.allot(u))
	b.wantError(err, context.Canceled)
	u = b.append(u, content[1000:])
	b.wantFinished(u, content)
}

func testAppendWhileListing(b *blobsTest) {
	content := randomBytes(600 << 10)
	u := b.append(b.start(), content[:1000])
	look := afterwards(func() { b.list() })
	u, err := b.Append(b.Context(), u, io.MultiReader(bytes.NewReader(content[1000:300<<10]), look, bytes.NewReader(content[300<<10:])), b.allot(u))
	if err != nil || u.Offset != int64(len(content)) {
		b.Fatalf("Append = %d, %v, want %d bytes", u.Offset, err, len(content))
	}
	b.wantFinished(u, content)
}

func testFinish(b *blobsTest) {
	for _, size := range awkwardSizes {
		content := randomBytes(size)
		u := b.append(b.start(), content[:size/2])
		u = b.append(u, content[size/2:])
		b.wantFinished(u, content)
		b.wantFinished(u, content)
		b.Blobs = b.open()
		b.wantFinished(u, content)
	}
}

func testFinishEmpty(b *blobsTest) {
	u := b.start()
	b.wantFinished(u, nil)
	b.wantFinished(u, nil)
}

func testFinishCuts(b *blobsTest) {
	content := randomBytes(300 << 10)
	for _, size := range []int{0, 1, 256 << 10} {
		u := b.append(b.start(), content[:size])
		b.append(u, content[size:])
		b.wantFinished(u, content[:size])
	}
}

func testFinishFinal(b *blobsTest) {
	for _, size := range []int{300 << 10, 6 << 20} {
		content := randomBytes(size)
		u := b.append(b.start(), content)
		locator := b.finish(u)
		if _, err := b.Append(b.Context(), u, strings.NewReader("more"), b.allot(u)); err != nil {
			b.wantError(err, registry.ErrAbsent)
		}
		if _, err := b.Append(b.Context(), registry.Unfinished{Locator: u.Locator}, strings.NewReader("other"), b.allot(u)); err != nil {
			b.wantError(err, registry.ErrAbsent)
		}
		b.wantBytes(locator, content)
	}
}

func testDiscard(b *blobsTest) {
	for _, size := range []int{0, 1, 1 << 20, 11 << 20} {
		u := b.append(b.start(), randomBytes(size))
		for range 2 {
			b.discard(u)
			b.wantList(nil)
		}
	}
	b.discard(b.start())
}

func testDiscardFinished(b *blobsTest) {
	want := make(map[string]int)
	for _, size := range []int{0, 1, 1 << 20, 11 << 20} {
		content := randomBytes(size)
		u := b.append(b.start(), content[:size/2])
		u = b.append(u, content[size/2:])
		locator := b.finish(u)
		b.discard(u)
		b.wantBytes(locator, content)
		want[locator] = size
	}
	b.wantList(want)
}

func testOpenSeeks(b *blobsTest) {
	content := randomBytes(300 << 10)
	r := b.reader(b.finish(b.append(b.start(), content)))
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
		{10, io.SeekEnd, len(content) + 10},
	}
	for _, s := range seeks {
		at, err := r.Seek(s.offset, s.whence)
		if err != nil || at != int64(s.want) {
			b.Fatalf("Seek(%d, %d) = %d, %v, want %d", s.offset, s.whence, at, err, s.want)
		}
		want := content[min(s.want, len(content)):]
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(rest, want) {
			b.Fatalf("after Seek(%d, %d): %d bytes and %v, want the last %d", s.offset, s.whence, len(rest), err, len(want))
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		b.Error("Seek before the start succeeded")
	}
}

func testOpenTwice(b *blobsTest) {
	content := randomBytes(2000)
	locator := b.finish(b.append(b.start(), content))
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
	_, err := b.Open(b.Context(), registry.NewLocator())
	b.wantError(err, registry.ErrAbsent)
}

func testDelete(b *blobsTest) {
	content := randomBytes(11 << 20)
	kept := b.finish(b.append(b.start(), content))
	finished := b.finish(b.append(b.start(), content))
	gone := []string{finished, registry.NewLocator()}
	for _, size := range []int{1, 1 << 20, 11 << 20} {
		gone = append(gone, b.append(b.start(), content[:size]).Locator)
	}
	for range 2 {
		for _, locator := range gone {
			b.delete(locator)
		}
		b.Blobs = b.open()
	}
	for _, locator := range gone {
		_, err := b.Open(b.Context(), locator)
		b.wantError(err, registry.ErrAbsent)
	}
	listed := b.list()
	for _, locator := range gone {
		if _, there := listed[locator]; there {
			b.Errorf("%s is listed after it was deleted", locator)
		}
	}
	b.wantBytes(kept, content)
}

func testList(b *blobsTest) {
	b.wantList(nil)
	want := make(map[string]int)
	for i := range 50 {
		u := b.append(b.start(), randomBytes(i))
		if i%2 == 0 {
			want[b.finish(u)] = i
		}
		b.discard(u)
	}
	b.wantList(want)
	// What is not finished need not be listed while it takes no room of its own, but what takes room must be.
	for _, size := range []int{1 << 20, 11 << 20} {
		u := b.append(b.start(), randomBytes(size))
		if _, listed := b.list()[u.Locator]; !listed {
			b.Errorf("an unfinished upload of %d bytes is not listed", size)
		}
	}

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
		b.finish(b.start())
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

func testPut(b *blobsTest) {
	for _, size := range append(awkwardSizes, 10<<20, 12<<20+7, 21<<20) {
		content := randomBytes(size)
		stored, n, err := b.Put(b.Context(), registry.NewLocator(), &hesitantReader{r: bytes.NewReader(content)})
		if err != nil || n != int64(size) {
			b.Fatalf("Put of %d bytes = %d, %v", size, n, err)
		}
		b.wantBytes(stored, content)
		if listed := b.list(); listed[stored] != size {
			b.Errorf("a blob of %d bytes is listed with %d", size, listed[stored])
		}
		b.delete(stored)
	}
}

// Until Put has answered, what it left may be listed, for collection, and can be deleted.
func testPutFails(b *blobsTest) {
	gone := errors.New("the client is gone")
	for _, size := range []int{0, 100, 300 << 10, 12 << 20} {
		locator := registry.NewLocator()
		_, _, err := b.Put(b.Context(), locator, io.MultiReader(bytes.NewReader(randomBytes(size)), iotest.ErrReader(gone)))
		b.wantError(err, gone)

		ctx, cancel := context.WithCancel(b.Context())
		stopped := registry.NewLocator()
		_, _, err = b.Put(ctx, stopped, io.MultiReader(bytes.NewReader(randomBytes(size)), afterwards(cancel), bytes.NewReader([]byte("more"))))
		cancel()
		b.wantError(err, context.Canceled)
		b.delete(locator)
		b.delete(stopped)
		b.wantList(nil)
	}
}

func testEndedContext(b *blobsTest) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	content := randomBytes(100)
	finished, u := b.finish(b.append(b.start(), content)), b.append(b.start(), content)

	_, err := b.Append(ctx, u, bytes.NewReader([]byte("other")), b.allot(u))
	b.wantError(err, context.Canceled)
	other := b.start()
	_, err = b.Append(ctx, other, bytes.NewReader([]byte("other")), b.allot(other))
	b.wantError(err, context.Canceled)
	_, err = b.Finish(ctx, u, b.allot(u))
	b.wantError(err, context.Canceled)
	_, _, err = b.Put(ctx, registry.NewLocator(), bytes.NewReader(content))
	b.wantError(err, context.Canceled)
	b.wantError(b.Discard(ctx, u), context.Canceled)
	_, err = b.Open(ctx, finished)
	b.wantError(err, context.Canceled)
	b.wantError(b.Delete(ctx, finished), context.Canceled)
	var listed []error
	for _, err := range b.List(ctx) {
		listed = append(listed, err)
	}
	if len(listed) != 1 || !errors.Is(listed[0], context.Canceled) {
		b.Errorf("List yielded the errors %v, want one that is context.Canceled", listed)
	}
	b.wantBytes(finished, content)
	b.wantFinished(u, content)
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
				content := randomBytes(100<<10 + i*1000 + j)
				u := b.append(b.start(), content[:len(content)/2])
				u = b.append(u, content[len(content)/2:])
				locator := b.finish(u)
				b.discard(u)
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
