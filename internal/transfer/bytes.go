package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// copyMissing copies the bytes of all blobs of a source that the target has not. It asks for them twice: to know how much
// there is to do, and to do it.
func (c *copier) copyMissing(ctx context.Context, source func() iter.Seq2[registry.Blob, error]) error {
	c.Progress.Stage("copying bytes")
	for blob, err := range missing(source(), BlobsOf(ctx, c.to.Meta)) {
		if err != nil {
			return err
		}
		c.Progress.Need(blob.Size)
		c.needCheck(blob.Size)
	}
	return c.each(ctx, missing(source(), BlobsOf(ctx, c.to.Meta)), c.copyBlob)
}

// look goes through what earlier runs have brought to the target. What is not as it should be loses its row, so that it
// is copied again; its bytes stay for collection.
func (c *copier) look(ctx context.Context) error {
	c.Progress.Stage("looking at earlier bytes")
	var earlier registry.Tally
	err := c.to.Meta.View(ctx, func(tx registry.Tx) (err error) {
		earlier, err = tx.CountBlobs()
		return err
	})
	if err != nil {
		return err
	}
	c.needCheck(earlier.Bytes)
	return c.each(ctx, BlobsOf(ctx, c.to.Meta), func(ctx context.Context, blob registry.Blob) error {
		err := c.check(ctx, blob)
		var broken *brokenError
		if !errors.As(err, &broken) {
			return err
		}
		c.tally.add(&c.report.Broken, blob)
		return c.to.Meta.Update(ctx, func(tx registry.Tx) error { return tx.DeleteBlob(blob.Digest) })
	})
}

// each calls do with every blob, several at once. After the first error no other blob begins.
func (c *copier) each(ctx context.Context, blobs iter.Seq2[registry.Blob, error], do func(context.Context, registry.Blob) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan registry.Blob)
	var workers sync.WaitGroup
	for range max(1, c.Parallel) {
		workers.Go(func() {
			for blob := range queue {
				if err := do(ctx, blob); err != nil {
					cancel(err)
				}
			}
		})
	}
	feed(ctx, cancel, blobs, queue)
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

func feed(ctx context.Context, cancel context.CancelCauseFunc, blobs iter.Seq2[registry.Blob, error], queue chan<- registry.Blob) {
	for blob, err := range blobs {
		if err != nil {
			cancel(err)
			return
		}
		select {
		case queue <- blob:
		case <-ctx.Done():
			return
		}
	}
}

// copyBlob brings the bytes of one blob to the target, under a locator of their own: there, too, a locator is never used
// twice. Its steps:
//
//  1. bytes, hashed as they pass     crash: bytes without a row, for collection
//  2. a look at them                 crash: the same
//  3. the row                        crash after: nothing to repair
func (c *copier) copyBlob(ctx context.Context, blob registry.Blob) error {
	locator, err := c.copyBytes(ctx, blob)
	if err != nil {
		return fmt.Errorf("copy %s: %w", blob.Digest, err)
	}
	copied := registry.Blob{Digest: blob.Digest, Size: blob.Size, Locator: locator, CreatedAt: blob.CreatedAt}
	if err := c.check(ctx, copied); err != nil {
		return err
	}
	if err := c.to.Meta.Update(ctx, func(tx registry.Tx) error { return tx.InsertBlob(copied) }); err != nil {
		return err
	}
	c.tally.add(&c.report.Copied, blob)
	return nil
}

func (c *copier) copyBytes(ctx context.Context, blob registry.Blob) (locator string, err error) {
	stored, err := c.from.Blobs.Open(ctx, blob.Locator)
	if errors.Is(err, registry.ErrAbsent) {
		return "", fmt.Errorf("%w: run openecr verify on the source", err)
	}
	if err != nil {
		return "", err
	}
	defer stored.Close()
	sum := blob.Digest.Algorithm().New()
	locator, size, err := c.to.Blobs.Put(ctx, registry.NewLocator(), io.TeeReader(&pacedReader{ctx, stored, c}, sum))
	if err != nil {
		return "", err
	}
	if got := ref.NewDigest(blob.Digest.Algorithm(), sum.Sum(nil)); got != blob.Digest || size != blob.Size {
		_ = c.to.Blobs.Delete(context.WithoutCancel(ctx), locator) // else collected
		return "", fmt.Errorf("the source holds %d bytes of %s instead of %d: run openecr verify on it", size, got, blob.Size)
	}
	return locator, nil
}

// brokenError is bytes at the target that are not those of their row.
type brokenError struct {
	blob registry.Blob
	why  string
}

func (e *brokenError) Error() string {
	return fmt.Sprintf("the target does not hold %s as it was copied: %s", e.blob.Digest, e.why)
}

// needCheck counts bytes that check will read.
func (c *copier) needCheck(n int64) {
	if c.Whole {
		c.Progress.Need(n)
	}
}

// check looks at bytes of the target: at their size, or at all of them. It is a brokenError when they are wrong.
func (c *copier) check(ctx context.Context, blob registry.Blob) error {
	stored, err := c.to.Blobs.Open(ctx, blob.Locator)
	if errors.Is(err, registry.ErrAbsent) {
		return &brokenError{blob, "nothing is stored"}
	}
	if err != nil {
		return err
	}
	defer stored.Close()
	size, err := stored.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size != blob.Size {
		return &brokenError{blob, fmt.Sprintf("%d bytes instead of %d", size, blob.Size)}
	}
	if !c.Whole {
		return nil
	}
	if _, err := stored.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := blob.Digest.Algorithm().New()
	if _, err := io.Copy(sum, &pacedReader{ctx, stored, c}); err != nil {
		return err
	}
	if got := ref.NewDigest(blob.Digest.Algorithm(), sum.Sum(nil)); got != blob.Digest {
		return &brokenError{blob, "their digest is " + got.String()}
	}
	return nil
}

// tally counts for workers that run at once.
type tally struct{ mu sync.Mutex }

func (t *tally) add(to *registry.Tally, blob registry.Blob) {
	t.mu.Lock()
	defer t.mu.Unlock()
	to.Count++
	to.Bytes += blob.Size
}
