package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// MemBlobs is registry.Blobs in memory, as unkind to its caller as the contract allows: it fails the test when the
// caller breaks its side of the contract, keeps half of what a failed Append has read, and lists in changing order. An
// upload of an even size is finished under another locator each time, one of an odd size in place.
//
// What it fails the test for:
//   - a State that is not what Append returned with that Offset
//   - Finish at another size after Finish
//   - two calls of Append, Finish or Discard on one locator at once
//   - making a locator again that was deleted
//   - Open, Append or Finish that needs bytes that are not there (see AllowAbsent)
//   - a reader that is not closed by the end of the test
//
// Set the fields while no call runs.
type MemBlobs struct {
	// Fault, when set, is asked at every call and makes it fail with err, unless that is nil. With apply the call
	// happens all the same, as when the answer of a remote store is lost; without, nothing happens. A caller must cope
	// with both. The op is the name of the method; the locator of List is empty.
	Fault func(op, locator string) (apply bool, err error)

	// AllowAbsent lets calls that need bytes which are not there just answer ErrAbsent: for tests in which a delete
	// overtakes another request, or bytes are lost.
	AllowAbsent bool

	// Now is the clock of ChangedAt; nil is time.Now.
	Now func() time.Time

	t       testing.TB
	mu      sync.Mutex
	blobs   map[string]*memBlob // nil once deleted
	readers int                 // not yet closed
}

type memBlob struct {
	content   []byte // replaced, never written to: readers hold it
	changedAt time.Time
	finished  bool
	busy      bool // in an Append or Finish
}

var _ registry.Blobs = (*MemBlobs)(nil)

// NewMemBlobs makes an empty store that fails t.
func NewMemBlobs(t testing.TB) *MemBlobs {
	m := &MemBlobs{t: t, blobs: make(map[string]*memBlob)}
	t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.readers > 0 {
			t.Errorf("blobs: %d readers were not closed", m.readers)
		}
	})
	return m
}

// Append implements registry.Blobs. Under a Fault without apply it does not read r.
func (m *MemBlobs) Append(ctx context.Context, u registry.Unfinished, r io.Reader, _ registry.Allot) (registry.Unfinished, error) {
	apply, fault := m.fault("Append", u.Locator)
	if !apply {
		return registry.Unfinished{}, fault
	}
	b, err := m.claim(ctx, "Append", u)
	if err != nil {
		return registry.Unfinished{}, err
	}
	defer m.release(b)
	if b.finished {
		return registry.Unfinished{}, fmt.Errorf("append to blob %s, which is finished: %w", u.Locator, registry.ErrAbsent)
	}
	var tail bytes.Buffer
	_, err = tail.ReadFrom(&contextReader{ctx, r})
	m.mu.Lock()
	b.content = append(b.content[:u.Offset:u.Offset], tail.Bytes()...)
	b.changedAt = m.now()
	m.mu.Unlock()
	if err != nil {
		return registry.Unfinished{}, fmt.Errorf("append to blob %s: %w", u.Locator, err)
	}
	if fault != nil {
		return registry.Unfinished{}, fault
	}
	u.Offset += int64(tail.Len())
	u.State = memState(u)
	return u, nil
}

// Put implements registry.Blobs. Under a Fault without apply it does not read r.
func (m *MemBlobs) Put(ctx context.Context, locator string, r io.Reader) (string, int64, error) {
	apply, fault := m.fault("Put", locator)
	if !apply {
		return "", 0, fault
	}
	m.mu.Lock()
	_, used := m.blobs[locator]
	m.blobs[locator] = &memBlob{changedAt: m.now()}
	m.mu.Unlock()
	if used {
		return "", 0, m.misused("Put", locator, "locators are used once")
	}
	var content bytes.Buffer
	_, err := content.ReadFrom(&contextReader{ctx, r})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[locator] = &memBlob{content: content.Bytes(), changedAt: m.now(), finished: err == nil}
	if err != nil {
		return "", 0, fmt.Errorf("put blob %s: %w", locator, err)
	}
	if fault != nil {
		return "", 0, fault
	}
	return locator, int64(content.Len()), nil
}

// memState is what the store notes about an upload at its offset.
func memState(u registry.Unfinished) []byte {
	if u.Offset == 0 {
		return nil
	}
	return fmt.Appendf(nil, "%s at %d", u.Locator, u.Offset)
}

// Finish implements registry.Blobs.
func (m *MemBlobs) Finish(ctx context.Context, u registry.Unfinished, _ registry.Allot) (string, error) {
	apply, fault := m.fault("Finish", u.Locator)
	if !apply {
		return "", fault
	}
	b, err := m.claim(ctx, "Finish", u)
	if err != nil {
		return "", err
	}
	defer m.release(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.finished && int64(len(b.content)) != u.Offset {
		return "", m.misused("Finish", u.Locator, fmt.Sprintf("it is finished at %d bytes, not %d", len(b.content), u.Offset))
	}
	locator := u.Locator
	if u.Offset%2 == 0 {
		locator = registry.NewLocator()
		m.blobs[locator] = &memBlob{content: b.content[:u.Offset], changedAt: m.now(), finished: true}
	} else {
		b.content, b.finished = b.content[:u.Offset], true
	}
	if fault != nil {
		return "", fault
	}
	return locator, nil
}

// Discard implements registry.Blobs.
func (m *MemBlobs) Discard(ctx context.Context, u registry.Unfinished) error {
	apply, fault := m.fault("Discard", u.Locator)
	if !apply {
		return fault
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("discard blob %s: %w", u.Locator, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.blobs[u.Locator]
	switch {
	case b == nil || b.finished:
	case b.busy:
		return m.misused("Discard", u.Locator, "an Append or Finish runs")
	default:
		m.blobs[u.Locator] = nil
	}
	return fault
}

// claim finds the blob that holds the recorded bytes, making it when there are none, and keeps other writers out.
func (m *MemBlobs) claim(ctx context.Context, op string, u registry.Unfinished) (*memBlob, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s of blob %s: %w", op, u.Locator, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, used := m.blobs[u.Locator]
	switch {
	case !bytes.Equal(u.State, memState(u)):
		return nil, m.misused(op, u.Locator, fmt.Sprintf("its State is %q", u.State))
	case b != nil && b.busy:
		return nil, m.misused(op, u.Locator, "another Append or Finish runs")
	case b == nil && used && u.Offset == 0:
		return nil, m.misused(op, u.Locator, "it was deleted, and locators are used once")
	case b == nil && u.Offset == 0:
		b = &memBlob{changedAt: m.now()}
		m.blobs[u.Locator] = b
	case b == nil || int64(len(b.content)) < u.Offset:
		return nil, m.absent(op, u.Locator)
	}
	b.busy = true
	return b, nil
}

func (m *MemBlobs) release(b *memBlob) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.busy = false
}

// Open implements registry.Blobs. The reader sees the bytes of this moment.
func (m *MemBlobs) Open(ctx context.Context, locator string) (io.ReadSeekCloser, error) {
	apply, fault := m.fault("Open", locator)
	if !apply || fault != nil {
		return nil, fault
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", locator, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.blobs[locator]
	if b == nil {
		return nil, m.absent("Open", locator)
	}
	m.readers++
	return &memReader{store: m, content: bytes.NewReader(b.content)}, nil
}

// Delete implements registry.Blobs.
func (m *MemBlobs) Delete(ctx context.Context, locator string) error {
	apply, fault := m.fault("Delete", locator)
	if !apply {
		return fault
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete blob %s: %w", locator, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blobs[locator] != nil {
		m.blobs[locator] = nil
	}
	return fault
}

// List implements registry.Blobs. Under a Fault with apply the error comes after the last locator.
func (m *MemBlobs) List(ctx context.Context) iter.Seq2[registry.Stored, error] {
	return func(yield func(registry.Stored, error) bool) {
		apply, fault := m.fault("List", "")
		if !apply {
			yield(registry.Stored{}, fault)
			return
		}
		m.mu.Lock()
		blobs := make(map[string]registry.Stored, len(m.blobs))
		for locator, b := range m.blobs {
			if b != nil {
				blobs[locator] = registry.Stored{Locator: locator, Size: int64(len(b.content)), ChangedAt: b.changedAt}
			}
		}
		m.mu.Unlock()
		if err := ctx.Err(); err != nil {
			yield(registry.Stored{}, fmt.Errorf("list blobs: %w", err))
			return
		}
		for _, stored := range blobs {
			if !yield(stored, nil) {
				return
			}
		}
		if fault != nil {
			yield(registry.Stored{}, fault)
		}
	}
}

func (m *MemBlobs) now() time.Time {
	if m.Now == nil {
		return time.Now().UTC()
	}
	return m.Now()
}

// fault says whether a call is to happen, and with which error it is to end.
func (m *MemBlobs) fault(op, locator string) (apply bool, err error) {
	if m.Fault == nil {
		return true, nil
	}
	apply, err = m.Fault(op, locator)
	return apply || err == nil, err
}

// misused fails the test, and ends the call that should not have been.
func (m *MemBlobs) misused(op, locator, why string) error {
	m.t.Errorf("blobs: %s of %s: %s", op, locator, why)
	return errors.New(op + " of blob " + locator + ": " + why)
}

func (m *MemBlobs) absent(op, locator string) error {
	if !m.AllowAbsent {
		m.t.Errorf("blobs: %s of %s needs bytes that are not there", op, locator)
	}
	return fmt.Errorf("%s of blob %s: %w", op, locator, registry.ErrAbsent)
}

// memReader has the methods of the contract and no other, so that nobody comes to need them.
type memReader struct {
	store   *MemBlobs
	content *bytes.Reader
	closed  bool
}

func (r *memReader) Read(b []byte) (int, error) {
	if r.closed {
		return 0, os.ErrClosed
	}
	return r.content.Read(b)
}

func (r *memReader) Seek(offset int64, whence int) (int64, error) {
	if r.closed {
		return 0, os.ErrClosed
	}
	return r.content.Seek(offset, whence)
}

func (r *memReader) Close() error {
	if r.closed {
		return os.ErrClosed
	}
	r.closed = true
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.readers--
	return nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
