package transfer

import (
	"bytes"
	"context"
	"iter"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const blobsPerPage = 500

// BlobsOf are the blob rows of a store in order of digest keys. Every page is a view of its own, so a row that is made
// meanwhile may be among them or not.
func BlobsOf(ctx context.Context, m registry.Meta) iter.Seq2[registry.Blob, error] {
	return paged(func(after ref.Digest) (page []registry.Blob, err error) {
		err = m.View(ctx, func(tx registry.Tx) (err error) {
			page, err = tx.BlobsAfter(after, blobsPerPage)
			return err
		})
		return page, err
	})
}

// blobsIn are those of one transaction.
func blobsIn(ctx context.Context, tx registry.Tx) iter.Seq2[registry.Blob, error] {
	return paged(func(after ref.Digest) ([]registry.Blob, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return tx.BlobsAfter(after, blobsPerPage)
	})
}

func paged(read func(after ref.Digest) ([]registry.Blob, error)) iter.Seq2[registry.Blob, error] {
	return func(yield func(registry.Blob, error) bool) {
		var after ref.Digest
		for {
			page, err := read(after)
			if err != nil {
				yield(registry.Blob{}, err)
				return
			}
			for _, blob := range page {
				if !yield(blob, nil) {
					return
				}
			}
			if len(page) < blobsPerPage {
				return
			}
			after = page[len(page)-1].Digest
		}
	}
}

// missing are the blobs of a sequence whose digests are not in another one.
func missing(want, have iter.Seq2[registry.Blob, error]) iter.Seq2[registry.Blob, error] {
	return func(yield func(registry.Blob, error) bool) {
		next, stop := iter.Pull2(have)
		defer stop()
		found, err, more := next()
		for blob, wantErr := range want {
			if wantErr != nil {
				yield(registry.Blob{}, wantErr)
				return
			}
			for more && err == nil && bytes.Compare(found.Digest.Key(), blob.Digest.Key()) < 0 {
				found, err, more = next()
			}
			if more && err != nil {
				yield(registry.Blob{}, err)
				return
			}
			if more && found.Digest == blob.Digest {
				continue
			}
			if !yield(blob, nil) {
				return
			}
		}
	}
}
