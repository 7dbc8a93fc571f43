package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/openecr/openecr/internal/ref"
)

// The life of a layer:
//
//	StartUpload    a row with a fresh locator
//	AppendUpload   bytes durable, then one row update: offset, the store's notes, hash state       (repeated)
//	FinishUpload   digest compared, bytes sealed, then one transaction: blob, layer, upload gone   == COMMIT POINT
//	SendUpload     bytes durable under a locator of their own, digest compared, then that same transaction
//
// A crash after bytes and before their row leaves bytes that the row does not speak of: the next part goes on without
// them, and Discard or collection removes them. A crash after sealing and before the commit leaves an upload that can be
// finished again; bytes that were sealed under another locator than the upload's are collected. A crash after the commit
// loses nothing.

const (
	// PartSize is the part size that the API recommends to clients.
	PartSize = 10 << 20
	// minPartSize is what every part but the last must have when the API finishes an upload.
	minPartSize = 5 << 20
	// defaultLayerMediaType is stated for a layer that no image has named yet.
	defaultLayerMediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// uploadLocks lets one request of this process at a time write to an upload: a store that is not shared need not keep two
// writers apart. Those of other processes are told apart by the conditional update alone.
type uploadLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits until nobody holds the upload, or the context ends.
func (l *uploadLocks) lock(ctx context.Context, id string) (unlock func(), err error) {
	for {
		unlock, released := l.tryLock(id)
		if unlock != nil {
			return unlock, nil
		}
		select {
		case <-released:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another request to the same upload: %w", context.Cause(ctx))
		}
	}
}

// tryLock has no unlock while somebody holds the upload; released is closed when they let go.
func (l *uploadLocks) tryLock(id string) (unlock func(), released <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if released, busy := l.held[id]; busy {
		return nil, released
	}
	if l.held == nil {
		l.held = make(map[string]chan struct{})
	}
	mine := make(chan struct{})
	l.held[id] = mine
	return func() {
		l.mu.Lock()
		delete(l.held, id)
		l.mu.Unlock()
		close(mine)
	}, nil
}

// StartUpload begins an upload. Nothing is stored but its row.
func (r *Registry) StartUpload(ctx context.Context, c Caller, p Path) (Upload, error) {
	return r.StartUploadBy(ctx, c, p, ref.SHA256)
}

// StartUploadBy is StartUpload of a layer whose digest will be of that algorithm. Finishing with another costs one more
// read of the bytes.
func (r *Registry) StartUploadBy(ctx context.Context, c Caller, p Path, algorithm ref.Algorithm) (Upload, error) {
	p = p.own(c)
	up := Upload{ID: newUUID(), Locator: NewLocator(), Algorithm: algorithm}
	var err error
	if up.HashState, err = hashState(algorithm.New()); err != nil {
		return Upload{}, err
	}
	up.CreatedAt = r.now()
	up.UpdatedAt = up.CreatedAt
	err = settle(func(again bool) error {
		return r.updateRepository(ctx, c, "InitiateLayerUpload", p, func(tx Tx, repo Repository) error {
			up.Repository = repo.ID
			err := tx.InsertUpload(up)
			if again && errors.Is(err, ErrConflict) {
				return nil // ids are drawn, so it is this one
			}
			return err
		})
	})
	if err != nil {
		r.note(c, EventPush, p, "", err)
		return up, err
	}
	r.observe.UploadStarted()
	return up, nil
}

// FindUpload tells where an upload stands.
func (r *Registry) FindUpload(ctx context.Context, c Caller, p Path, id string) (Upload, error) {
	return r.openUpload(ctx, c, "UploadLayerPart", p.own(c), id)
}

// openUpload reads an upload and checks that the caller may do action in its repository.
func (r *Registry) openUpload(ctx context.Context, c Caller, action string, p Path, id string) (Upload, error) {
	var up Upload
	err := r.viewRepository(ctx, c, action, p, func(tx Tx, repo Repository) (err error) {
		up, err = findUpload(tx, repo, p, id)
		return err
	})
	return up, err
}

func findUpload(tx Tx, repo Repository, p Path, id string) (Upload, error) {
	up, err := tx.Upload(id)
	if errors.Is(err, ErrAbsent) || err == nil && up.Repository != repo.ID {
		return Upload{}, uploadNotFound(p, id)
	}
	return up, err
}

// Part is bytes for an upload. First is the offset of the first byte, or -1 for "where the upload stands". Length is
// how many bytes Body must yield, or -1 when that is not known beforehand.
type Part struct {
	First  int64
	Length int64
	Body   io.Reader
	// Counted parts are limited in number, as the API has it; the chunks of the registry wire are not.
	Counted bool
}

// AppendUpload adds a part and returns where the upload then stands. Parts follow each other without gap or overlap,
// otherwise the error names the offset that is expected and the upload stays as it was; but the last accepted part may
// be sent again, so that a client whose answer was lost can go on. When Body fails or ends early, the upload stays as
// it was before this part.
func (r *Registry) AppendUpload(ctx context.Context, c Caller, p Path, id string, part Part) (Upload, error) {
	p = p.own(c)
	unlock, err := r.uploads.lock(ctx, id)
	if err != nil {
		return Upload{}, err
	}
	defer unlock()
	up, err := r.FindUpload(ctx, c, p, id)
	if err != nil {
		return Upload{}, err
	}
	return r.appendPart(ctx, c, p, up, part)
}

// appendPart is AppendUpload to an upload that is locked and was just read.
func (r *Registry) appendPart(ctx context.Context, c Caller, p Path, up Upload, part Part) (Upload, error) {
	if part.First >= 0 && part.First != up.Offset {
		return r.acceptAgain(ctx, p, up, part)
	}
	if err := r.checkParts(p, up, part); err != nil {
		return Upload{}, err
	}
	next, err := r.writePart(ctx, p, up, part)
	if err == nil && next.Offset > up.Offset { // a part without bytes is none
		err = settle(func(bool) error { // made before, it is overtaken by itself
			return r.meta.Update(ctx, func(tx Tx) error { return tx.AdvanceUpload(next, up.Offset) })
		})
	}
	if errors.Is(err, ErrAbsent) || errors.Is(err, ErrConflict) {
		return r.overtaken(ctx, c, p, up, next)
	}
	if err != nil {
		return Upload{}, err
	}
	return next, nil
}

// overtaken answers for a part whose upload was advanced or ended since it was read, or whose bytes are lost. The same
// part may have been accepted meanwhile, from another node or from an attempt of which the answer was lost; next is then
// where it stands.
func (r *Registry) overtaken(ctx context.Context, c Caller, p Path, old, next Upload) (Upload, error) {
	up, err := r.FindUpload(ctx, c, p, old.ID)
	switch {
	case err != nil:
		return Upload{}, err
	case up.Offset == old.Offset:
		return Upload{}, uploadNotFound(p, old.ID)
	case up.Offset == next.Offset && bytes.Equal(up.HashState, next.HashState):
		return up, nil
	}
	return Upload{}, r.outOfOrder(ctx, p, up, old.Offset)
}

// writePart makes the bytes durable and returns the upload as it will stand once its row says so. ErrAbsent when bytes
// before it are gone.
func (r *Registry) writePart(ctx context.Context, p Path, up Upload, part Part) (Upload, error) {
	running, err := r.resumeHash(ctx, p, up)
	if err != nil {
		return Upload{}, err
	}
	written, err := r.blobs.Append(ctx, up.unfinished(), io.TeeReader(r.bodyOf(p, up, part), running), r.allot(up.ID))
	if err != nil {
		return Upload{}, fmt.Errorf("append to upload %s: %w", up.ID, err)
	}
	if written.Offset == up.Offset {
		return up, nil
	}
	next := up
	if up.Offset > 0 && up.Offset-up.LastPart < minPartSize {
		next.ShortPart = true
	}
	next.Offset, next.BlobState, next.Parts, next.UpdatedAt = written.Offset, written.State, up.Parts+1, r.now()
	next.LastPart, next.LastState = up.Offset, up.HashState
	next.HashState, err = hashState(running)
	return next, err
}

// bodyOf is the bytes of a part, no fewer than announced and no more than a layer may have.
func (r *Registry) bodyOf(p Path, up Upload, part Part) io.Reader {
	body := part.Body
	if part.Length >= 0 {
		body = &exactReader{r: body, left: part.Length}
	}
	return &quotaReader{r: body, left: r.limits.LayerBytes - up.Offset, over: r.layerTooLarge(p)}
}

// allot is how a store of bytes gets numbers for an upload.
func (r *Registry) allot(id string) Allot {
	return func(ctx context.Context) (n int, err error) {
		err = settle(func(bool) error { // a number that is lost does no harm
			return r.meta.Update(ctx, func(tx Tx) (err error) {
				n, err = tx.AllotPart(id, r.now())
				return err
			})
		})
		return n, err
	}
}

// exactReader fails with io.ErrUnexpectedEOF when its source ends early, and reads no further than announced.
type exactReader struct {
	r    io.Reader
	left int64
}

func (e *exactReader) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(b)) > e.left {
		b = b[:e.left]
	}
	n, err := e.r.Read(b)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// acceptAgain lets the last part be sent twice: same range and same bytes. Anything else is out of order.
func (r *Registry) acceptAgain(ctx context.Context, p Path, up Upload, part Part) (Upload, error) {
	if part.First == up.LastPart && part.Length == up.Offset-up.LastPart {
		same, err := equalsLastPart(up, part)
		if err != nil {
			return Upload{}, fmt.Errorf("compare with the last part of upload %s: %w", up.ID, err)
		}
		if same {
			return up, nil
		}
	}
	return Upload{}, r.outOfOrder(ctx, p, up, part.First)
}

// equalsLastPart hashes the body behind what came before the last part: the bytes are the same when the sums are. Hash
// states that do not decode, from another Go release, equal nothing, so that the client goes on at the offset.
func equalsLastPart(up Upload, part Part) (bool, error) {
	before, after := decodeHash(up.Algorithm, up.LastState), decodeHash(up.Algorithm, up.HashState)
	if before == nil || after == nil {
		return false, nil
	}
	if _, err := io.Copy(before, &exactReader{r: part.Body, left: part.Length}); err != nil {
		return false, err
	}
	return bytes.Equal(before.Sum(nil), after.Sum(nil)), nil
}

// outOfOrder is the refusal of a part that begins at first. It says where the upload stands.
func (r *Registry) outOfOrder(ctx context.Context, p Path, up Upload, first int64) error {
	account, err := r.AccountOf(ctx, Caller{}, p.Registry)
	if err != nil {
		return err
	}
	e := errorf(InvalidLayerPart, "First byte of the layer part is %d instead of %d", first, up.Offset)
	e.Upload, e.Repository = &up, Path{Registry: string(account), Name: p.Name}
	return e
}

// newUUID makes an upload id of the shape that the API model demands.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
