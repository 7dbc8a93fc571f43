package registry

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// Repair moves broken rows into quarantine, each in one transaction that sees for itself that the row is still there. The
// registry then says that the thing is absent, so that clients push it again; images that lost a layer get it back by
// that, like one that named the layer before it came.

// These are the rows as quarantine keeps them.
type (
	lostBlob struct {
		Digest    string    `json:"digest"`
		Size      int64     `json:"size"`
		Locator   string    `json:"locator"`
		CreatedAt time.Time `json:"createdAt"`
	}
	lostLayer struct {
		Repository int64     `json:"repository"`
		Digest     string    `json:"digest"`
		Size       int64     `json:"size"`
		MediaType  string    `json:"mediaType"`
		KeepUntil  time.Time `json:"keepUntil,omitzero"`
	}
	lostImage struct {
		Repository int64     `json:"repository"`
		Digest     string    `json:"digest"`
		MediaType  string    `json:"mediaType"`
		Manifest   []byte    `json:"manifest"`
		PushedAt   time.Time `json:"pushedAt"`
	}
	lostTag struct {
		Repository int64     `json:"repository"`
		Name       ref.Tag   `json:"name"`
		Image      string    `json:"image"`
		CreatedAt  time.Time `json:"createdAt"`
	}
)

// quarantine keeps a row of one of these types.
func (r *Registry) quarantine(tx Tx, kind, locator string, row any, why string) error {
	content, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return tx.InsertQuarantined(Quarantined{Kind: kind, Locator: locator, Row: content, Why: why, At: r.now()})
}

// quarantineBlob takes the blob with the layers of all repositories that share it.
func (r *Registry) quarantineBlob(ctx context.Context, b Blob, why string) (bool, error) {
	var holders []int64
	done, err := r.repair(ctx, func(tx Tx) (bool, error) {
		now, err := tx.Blob(b.Digest)
		if err != nil || now.Locator != b.Locator {
			return false, err
		}
		if holders, err = tx.Holders(b.Digest); err != nil {
			return false, err
		}
		for _, repository := range holders {
			if err := r.loseLayer(tx, repository, b.Digest, why); err != nil {
				return false, err
			}
		}
		row := lostBlob{b.Digest.String(), b.Size, b.Locator, b.CreatedAt}
		if err := r.quarantine(tx, "blob", b.Locator, row, why); err != nil {
			return false, err
		}
		return true, tx.DeleteBlob(b.Digest)
	})
	for _, repository := range holders {
		r.cache.dropLayers(repository, []Descriptor{{Digest: b.Digest}})
	}
	return done, err
}

func (r *Registry) quarantineLayer(ctx context.Context, repository int64, l Layer, why string) (bool, error) {
	done, err := r.repair(ctx, func(tx Tx) (bool, error) {
		now, err := tx.Layer(repository, l.Digest)
		if err != nil || now.Size != l.Size {
			return false, err
		}
		return true, r.loseLayer(tx, repository, l.Digest, why)
	})
	r.cache.dropLayers(repository, []Descriptor{{Digest: l.Digest}})
	return done, err
}

func (r *Registry) loseLayer(tx Tx, repository int64, d ref.Digest, why string) error {
	l, err := tx.Layer(repository, d)
	if err != nil {
		return err
	}
	row := lostLayer{repository, d.String(), l.Size, l.MediaType, l.KeepUntil}
	if err := r.quarantine(tx, "layer", "", row, why); err != nil {
		return err
	}
	return tx.LoseLayer(repository, d)
}

// quarantineImage takes the image with its tags. One that an index lists stays: the index would be broken without it.
func (r *Registry) quarantineImage(ctx context.Context, repository int64, d ref.Digest, why string) (bool, error) {
	return r.repair(ctx, func(tx Tx) (bool, error) {
		image, err := tx.Image(repository, d)
		if err != nil {
			return false, err
		}
		if parents, err := tx.ImageParents(repository, d); err != nil || len(parents) > 0 {
			return false, err
		}
		tags, err := tx.TagsOf(repository, []ref.Digest{d})
		if err != nil {
			return false, err
		}
		for _, t := range tags {
			if err := r.loseTag(tx, repository, t, why); err != nil {
				return false, err
			}
		}
		row := lostImage{repository, d.String(), image.MediaType, image.Manifest, image.PushedAt}
		if err := r.quarantine(tx, "image", "", row, why); err != nil {
			return false, err
		}
		if err := tx.DeleteImage(repository, d, r.promise()); err != nil {
			return false, err
		}
		return true, relistID(tx, repository)
	})
}

func (r *Registry) quarantineTag(ctx context.Context, repository int64, t Tag, why string) (bool, error) {
	return r.repair(ctx, func(tx Tx) (bool, error) {
		now, err := tx.Tag(repository, t.Name)
		if err != nil || now.Image != t.Image {
			return false, err
		}
		if err := r.loseTag(tx, repository, t, why); err != nil {
			return false, err
		}
		return true, relistID(tx, repository)
	})
}

func (r *Registry) loseTag(tx Tx, repository int64, t Tag, why string) error {
	row := lostTag{repository, t.Name, t.Image.String(), t.CreatedAt}
	if err := r.quarantine(tx, "tag", "", row, why); err != nil {
		return err
	}
	return tx.DeleteTag(repository, t.Name)
}

// repair runs fn, which is false when the row is no longer what was found broken; so is a row that is gone.
func (r *Registry) repair(ctx context.Context, fn func(Tx) (bool, error)) (bool, error) {
	var done bool
	err := r.meta.Update(ctx, func(tx Tx) (err error) {
		done, err = fn(tx)
		return err
	})
	r.images.dropAll()
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return done && err == nil, err
}
