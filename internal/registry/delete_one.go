package registry

import (
	"context"
	"errors"

	"github.com/openecr/openecr/internal/ref"
)

// What the registry wire deletes, one thing at a time. IAM has one action for deleting content, so all of it is
// BatchDeleteImage. The order of effects is that of updateRepository; bytes stay for collection.

// DeleteTag deletes a tag alone. Unlike DeleteImages it keeps an image whose last tag it was.
func (r *Registry) DeleteTag(ctx context.Context, c Caller, p Path, tag ref.Tag) error {
	p = p.own(c)
	err := r.updateRepository(ctx, c, "BatchDeleteImage", p, func(tx Tx, repo Repository) error {
		was, err := tx.Tag(repo.ID, tag)
		if errors.Is(err, ErrAbsent) {
			return imageNotFound(p, ImageID{Tag: string(tag)})
		}
		if err != nil {
			return err
		}
		if err := tx.DeleteTag(repo.ID, tag); err != nil {
			return err
		}
		if err := r.announce(tx, c, EventTagDeleted, repo, deletedEvent(was.Image, []ref.Tag{tag})); err != nil {
			return err
		}
		return listDeleted(tx, repo, []ref.Tag{tag})
	})
	r.note(c, EventDelete, p, string(tag), err)
	return err
}

// DeleteImage deletes an image with all its tags. One that an index lists stays as long as the index does; the images
// whose subject it is stay too.
func (r *Registry) DeleteImage(ctx context.Context, c Caller, p Path, d ref.Digest) error {
	p = p.own(c)
	err := r.updateRepository(ctx, c, "BatchDeleteImage", p, func(tx Tx, repo Repository) error {
		parents, err := tx.ImageParents(repo.ID, d)
		if err != nil {
			return err
		}
		if len(parents) > 0 {
			return errorf(Referenced, "The image with digest %s is listed by %s: delete these first", d, digestList(parents))
		}
		tags, err := tx.TagsOf(repo.ID, []ref.Digest{d})
		if err != nil {
			return err
		}
		err = tx.DeleteImage(repo.ID, d, r.promise())
		if errors.Is(err, ErrAbsent) {
			return imageNotFound(p, ImageID{Digest: d.String()})
		}
		if err != nil {
			return err
		}
		gone := make([]ref.Tag, len(tags))
		for i, tag := range tags {
			gone[i] = tag.Name
		}
		if err := r.announce(tx, c, EventImageDeleted, repo, deletedEvent(d, gone)); err != nil {
			return err
		}
		return listDeleted(tx, repo, gone)
	})
	r.note(c, EventDelete, p, d.String(), err)
	return err
}

// DeleteLayer takes a layer from the repository before its lease ends, which only the owner can want. One that an image
// references stays.
func (r *Registry) DeleteLayer(ctx context.Context, c Caller, p Path, d ref.Digest) error {
	p = p.own(c)
	var repository int64
	err := r.updateRepository(ctx, c, "BatchDeleteImage", p, func(tx Tx, repo Repository) error {
		layer, err := tx.Layer(repo.ID, d)
		if errors.Is(err, ErrAbsent) {
			return layerNotFound(p, d)
		}
		if err != nil {
			return err
		}
		if layer.KeepUntil.IsZero() {
			return errorf(Referenced, "The layer with digest %s belongs to an image of the repository: delete every image that has it first", d)
		}
		repository = repo.ID
		return tx.DeleteLayer(repo.ID, d)
	})
	r.note(c, EventDelete, p, d.String(), err)
	r.cache.dropLayers(repository, []Descriptor{{Digest: d}}) // also after an error, which may come after the commit
	return err
}
