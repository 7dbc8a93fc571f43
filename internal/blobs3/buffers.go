package blobs3

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/openecr/openecr/internal/registry"
)

// chunkSize is that of the parts that the API's clients are told to send, so each of theirs is one of S3's.
const chunkSize = registry.PartSize

// buffers bounds the memory of all uploads of the process together. A part's chunks are taken at once, in the order of
// asking: who waits holds only parts that are on their way and end by themselves, so nobody waits for ever.
type buffers struct {
	most int // chunks

	mu      sync.Mutex
	taken   int
	waiting []*waiter
	pool    sync.Pool // of *[chunkSize]byte
}

type waiter struct {
	chunks int
	ready  chan struct{}
}

func newBuffers(most int) *buffers {
	return &buffers{most: most, pool: sync.Pool{New: func() any { return new([chunkSize]byte) }}}
}

// take waits for memory for a part, or for ctx to end.
func (b *buffers) take(ctx context.Context, chunks int) (*buffer, error) {
	b.mu.Lock()
	w := &waiter{chunks: chunks, ready: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.admit()
	b.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		b.leave(w)
		return nil, fmt.Errorf("wait for memory: %w", context.Cause(ctx))
	}
	return &buffer{from: b, most: chunks}, nil
}

// admit lets in whoever is first as long as there is room.
func (b *buffers) admit() {
	for len(b.waiting) > 0 && b.taken+b.waiting[0].chunks <= b.most {
		b.taken += b.waiting[0].chunks
		close(b.waiting[0].ready)
		b.waiting = b.waiting[1:]
	}
}

func (b *buffers) leave(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.waiting {
		if other == w {
			b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
			b.admit()
			return
		}
	}
	b.taken -= w.chunks // it was let in just now
	b.admit()
}

// buffer is the bytes of one part.
type buffer struct {
	from   *buffers
	most   int // chunks
	chunks []*[chunkSize]byte
	size   int64
	sum    uint32 // CRC-32C
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fill reads until the buffer is full or r has ended. It is not io.ReadFull: that ends a short read with
// io.ErrUnexpectedEOF, which is also what the body of a request yields when its client goes away.
func (b *buffer) fill(ctx context.Context, r io.Reader) (ended bool, err error) {
	for b.size < int64(b.most)*chunkSize {
		at := int(b.size % chunkSize)
		if at == 0 {
			b.chunks = append(b.chunks, b.from.pool.Get().(*[chunkSize]byte))
		}
		n, ended, err := readFull(ctx, r, b.chunks[len(b.chunks)-1][at:])
		b.sum = crc32.Update(b.sum, castagnoli, b.chunks[len(b.chunks)-1][at:at+n])
		b.size += int64(n)
		if err != nil || ended {
			return ended, err
		}
	}
	return false, nil
}

// readFull is io.ReadFull that tells the end of r from an error and stops when ctx ends.
func readFull(ctx context.Context, r io.Reader, buf []byte) (n int, ended bool, err error) {
	for n < len(buf) {
		if ctx.Err() != nil {
			return n, false, context.Cause(ctx)
		}
		read, err := r.Read(buf[n:])
		n += read
		if err == io.EOF { //nolint:errorlint // a wrapped one is a failure of whatever wrapped it
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// reader reads the bytes from the start. It seeks, so that a request can be sent again.
func (b *buffer) reader() io.ReadSeeker { return io.NewSectionReader(b, 0, b.size) }

// ReadAt implements io.ReaderAt over the chunks.
func (b *buffer) ReadAt(to []byte, at int64) (n int, err error) {
	for n < len(to) && at < b.size {
		chunk, from := b.chunks[at/chunkSize], at%chunkSize
		copied := copy(to[n:], chunk[from:min(chunkSize, from+b.size-at)])
		n, at = n+copied, at+int64(copied)
	}
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

// release gives the memory back. The buffer must not be used any more.
func (b *buffer) release() {
	for _, c := range b.chunks {
		b.from.pool.Put(c)
	}
	b.chunks = nil
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.from.taken -= b.most
	b.from.admit()
}
