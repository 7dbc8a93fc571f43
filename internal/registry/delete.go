package registry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/openecr/openecr/internal/ref"
)

// Why an image was not deleted (ImageFailureCode in the API model).
const (
	FailureInvalidDigest     = "InvalidImageDigest"
	FailureTagDoesNotMatch   = "ImageTagDoesNotMatchDigest"
	FailureNotFound          = "ImageNotFound"
	FailureMissingID         = "MissingDigestAndTag"
	FailureReferencedByIndex = "ImageReferencedByManifestList"
)

// ImageFailure says why one image of a batch was not deleted.
type ImageFailure struct {
	ID     ImageID
	Code   string
	Reason string
}

// anyDigest is what the API accepts as a digest before it looks for an image.
var anyDigest = regexp.MustCompile(`^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$`)

// DeleteImages deletes tags and images: a tag alone, and with its last tag the image; a digest alone, the image with all
// its tags. All ids are understood as the repository was before the call, so their order does not matter, and an index
// may be deleted together with its images. An image that an index lists stays as long as the index does.
//
// Order of effects: see updateRepository. Layers that lose their last image are promised for a while in the same
// transaction; collection removes them later, bytes last.
//
// The answer has one id for each tag that went, and one with the digest only for an image that had no tag.
func (r *Registry) DeleteImages(ctx context.Context, c Caller, p Path, ids []ImageID) ([]ImageID, []ImageFailure, error) {
	p = p.own(c)
	deleted, failures, err := r.deleteImages(ctx, c, p, ids)
	r.noteDeletion(c, p, ids, deleted, failures, err)
	return deleted, failures, err
}

func (r *Registry) deleteImages(ctx context.Context, c Caller, p Path, ids []ImageID) ([]ImageID, []ImageFailure, error) {
	var deleted []ImageID
	var failures []ImageFailure
	err := r.updateRepository(ctx, c, "BatchDeleteImage", p, func(tx Tx, repo Repository) error {
		d := deletion{tx: tx, repo: repo}
		if err := d.plan(ids); err != nil {
			return err
		}
		if err := d.keepReferenced(); err != nil {
			return err
		}
		if err := d.carryOut(r); err != nil {
			return err
		}
		if err := d.announce(r, c); err != nil {
			return err
		}
		if err := listDeleted(tx, repo, d.goneTags()); err != nil {
			return err
		}
		deleted, failures = d.deleted, d.failures
		return nil
	})
	return deleted, failures, err
}

// deletion is one DeleteImages at work.
type deletion struct {
	tx       Tx
	repo     Repository
	targets  []*target
	deleted  []ImageID
	failures []ImageFailure
}

// target is an image that the call names, in whatever way.
type target struct {
	image ref.Digest
	tags  []ref.Tag // all it has
	going []ref.Tag // those that go
	whole bool      // the image goes too
	ids   []ImageID // what named it
}

func (d *deletion) fail(id ImageID, code, reason string) {
	d.failures = append(d.failures, ImageFailure{id, code, reason})
}

// plan finds out what each id means.
func (d *deletion) plan(ids []ImageID) error {
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		if err := d.planOne(id); err != nil {
			return err
		}
	}
	for _, t := range d.targets {
		t.whole = t.whole || len(t.going) == len(t.tags)
		if t.whole {
			t.going = t.tags
		}
	}
	return nil
}

func (d *deletion) planOne(id ImageID) error {
	switch {
	case id == ImageID{}:
		d.fail(id, FailureMissingID, "Invalid request parameters: both tag and digest cannot be null")
		return nil
	case id.Digest != "" && !anyDigest.MatchString(id.Digest):
		d.fail(id, FailureInvalidDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
		return nil
	}
	digest, err := d.resolve(id)
	if err != nil || digest.IsZero() {
		return err
	}
	t, err := d.target(digest)
	if err != nil {
		return err
	}
	if t == nil {
		d.fail(id, FailureNotFound, "Requested image not found")
		return nil
	}
	t.ids = append(t.ids, id)
	if id.Tag == "" {
		t.whole = true
	} else if tag := ref.Tag(id.Tag); !slices.Contains(t.going, tag) {
		t.going = append(t.going, tag)
	}
	return nil
}

// resolve is the digest that an id means, zero when it failed.
func (d *deletion) resolve(id ImageID) (ref.Digest, error) {
	named, parseErr := ref.ParseDigest(id.Digest)
	if id.Tag == "" {
		if parseErr != nil { // a digest no image can have
			d.fail(id, FailureNotFound, "Requested image not found")
		}
		return named, nil
	}
	tag, err := d.tx.Tag(d.repo.ID, ref.Tag(id.Tag))
	switch {
	case errors.Is(err, ErrAbsent):
		d.fail(id, FailureNotFound, "Requested image not found")
		return ref.Digest{}, nil
	case err != nil:
		return ref.Digest{}, err
	case id.Digest != "" && tag.Image != named:
		d.fail(id, FailureTagDoesNotMatch, "Invalid request parameters: given tag does not map to the given digest")
		return ref.Digest{}, nil
	}
	return tag.Image, nil
}

// target finds or makes the target of an image, nil when the repository does not have it.
func (d *deletion) target(image ref.Digest) (*target, error) {
	if i := slices.IndexFunc(d.targets, func(t *target) bool { return t.image == image }); i >= 0 {
		return d.targets[i], nil
	}
	images, err := d.tx.ImagesByDigest(d.repo.ID, []ref.Digest{image})
	if err != nil || len(images) == 0 {
		return nil, err
	}
	tags, err := d.tx.TagsOf(d.repo.ID, []ref.Digest{image})
	if err != nil {
		return nil, err
	}
	t := &target{image: image}
	for _, tag := range tags {
		t.tags = append(t.tags, tag.Name)
	}
	d.targets = append(d.targets, t)
	return t, nil
}

// keepReferenced takes out the images that an index lists which does not go itself. It repeats until nothing changes,
// because an index that stays holds its own images in turn.
func (d *deletion) keepReferenced() error {
	for {
		kept := -1
		var holders []ref.Digest
		for i, t := range d.targets {
			parents, err := d.stayingParents(t)
			if err != nil {
				return err
			}
			if t.whole && len(parents) > 0 {
				kept, holders = i, parents
				break
			}
		}
		if kept < 0 {
			return nil
		}
		for _, id := range d.targets[kept].ids {
			d.fail(id, FailureReferencedByIndex, "Requested image referenced by manifest list: "+digestList(holders))
		}
		d.targets = slices.Delete(d.targets, kept, kept+1)
	}
}

// stayingParents are the indexes that list the image and are not deleted with it.
func (d *deletion) stayingParents(t *target) ([]ref.Digest, error) {
	parents, err := d.tx.ImageParents(d.repo.ID, t.image)
	return slices.DeleteFunc(parents, func(parent ref.Digest) bool {
		return slices.ContainsFunc(d.targets, func(other *target) bool { return other.whole && other.image == parent })
	}), err
}

// announce tells of each image that has lost something.
func (d *deletion) announce(r *Registry, c Caller) error {
	for _, t := range d.targets {
		event := EventTagDeleted
		if t.whole {
			event = EventImageDeleted
		}
		if err := r.announce(d.tx, c, event, d.repo, deletedEvent(t.image, t.going)); err != nil {
			return err
		}
	}
	return nil
}

// goneTags are all tags that were deleted.
func (d *deletion) goneTags() []ref.Tag {
	var gone []ref.Tag
	for _, id := range d.deleted {
		if id.Tag != "" {
			gone = append(gone, ref.Tag(id.Tag))
		}
	}
	return gone
}

// carryOut deletes what is left of the plan. An image goes only once its parents are gone, so the loop goes round until
// all have: content addresses cannot form a circle, so every round deletes at least one.
func (d *deletion) carryOut(r *Registry) error {
	waiting := d.targets
	for len(waiting) > 0 {
		var later []*target
		for _, t := range waiting {
			parents, err := d.tx.ImageParents(d.repo.ID, t.image)
			if err != nil {
				return err
			}
			if t.whole && len(parents) > 0 {
				later = append(later, t)
				continue
			}
			if err := d.delete(r, t); err != nil {
				return err
			}
		}
		if len(later) == len(waiting) {
			return fmt.Errorf("delete images: %d of them list each other", len(later)) // or the writer would spin
		}
		waiting = later
	}
	return nil
}

func (d *deletion) delete(r *Registry, t *target) error {
	for _, tag := range t.going {
		d.deleted = append(d.deleted, ImageID{t.image.String(), string(tag)})
		if t.whole {
			continue
		}
		if err := d.tx.DeleteTag(d.repo.ID, tag); err != nil {
			return err
		}
	}
	if !t.whole {
		return nil
	}
	if len(t.going) == 0 {
		d.deleted = append(d.deleted, ImageID{Digest: t.image.String()})
	}
	return d.tx.DeleteImage(d.repo.ID, t.image, r.promise())
}
