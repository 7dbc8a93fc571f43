package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	"github.com/openecr/openecr/internal/ref"
)

// The life of a layer:
//
//	StartUpload    a row with a fresh locator
//	AppendUpload   bytes durable under the locator, then one row update: offset and hash state     (repeated)
//	FinishUpload   digest compared, bytes sealed, then one transaction: blob, layer, upload gone   == COMMIT POINT
//
// A crash after bytes and before their row leaves bytes beyond the offset, which the next part replaces. A crash after
// sealing and before the commit leaves an upload that can be finished again. A crash after the commit loses nothing.

const (
	// PartSize is the part size that the API recommends to clients.
	PartSize = 10 << 20
	// minPartSize is what every part but the last must have when the API finishes an upload.
	minPartSize = 5 << 20
	// defaultLayerMediaType is stated for a layer that no image has named yet.
	defaultLayerMediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// uploadLocks lets one request at a time write to an upload: the bytes under its locator are shared, so two writers at
// one offset would mix them before the conditional update could refuse the second.
type uploadLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits until nobody holds the upload, or the context ends.
func (l *uploadLocks) lock(ctx context.Context, id string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		released, busy := l.held[id]
		if !busy {
			if l.held == nil {
				l.held = make(map[string]chan struct{})
			}
			mine := make(chan struct{})
			l.held[id] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, id)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-released:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another request to the same upload: %w", context.Cause(ctx))
		}
	}
}

// StartUpload begins an upload. Nothing is stored but its row.
func (r *Registry) StartUpload(ctx context.Context, c Caller, p Path) (Upload, error) {
	return r.StartUploadBy(ctx, c, p, ref.SHA256)
}

// StartUploadBy is StartUpload of a layer whose digest will be of that algorithm. Finishing with another costs one more
// read of the bytes.
func (r *Registry) StartUploadBy(ctx context.Context, c Caller, p Path, algorithm ref.Algorithm) (Upload, error) {
	p = p.own(c)
	up := Upload{ID: newUUID(), Locator: newLocator(), Algorithm: algorithm}
	var err error
	if up.HashState, err = hashState(algorithm.New()); err != nil {
		return Upload{}, err
	}
	up.CreatedAt = r.now()
	up.UpdatedAt = up.CreatedAt
	err = r.updateRepository(ctx, c, "InitiateLayerUpload", p, func(tx Tx, repo Repository) error {
		up.Repository = repo.ID
		return tx.InsertUpload(up)
	})
	return up, err
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
	if part.First >= 0 && part.First != up.Offset {
		return r.acceptAgain(ctx, p, up, part)
	}
	if err := r.checkParts(p, up, part); err != nil {
		return Upload{}, err
	}
	next, err := r.writePart(ctx, p, up, part)
	if err != nil {
		return Upload{}, err
	}
	if next.Offset == up.Offset {
		return up, nil // a part without bytes is none
	}
	err = r.meta.Update(ctx, func(tx Tx) error { return tx.AdvanceUpload(next, up.Offset) })
	if errors.Is(err, ErrAbsent) || errors.Is(err, ErrConflict) {
		// Another node advanced or ended the upload while the bytes came in.
		return Upload{}, uploadNotFound(p, id)
	}
	return next, err
}

// writePart makes the bytes durable and returns the upload as it will stand once its row says so.
func (r *Registry) writePart(ctx context.Context, p Path, up Upload, part Part) (Upload, error) {
	running, err := r.resumeHash(ctx, p, up)
	if err != nil {
		return Upload{}, err
	}
	body := part.Body
	if part.Length >= 0 {
		body = &exactReader{r: body, left: part.Length}
	}
	body = &quotaReader{r: body, left: r.limits.LayerBytes - up.Offset, over: r.layerTooLarge(p)}
	n, err := r.blobs.Append(ctx, up.Locator, up.Offset, io.TeeReader(body, running))
	if errors.Is(err, ErrAbsent) {
		return Upload{}, uploadNotFound(p, up.ID)
	}
	if err != nil {
		return Upload{}, fmt.Errorf("append to upload %s: %w", up.ID, err)
	}
	next := up
	if up.Offset > 0 && up.Offset-up.LastPart < minPartSize {
		next.ShortPart = true
	}
	next.LastPart, next.Offset, next.Parts, next.UpdatedAt = up.Offset, up.Offset+n, up.Parts+1, r.now()
	next.HashState, err = hashState(running)
	return next, err
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
	account, err := r.AccountOf(ctx, Caller{}, p.Registry)
	if err != nil {
		return Upload{}, err
	}
	outOfOrder := errorf(InvalidLayerPart, "First byte of the layer part is %d instead of %d", part.First, up.Offset)
	outOfOrder.Upload, outOfOrder.Repository = &up, Path{Registry: string(account), Name: p.Name}
	if part.First != up.LastPart || part.Length != up.Offset-up.LastPart {
		return Upload{}, outOfOrder
	}
	same, err := r.equalsLastPart(ctx, up, part.Body)
	switch {
	case errors.Is(err, ErrAbsent):
		return Upload{}, uploadNotFound(p, up.ID)
	case err != nil:
		return Upload{}, fmt.Errorf("compare with the stored part of upload %s: %w", up.ID, err)
	case !same:
		return Upload{}, outOfOrder
	}
	return up, nil
}

// equalsLastPart compares body with the last part stored. Stored bytes that are fewer than recorded are ErrAbsent.
func (r *Registry) equalsLastPart(ctx context.Context, up Upload, body io.Reader) (bool, error) {
	stored, err := r.blobs.Open(ctx, up.Locator)
	if err != nil {
		return false, err
	}
	defer stored.Close()
	if _, err := stored.Seek(up.LastPart, io.SeekStart); err != nil {
		return false, err
	}
	var bufA, bufB [32 << 10]byte
	for left := up.Offset - up.LastPart; left > 0; {
		n := min(left, int64(len(bufA)))
		if _, err := io.ReadFull(body, bufA[:n]); err != nil {
			return false, err
		}
		if _, err := io.ReadFull(stored, bufB[:n]); err == io.EOF || err == io.ErrUnexpectedEOF {
			return false, ErrAbsent
		} else if err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:n], bufB[:n]) {
			return false, nil
		}
		left -= n
	}
	return true, nil
}

// FinishRules are where the two wires differ in ending an upload. The zero value is the registry's: both are accepted.
type FinishRules struct {
	RefuseEmpty      bool // EmptyUpload for no bytes at all
	RefuseShortParts bool // LayerPartTooSmall for a part under 5 MiB that is not the last
}

// FinishUpload turns an upload into a layer of the repository when its bytes have one of the digests. Digests of another
// algorithm than sha256 and sha512 are not checked, as the real service does; at least one must be checkable.
//
// When the repository has the layer already, the answer is the layer with an error of kind LayerAlreadyExists, also when
// the upload is gone: of two clients that push one layer at the same time, and of a client that did not hear the first
// answer, each learns that the layer is there.
func (r *Registry) FinishUpload(ctx context.Context, c Caller, p Path, id string, digests []string, rules FinishRules) (Layer, error) {
	p = p.own(c)
	wanted, err := checkable(digests)
	if err != nil {
		return Layer{}, err
	}
	unlock, err := r.uploads.lock(ctx, id)
	if err != nil {
		return Layer{}, err
	}
	defer unlock()
	layer, err := r.finish(ctx, c, p, id, wanted, rules)
	if KindOf(err) == UploadNotFound {
		return r.finishedBefore(ctx, c, p, wanted, err)
	}
	return layer, err
}

func (r *Registry) finish(ctx context.Context, c Caller, p Path, id string, wanted []ref.Digest, rules FinishRules) (Layer, error) {
	up, err := r.openUpload(ctx, c, "CompleteLayerUpload", p, id)
	if err != nil {
		return Layer{}, err
	}
	if err := checkFinish(p, up, rules); err != nil {
		return Layer{}, err
	}
	digest, err := r.matchDigest(ctx, p, up, wanted)
	if err != nil {
		return Layer{}, err
	}
	err = r.blobs.Finish(ctx, up.Locator, up.Offset)
	if errors.Is(err, ErrAbsent) {
		return Layer{}, uploadNotFound(p, id)
	}
	if err != nil {
		return Layer{}, fmt.Errorf("finish upload %s: %w", id, err)
	}
	return r.commitLayer(ctx, c, p, up, digest)
}

func checkFinish(p Path, up Upload, rules FinishRules) error {
	if rules.RefuseEmpty && up.Offset == 0 {
		return errorf(EmptyUpload, "The upload with id '%s' in the repository with name '%s' in registry with id '%s' cannot be completed because it does not have any parts", up.ID, p.Name, p.Registry)
	}
	if rules.RefuseShortParts && up.ShortPart {
		return errorf(LayerPartTooSmall, "All layer parts except the last part should be at least 5MB")
	}
	return nil
}

// checkable are the digests whose algorithm is known here.
func checkable(digests []string) ([]ref.Digest, error) {
	var wanted []ref.Digest
	for _, s := range digests {
		if d, err := ref.ParseDigest(s); err == nil {
			wanted = append(wanted, d)
		}
	}
	if len(wanted) == 0 {
		return nil, errorf(InvalidDigest, "None of the layer digests %v is a well-formed sha256 or sha512 digest: send at least one", digests)
	}
	return wanted, nil
}

// finishedBefore answers for an upload that is gone: if the layer it was for is there, that is what the client wants to
// hear, otherwise notFound stands.
func (r *Registry) finishedBefore(ctx context.Context, c Caller, p Path, wanted []ref.Digest, notFound error) (Layer, error) {
	var layers []Layer
	err := r.updateRepository(ctx, c, "CompleteLayerUpload", p, func(tx Tx, repo Repository) (err error) {
		// The answer is a promise, so the lease begins anew.
		if err := tx.KeepLayers(repo.ID, wanted, r.now().Add(2*Lease)); err != nil {
			return err
		}
		layers, err = tx.Layers(repo.ID, wanted)
		return err
	})
	if err != nil {
		return Layer{}, err
	}
	if len(layers) == 0 {
		return Layer{}, notFound
	}
	return layers[0], layerAlreadyExists(p, layers[0].Digest)
}

func layerAlreadyExists(p Path, d ref.Digest) *Error {
	return errorf(LayerAlreadyExists, "The layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", d, p.Name, p.Registry)
}

// matchDigest finds the digest that the bytes have. The running hash answers for its own algorithm; any other costs one
// more read of the bytes.
func (r *Registry) matchDigest(ctx context.Context, p Path, up Upload, wanted []ref.Digest) (ref.Digest, error) {
	running, err := r.resumeHash(ctx, p, up)
	if err != nil {
		return ref.Digest{}, err
	}
	if got := ref.NewDigest(up.Algorithm, running.Sum(nil)); slices.Contains(wanted, got) {
		return got, nil
	}
	for _, algorithm := range []ref.Algorithm{ref.SHA256, ref.SHA512} {
		if algorithm == up.Algorithm || !slices.ContainsFunc(wanted, func(d ref.Digest) bool { return d.Algorithm() == algorithm }) {
			continue
		}
		h := algorithm.New()
		if err := r.hashStored(ctx, up, h); errors.Is(err, ErrAbsent) {
			return ref.Digest{}, uploadNotFound(p, up.ID)
		} else if err != nil {
			return ref.Digest{}, err
		}
		if got := ref.NewDigest(algorithm, h.Sum(nil)); slices.Contains(wanted, got) {
			return got, nil
		}
	}
	return ref.Digest{}, errorf(InvalidLayer, "None of the provided layer digests match the calculated layer digest")
}

// commitLayer makes the layer visible: the commit point of an upload. Of two uploads of the same bytes the first commit
// keeps its bytes; the loser's are removed afterwards, and if that fails collection finds them without a row.
func (r *Registry) commitLayer(ctx context.Context, c Caller, p Path, up Upload, digest ref.Digest) (Layer, error) {
	var layer Layer
	var existed, stored bool // the repository had the layer; the bytes under up.Locator became the blob
	err := r.updateRepository(ctx, c, "CompleteLayerUpload", p, func(tx Tx, repo Repository) error {
		if err := tx.DeleteUpload(up.ID); errors.Is(err, ErrAbsent) {
			return uploadNotFound(p, up.ID) // another node ended it
		} else if err != nil {
			return err
		}
		keepUntil := r.now().Add(2 * Lease)
		found, err := tx.Layer(repo.ID, digest)
		if err == nil {
			layer, existed, stored = found, true, false
			return tx.KeepLayers(repo.ID, []ref.Digest{digest}, keepUntil)
		}
		if !errors.Is(err, ErrAbsent) {
			return err
		}
		inserted, err := insertBlob(tx, Blob{Digest: digest, Size: up.Offset, Locator: up.Locator, CreatedAt: r.now()})
		if err != nil {
			return err
		}
		layer = Layer{Digest: digest, Size: up.Offset, MediaType: defaultLayerMediaType, KeepUntil: keepUntil}
		existed, stored = false, inserted
		return tx.InsertLayer(repo.ID, layer)
	})
	if err != nil {
		return Layer{}, err
	}
	if !stored {
		_ = r.blobs.Delete(context.WithoutCancel(ctx), up.Locator)
	}
	if existed {
		return layer, layerAlreadyExists(p, digest)
	}
	return layer, nil
}

// insertBlob says whether these bytes became the blob of their digest: false when there is one already.
func insertBlob(tx Tx, b Blob) (bool, error) {
	_, err := tx.Blob(b.Digest)
	if !errors.Is(err, ErrAbsent) {
		return false, err
	}
	return true, tx.InsertBlob(b)
}

// CancelUpload forgets an upload and its bytes.
func (r *Registry) CancelUpload(ctx context.Context, c Caller, p Path, id string) error {
	p = p.own(c)
	unlock, err := r.uploads.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	var up Upload
	err = r.updateRepository(ctx, c, "UploadLayerPart", p, func(tx Tx, repo Repository) (err error) {
		if up, err = findUpload(tx, repo, p, id); err != nil {
			return err
		}
		return tx.DeleteUpload(id)
	})
	if err != nil {
		return err
	}
	_ = r.blobs.Delete(context.WithoutCancel(ctx), up.Locator) // without a row, collection removes them
	return nil
}

// resumeHash is the running hash of what was accepted so far. A state that does not decode (written by another Go
// release, say) is no loss: the bytes are there and are hashed again.
func (r *Registry) resumeHash(ctx context.Context, p Path, up Upload) (hash.Hash, error) {
	h := up.Algorithm.New()
	if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(up.HashState) == nil {
		return h, nil
	}
	h = up.Algorithm.New()
	err := r.hashStored(ctx, up, h)
	if errors.Is(err, ErrAbsent) {
		return nil, uploadNotFound(p, up.ID)
	}
	return h, err
}

func (r *Registry) hashStored(ctx context.Context, up Upload, h hash.Hash) error {
	if up.Offset == 0 {
		return nil
	}
	stored, err := r.blobs.Open(ctx, up.Locator)
	if err != nil {
		return fmt.Errorf("hash the bytes of upload %s again: %w", up.ID, err)
	}
	defer stored.Close()
	_, err = io.CopyN(h, stored, up.Offset)
	if errors.Is(err, io.EOF) {
		err = ErrAbsent // fewer bytes than were recorded
	}
	if err != nil {
		return fmt.Errorf("hash the bytes of upload %s again: %w", up.ID, err)
	}
	return nil
}

func hashState(h hash.Hash) ([]byte, error) {
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("save the state of a hash: %w", err)
	}
	return state, nil
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

// newLocator is unique by its 128 random bits.
func newLocator() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
