package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

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
	return r.ending(ctx, c, p, id, wanted, func() (Layer, error) { return r.finish(ctx, c, p, id, wanted, rules) })
}

// ending locks an upload for the verb that ends it, and answers for one that is gone.
func (r *Registry) ending(ctx context.Context, c Caller, p Path, id string, wanted []ref.Digest, end func() (Layer, error)) (Layer, error) {
	unlock, err := r.uploads.lock(ctx, id)
	if err != nil {
		return Layer{}, err
	}
	defer unlock()
	layer, err := end()
	if KindOf(err) == UploadNotFound {
		layer, err = r.finishedBefore(ctx, c, p, wanted, err)
	}
	if err != nil {
		r.note(c, EventPush, p, wanted[0].String(), err)
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
	running, err := r.resumeHash(ctx, p, up)
	if err != nil {
		return Layer{}, err
	}
	digest := ref.NewDigest(up.Algorithm, running.Sum(nil))
	if !slices.Contains(wanted, digest) && !otherAlgorithm(up, wanted) {
		return Layer{}, invalidLayer()
	}
	locator, err := r.blobs.Finish(ctx, up.unfinished(), r.allot(up.ID))
	if errors.Is(err, ErrAbsent) {
		return Layer{}, uploadNotFound(p, id)
	}
	if err != nil {
		return Layer{}, fmt.Errorf("finish upload %s: %w", id, err)
	}
	if !slices.Contains(wanted, digest) {
		if digest, err = r.matchSealed(ctx, p, up, locator, wanted); err != nil {
			r.withdraw(ctx, up, locator)
			return Layer{}, err
		}
	}
	return r.commitLayer(ctx, c, p, up, Blob{Digest: digest, Size: up.Offset, Locator: locator, CreatedAt: r.now()})
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
	keep := func(tx Tx, repo Repository) (err error) {
		// The answer is a promise, so the lease begins anew.
		if err := tx.KeepLayers(repo.ID, wanted, r.promise()); err != nil {
			return err
		}
		layers, err = tx.Layers(repo.ID, wanted)
		return err
	}
	err := settle(func(bool) error { return r.updateRepository(ctx, c, "CompleteLayerUpload", p, keep) })
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

// otherAlgorithm says whether a wanted digest needs another hash than the running one.
func otherAlgorithm(up Upload, wanted []ref.Digest) bool {
	return slices.ContainsFunc(wanted, func(d ref.Digest) bool { return d.Algorithm() != up.Algorithm })
}

// matchSealed reads the sealed bytes once more for the digests that the running hash cannot answer for. It comes after
// sealing because stores need not be able to read what is unfinished; so an upload that has none of the digests may take
// no more parts, but it can still be finished with the right one.
func (r *Registry) matchSealed(ctx context.Context, p Path, up Upload, locator string, wanted []ref.Digest) (ref.Digest, error) {
	for _, algorithm := range []ref.Algorithm{ref.SHA256, ref.SHA512} {
		if algorithm == up.Algorithm || !slices.ContainsFunc(wanted, func(d ref.Digest) bool { return d.Algorithm() == algorithm }) {
			continue
		}
		h := algorithm.New()
		if err := r.hashStored(ctx, locator, up.Offset, h); errors.Is(err, ErrAbsent) {
			return ref.Digest{}, uploadNotFound(p, up.ID)
		} else if err != nil {
			return ref.Digest{}, err
		}
		if got := ref.NewDigest(algorithm, h.Sum(nil)); slices.Contains(wanted, got) {
			return got, nil
		}
	}
	return ref.Digest{}, invalidLayer()
}

func invalidLayer() *Error {
	return errorf(InvalidLayer, "None of the provided layer digests match the calculated layer digest")
}

// commitLayer makes sealed bytes visible as a layer: the commit point of an upload. It holds only if the upload still
// stands where it was read. Of two uploads of the same bytes the first commit keeps its bytes; the loser's are removed
// afterwards, like all that only the upload needed, and what cannot be removed is collected because no row names it.
func (r *Registry) commitLayer(ctx context.Context, c Caller, p Path, up Upload, sealed Blob) (Layer, error) {
	var layer Layer
	var existed, stored bool // the repository had the layer; the sealed bytes became the blob
	commit := func(tx Tx, repo Repository) error {
		if err := endUpload(tx, repo, p, up); err != nil {
			return err
		}
		keepUntil := r.promise()
		found, err := tx.Layer(repo.ID, sealed.Digest)
		if err == nil {
			layer, existed, stored = found, true, false
			return tx.KeepLayers(repo.ID, []ref.Digest{sealed.Digest}, keepUntil)
		}
		if !errors.Is(err, ErrAbsent) {
			return err
		}
		inserted, err := insertBlob(tx, sealed)
		if err != nil {
			return err
		}
		layer = Layer{Digest: sealed.Digest, Size: sealed.Size, MediaType: defaultLayerMediaType, KeepUntil: keepUntil}
		existed, stored = false, inserted
		return tx.InsertLayer(repo.ID, layer)
	}
	err := settle(func(bool) error { // made before, the upload is gone, and FinishUpload finds the layer
		return r.updateRepository(ctx, c, "CompleteLayerUpload", p, commit)
	})
	if err != nil {
		if KindOf(err) != Internal { // refused inside the transaction, so nothing of it stays
			r.withdraw(ctx, up, sealed.Locator)
		}
		return Layer{}, err
	}
	// From here on a crash leaves bytes without a row, for collection.
	tidying, cancel := courtesy(ctx)
	defer cancel()
	if !stored {
		_ = r.blobs.Delete(tidying, sealed.Locator)
	}
	_ = r.blobs.Discard(tidying, up.unfinished())
	r.observe.LayerUploaded(sealed.Size, existed)
	if existed {
		return layer, layerAlreadyExists(p, sealed.Digest)
	}
	return layer, nil
}

// withdraw removes sealed bytes that no row names. The upload's own stay: another node may be about to name those.
func (r *Registry) withdraw(ctx context.Context, up Upload, locator string) {
	if locator == up.Locator {
		return
	}
	ctx, cancel := courtesy(ctx)
	defer cancel()
	named := true
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		named, err = tx.LocatorNamed(locator)
		return err
	})
	if err == nil && !named {
		_ = r.blobs.Delete(ctx, locator)
	}
}

// courtesy bounds what a request does after its outcome is decided, whether or not the client still waits: what it does
// not come to, collection does.
func courtesy(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// endUpload deletes the row of an upload that stands where it was read.
func endUpload(tx Tx, repo Repository, p Path, read Upload) error {
	up, err := findUpload(tx, repo, p, read.ID)
	if err != nil {
		return err // another node ended it
	}
	if up.Offset != read.Offset {
		return invalidLayer() // another node added a part
	}
	return tx.DeleteUpload(up.ID)
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
	tidying, cancel := courtesy(ctx)
	defer cancel()
	_ = r.blobs.Delete(tidying, up.Locator) // all of it: no row will name the locator
	r.observe.UploadCancelled()
	return nil
}
