package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// LayerStatus answers for one digest. Size and MediaType are set when it is Available.
type LayerStatus struct {
	Digest    ref.Digest
	Available bool
	Size      int64
	MediaType string
}

// CheckLayers says which layers the repository has: one status for each digest, in the order asked. AVAILABLE is a
// promise: the layer stays for at least a lease, or as long as an image references it (invariant 2).
//
// Present layers are answered from memory where that keeps the promise. A miss costs one statement for the whole batch,
// repository included, and absence is never remembered.
func (r *Registry) CheckLayers(ctx context.Context, c Caller, p Path, digests []ref.Digest) ([]LayerStatus, error) {
	return r.AppendLayerStatuses(ctx, nil, c, p, digests)
}

// AppendLayerStatuses is CheckLayers for who has room for the statuses.
func (r *Registry) AppendLayerStatuses(ctx context.Context, to []LayerStatus, c Caller, p Path, digests []ref.Digest) ([]LayerStatus, error) {
	return r.checkLayers(ctx, slices.Grow(to, len(digests)), p.own(c), digests, func(repo *Repository) error {
		if c.mayAll(repo.Account, repo.Policy) {
			return nil // before the texts are made that a policy is asked with
		}
		return r.authorize(c, repositoryAccess("BatchCheckLayerAvailability", *repo))
	})
}

// StatLayer is CheckLayers of one digest for everybody: what a pull asks. An absent layer is an error of kind
// LayerNotFound.
func (r *Registry) StatLayer(ctx context.Context, p Path, d ref.Digest) (LayerStatus, error) {
	var room [1]LayerStatus
	statuses, err := r.checkLayers(ctx, room[:0], p, []ref.Digest{d}, func(*Repository) error { return nil })
	if err != nil {
		return LayerStatus{}, err
	}
	if !statuses[0].Available {
		return LayerStatus{}, layerNotFound(p, d)
	}
	return statuses[0], nil
}

func (r *Registry) checkLayers(ctx context.Context, to []LayerStatus, p Path, digests []ref.Digest, allowed func(*Repository) error) ([]LayerStatus, error) {
	now := r.now()
	if repo, ok := r.cache.repository(p, now); ok {
		if err := allowed(repo); err != nil {
			return nil, err
		}
		if statuses, ok := r.cache.layers(to, repo.ID, digests, now); ok {
			r.observe.LayersChecked(len(digests), 0, true)
			return statuses, nil
		}
	}
	epoch := r.cache.epoch()
	repo, layers, err := r.meta.FindLayers(ctx, p.Registry, p.Name, digests)
	if errors.Is(err, ErrAbsent) {
		return nil, r.meta.View(ctx, func(tx Tx) error { return absentRepository(tx, p) })
	}
	if err != nil {
		return nil, fmt.Errorf("check layers: %w", err)
	}
	if err := allowed(&repo); err != nil {
		return nil, err
	}
	if err := r.renewLeases(ctx, repo, layers, now); errors.Is(err, ErrConflict) {
		return r.checkLayers(ctx, to, p, digests, allowed) // collected since it was found: now it is absent
	} else if err != nil {
		return nil, fmt.Errorf("check layers: %w", err)
	}
	r.cache.add(epoch, p, &repo, layers, now)
	r.observe.LayersChecked(len(layers), len(digests)-len(layers), false)
	return inOrder(to, digests, layers), nil
}

// inOrder appends the layers found, spread over the digests asked.
func inOrder(to []LayerStatus, digests []ref.Digest, found []Layer) []LayerStatus {
	byDigest := make(map[ref.Digest]Layer, len(found))
	for _, l := range found {
		byDigest[l.Digest] = l
	}
	for _, d := range digests {
		l, ok := byDigest[d]
		to = append(to, LayerStatus{Digest: d, Available: ok, Size: l.Size, MediaType: l.MediaType}) // zero when absent
	}
	return to
}

// renewLeases lengthens the promise of layers that no image references and whose lease has come near its end. It is
// rare: a fresh layer is kept for two leases, so a push that follows its upload within one never comes here.
func (r *Registry) renewLeases(ctx context.Context, repo Repository, layers []Layer, now time.Time) error {
	var ending []ref.Digest
	for i, l := range layers {
		if !l.KeepUntil.IsZero() && l.KeepUntil.Sub(now) < r.lease {
			ending = append(ending, l.Digest)
			layers[i].KeepUntil = now.Add(2 * r.lease)
		}
	}
	if len(ending) == 0 {
		return nil
	}
	renew := func(tx Tx) error {
		still, err := tx.Layers(repo.ID, ending)
		if err != nil {
			return err
		}
		if len(still) < len(ending) {
			return ErrConflict
		}
		return tx.KeepLayers(repo.ID, ending, now.Add(2*r.lease))
	}
	err := settle(func(bool) error { return r.meta.Update(ctx, renew) })
	if err == nil {
		r.observe.LeasesRenewed(len(ending))
	}
	return err
}

// LayerContent is the bytes of a layer with their size.
type LayerContent struct {
	io.ReadSeekCloser
	Size int64
}

// OpenLayer reads a layer, as long as ctx lasts. Everybody may.
func (r *Registry) OpenLayer(ctx context.Context, p Path, d ref.Digest) (LayerContent, error) {
	blob, err := findBlob(ctx, r.meta.ViewStale, p, d)
	if err != nil {
		return LayerContent{}, err
	}
	content, err := r.blobs.Open(ctx, blob.Locator)
	if errors.Is(err, ErrAbsent) {
		// Collected since it was found, and maybe pushed again; or lost, when its row still says the same.
		if blob, err = findBlob(ctx, r.meta.View, p, d); err != nil {
			return LayerContent{}, err
		}
		content, err = r.blobs.Open(ctx, blob.Locator)
	}
	if err != nil {
		return LayerContent{}, fmt.Errorf("open layer %s: %w", d, err)
	}
	return LayerContent{content, blob.Size}, nil
}

// LayerAddress is where a layer may be read instead, without asking the registry again; empty when there is no such
// place. Everybody may.
func (r *Registry) LayerAddress(ctx context.Context, p Path, d ref.Digest) (string, error) {
	if r.presign == nil {
		return "", nil
	}
	blob, err := findBlob(ctx, r.meta.ViewStale, p, d)
	if err != nil {
		return "", err
	}
	return r.presign(ctx, blob.Locator)
}

// findBlob is the bytes of a layer of the repository, in that view.
func findBlob(ctx context.Context, view func(context.Context, func(Tx) error) error, p Path, d ref.Digest) (Blob, error) {
	var blob Blob
	err := view(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		if _, err := tx.Layer(repo.ID, d); errors.Is(err, ErrAbsent) {
			return layerNotFound(p, d)
		} else if err != nil {
			return err
		}
		blob, err = tx.Blob(d)
		return err
	})
	return blob, err
}
