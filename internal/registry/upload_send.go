package registry

import (
	"context"
	"fmt"
	"io"

	"github.com/openecr/openecr/internal/ref"
)

// SendUpload ends an upload with its last part: AppendUpload and FinishUpload in one, under the registry's rules. A layer
// that comes whole, as containerd and oras send it, costs one sync of its bytes and one transaction.
//
// Refused or failed, the upload stays as it was or, when it had bytes before, as FinishUpload leaves it.
func (r *Registry) SendUpload(ctx context.Context, c Caller, p Path, id string, part Part, digest ref.Digest) (Layer, error) {
	p = p.own(c)
	return r.ending(ctx, c, p, id, []ref.Digest{digest}, func() (Layer, error) {
		up, err := r.openUploadToSend(ctx, c, p, id)
		if err != nil {
			return Layer{}, err
		}
		if up.Offset == 0 && part.First <= 0 {
			return r.sendWhole(ctx, c, p, up, part, digest)
		}
		if _, err := r.appendPart(ctx, c, p, up, part); err != nil {
			return Layer{}, err
		}
		return r.finish(ctx, c, p, id, []ref.Digest{digest}, FinishRules{})
	})
}

// openUploadToSend is openUpload for a caller who must be allowed to do both.
func (r *Registry) openUploadToSend(ctx context.Context, c Caller, p Path, id string) (up Upload, err error) {
	err = r.viewRepository(ctx, c, "UploadLayerPart", p, func(tx Tx, repo Repository) error {
		if err := r.authorize(c, repositoryAccess("CompleteLayerUpload", repo)); err != nil {
			return err
		}
		up, err = findUpload(tx, repo, p, id)
		return err
	})
	return up, err
}

// sendWhole takes these steps:
//
//  1. bytes, under a locator of their own, hashed as they pass    crash: bytes that no row names, for collection
//  2. digest compared                                             crash: the same
//  3. one transaction: blob, layer, upload gone                   == COMMIT POINT
//
// The upload's own locator is left alone: were it used, an attempt that was overtaken, here or on another node, could
// have its bytes replaced before it commits. So nothing of the upload changes before step 3.
func (r *Registry) sendWhole(ctx context.Context, c Caller, p Path, up Upload, part Part, digest ref.Digest) (Layer, error) {
	sum := digest.Algorithm().New()
	locator, size, err := r.blobs.Put(ctx, NewLocator(), io.TeeReader(r.bodyOf(p, up, part), sum))
	if err != nil {
		return Layer{}, fmt.Errorf("send upload %s: %w", up.ID, err)
	}
	if ref.NewDigest(digest.Algorithm(), sum.Sum(nil)) != digest {
		tidying, cancel := courtesy(ctx)
		defer cancel()
		_ = r.blobs.Delete(tidying, locator) // else collected
		return Layer{}, invalidLayer()
	}
	return r.commitLayer(ctx, c, p, up, Blob{Digest: digest, Size: size, Locator: locator, CreatedAt: r.now()})
}
