package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// markSetting is in the metadata of a target until the copy is whole. Its value says of which registry.
	markSetting = "unfinished-copy"
	// identitySetting is drawn at the first start of a registry and never changes.
	identitySetting = "token-key"
)

// ErrHalf is a store that is the target of a copy that has not come to its end.
var ErrHalf = errors.New("this store holds half of a registry: an openecr migrate, restore or backup into it was interrupted; run the same command again to finish it")

// CheckWhole is ErrHalf for such a store, which must not be served.
func CheckWhole(ctx context.Context, m registry.Meta) error {
	_, err := registry.FindSetting(ctx, m, markSetting)
	if errors.Is(err, registry.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	return ErrHalf
}

// Identity of the registry in a store: equal for copies of one registry and for nothing else.
func Identity(ctx context.Context, m registry.Meta) (string, error) {
	sealed, err := registry.FindSetting(ctx, m, identitySetting)
	if errors.Is(err, registry.ErrAbsent) {
		return "", errors.New("the source holds no registry: no openecr has served it")
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(sealed)
	return hex.EncodeToString(sum[:16]), nil
}

// claim marks the target. A target that was marked for the same registry is gone on with; one that holds anything else
// is refused before anything in it changes.
func (c *copier) claim(ctx context.Context) error {
	if err := CheckWhole(ctx, c.from.Meta); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	identity, err := Identity(ctx, c.from.Meta)
	if err != nil {
		return err
	}
	mark, err := registry.FindSetting(ctx, c.to.Meta, markSetting)
	switch {
	case err == nil && string(mark) == identity:
		return c.seed(ctx)
	case err == nil:
		return errors.New("the target is half of a copy of another registry: finish that one, or choose an empty target")
	case !errors.Is(err, registry.ErrAbsent):
		return err
	}
	if err := c.to.Meta.View(ctx, checkNoRows); err != nil {
		return err
	}
	if err := c.checkNoBytes(ctx); err != nil {
		return err
	}
	err = c.to.Meta.Update(ctx, func(tx registry.Tx) error {
		if err := checkNoRows(tx); err != nil {
			return err
		}
		return tx.InsertSetting(markSetting, []byte(identity))
	})
	if err != nil {
		return err
	}
	return c.seed(ctx)
}

// checkNoBytes protects the bytes of another registry: as no row of the target names them, collection would take them.
func (c *copier) checkNoBytes(ctx context.Context) error {
	if c.Known != nil {
		return nil
	}
	for stored, err := range c.to.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		return fmt.Errorf("the target must be empty and holds bytes already (%s): choose another place for them, or remove what is there", stored.Locator)
	}
	return nil
}

func checkNoRows(tx registry.Tx) error {
	blobs, err := tx.BlobsAfter(ref.Digest{}, 1)
	if err != nil {
		return err
	}
	if len(blobs) > 0 {
		return errNotEmpty("blob")
	}
	tables, err := tx.Tables()
	if err != nil {
		return err
	}
	for _, table := range tables {
		n, err := tx.CountRows(table)
		if err != nil {
			return err
		}
		if n > 0 {
			return errNotEmpty(table.Name)
		}
	}
	return nil
}

func errNotEmpty(table string) error {
	return fmt.Errorf("the target must be empty and holds a registry already (table %s has rows): choose another one", table)
}

// seed takes over the journal of an earlier copy whose bytes are here.
func (c *copier) seed(ctx context.Context) error {
	if c.Known == nil {
		return nil
	}
	var batch []registry.Blob
	insert := func() error {
		err := c.to.Meta.Update(ctx, func(tx registry.Tx) error { return insertBlobs(tx, batch) })
		batch = batch[:0]
		return err
	}
	for blob, err := range missing(BlobsOf(ctx, c.Known), BlobsOf(ctx, c.to.Meta)) {
		if err != nil {
			return err
		}
		if batch = append(batch, blob); len(batch) == blobsPerPage {
			if err := insert(); err != nil {
				return err
			}
		}
	}
	return insert()
}

func insertBlobs(tx registry.Tx, blobs []registry.Blob) error {
	for _, blob := range blobs {
		if err := tx.InsertBlob(blob); err != nil {
			return err
		}
	}
	return nil
}
