package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/openecr/openecr/internal/ref"
)

// maxUnread is how many blobs in a row may be unreadable before the whole store is taken for it.
const maxUnread = 10

func (v *verification) stored(ctx context.Context) error {
	var after ref.Digest
	for n := verifyPage; n == verifyPage; {
		var page []Blob
		err := v.meta.View(ctx, func(tx Tx) (err error) {
			page, err = tx.BlobsAfter(after, verifyPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, b := range page {
			after = b.Digest
			if err := v.blob(ctx, b); err != nil {
				return err
			}
			v.done.Blobs.add(b.Size)
			v.rules.Progress(v.done)
		}
		n = len(page)
	}
	return nil
}

func (v *verification) blob(ctx context.Context, b Blob) error {
	problem, err := v.bytesProblem(ctx, b)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		v.unreadIn = 0
		if problem == "" {
			return nil
		}
	}
	holders, current, viewErr := v.holders(ctx, b)
	if viewErr != nil || !current {
		return viewErr // collected since its page was read
	}
	f := Fault{Kind: "blob", Digest: b.Digest.String(), Repositories: holders, Problem: problem}
	if err != nil {
		f.Problem, f.Unread = fmt.Sprintf("its bytes cannot be read: %v", err), true
		if v.unreadIn++; v.unreadIn == maxUnread {
			return fmt.Errorf("%d blobs in a row cannot be read, the last because: %w", maxUnread, err)
		}
		return v.fault(ctx, f, nil)
	}
	return v.fault(ctx, f, func(ctx context.Context, f Fault) (bool, error) { return v.quarantineBlob(ctx, b, f.Problem) })
}

// holders are some of the repositories that need the blob, and whether its row still is what it was.
func (v *verification) holders(ctx context.Context, b Blob) (names []string, current bool, err error) {
	err = v.meta.View(ctx, func(tx Tx) error {
		now, err := tx.Blob(b.Digest)
		if current = err == nil && now.Locator == b.Locator; !current {
			if errors.Is(err, ErrAbsent) {
				err = nil
			}
			return err
		}
		ids, err := tx.Holders(b.Digest)
		const few = 10
		for _, id := range ids[:min(len(ids), few)] {
			if name, ok := v.names[id]; ok {
				names = append(names, name)
			}
		}
		return err
	})
	return names, current, err
}

// bytesProblem is empty for a blob whose bytes are good. An error means that they could not be looked at.
func (v *verification) bytesProblem(ctx context.Context, b Blob) (string, error) {
	content, err := v.blobs.Open(ctx, b.Locator)
	if errors.Is(err, ErrAbsent) {
		return "its bytes are gone", nil
	}
	if err != nil {
		return "", err
	}
	defer content.Close()
	size, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	if size != b.Size {
		return fmt.Sprintf("%d bytes are stored instead of %d", size, b.Size), nil
	}
	if rand.Float64() >= v.rules.Sample {
		return "", nil
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := b.Digest.Algorithm().New()
	if err := v.read(ctx, h, content); err != nil {
		return "", err
	}
	v.done.Read.Count++
	if got := ref.NewDigest(b.Digest.Algorithm(), h.Sum(nil)); got != b.Digest {
		return fmt.Sprintf("its bytes have the digest %s", got), nil
	}
	return "", nil
}

// read copies at the pace of the rules, counting.
func (v *verification) read(ctx context.Context, to io.Writer, from io.Reader) error {
	buf := make([]byte, 256<<10)
	for {
		n, err := from.Read(buf)
		v.done.Read.Bytes += int64(n)
		_, _ = to.Write(buf[:n]) // a hash takes everything
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := v.pace(ctx, n); err != nil {
			return err
		}
		v.rules.Progress(v.done)
	}
}
