package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// ImageID names an image as a caller does: by digest, by tag, or by both. Both are as they were sent.
type ImageID struct {
	Digest string
	Tag    string
}

// NewImage is an image to be put. MediaType, Tags and Digest may be empty: the manifest then names its type itself, the
// image is pushed by digest only, and any digest is right.
type NewImage struct {
	Manifest  []byte
	MediaType string
	Tags      []string
	Digest    string
}

// PutImage makes an image visible, or sets further tags on one that is there. Its layers and children must be in the
// repository: that is checked in the transaction that makes the image visible, the commit point of a push, and held by
// foreign keys after it (invariant 3).
//
// Order of effects: see updateRepository. A crash before the commit leaves layers without an image, kept as long as they
// were promised.
//
// A tag that was on another image moves. When nothing would change, the image comes back with an error of kind
// ImageAlreadyExists.
func (r *Registry) PutImage(ctx context.Context, c Caller, p Path, n NewImage) (Image, error) {
	p = p.own(c)
	image, err := r.putImage(ctx, c, p, n)
	r.note(c, EventPush, p, n.String(), err)
	return image, err
}

// String names the image as whoever pushes it does: by its tags, or by its digest.
func (n NewImage) String() string {
	return cmp.Or(strings.Join(n.Tags, ", "), n.Digest)
}

func (r *Registry) putImage(ctx context.Context, c Caller, p Path, n NewImage) (Image, error) {
	tags, err := n.tags()
	if err != nil {
		return Image{}, err
	}
	m, err := parseManifest(n.Manifest, n.MediaType)
	if err != nil {
		return Image{}, err
	}
	digest, err := n.digest(p)
	if err != nil {
		return Image{}, err
	}
	face := r.readFace(ctx, p, m, digest, n.Manifest)
	var image Image
	var repository int64
	put := func(tx Tx, repo Repository) error {
		found, err := tx.Image(repo.ID, digest)
		if errors.Is(err, ErrAbsent) {
			found, err = r.insertImage(tx, repo, p, m, face, Image{Digest: digest, Manifest: n.Manifest, PushedAt: r.now()})
		} else if err == nil {
			err = checkNewTags(tx, repo, p, found, tags)
		}
		image, repository = found, repo.ID
		if err != nil {
			return err
		}
		fresh, err := r.putTags(tx, repo, p, digest, tags)
		if err != nil {
			return err
		}
		if err := r.announce(tx, c, EventImagePushed, repo, pushedEvent(image, tags)); err != nil {
			return err
		}
		return r.listPushed(tx, repo, face.Traits, fresh)
	}
	err = settle(func(again bool) error {
		err := r.updateRepository(ctx, c, "PutImage", p, put)
		if again && KindOf(err) == ImageAlreadyExists {
			return nil
		}
		return err
	})
	if err != nil {
		return image, err
	}
	r.cache.dropLayers(repository, image.Layers)
	r.observe.ImagePushed()
	return image, nil
}

func (n NewImage) tags() ([]ref.Tag, error) {
	tags := make([]ref.Tag, len(n.Tags))
	for i, s := range n.Tags {
		var err error
		if tags[i], err = ref.ParseTag(s); err != nil {
			return nil, invalid("imageTag", "must satisfy regular expression '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}'")
		}
	}
	return tags, nil
}

// putTags leaves tags alone that are on the image already: they keep the time at which they were set. It returns those
// that the repository did not have.
func (r *Registry) putTags(tx Tx, repo Repository, p Path, image ref.Digest, tags []ref.Tag) (fresh []ref.Tag, err error) {
	for _, tag := range tags {
		current, err := tx.Tag(repo.ID, tag)
		if errors.Is(err, ErrAbsent) {
			fresh = append(fresh, tag)
		} else if err != nil {
			return nil, err
		}
		if current.Image == image {
			continue
		}
		if err := tx.PutTag(repo.ID, Tag{Name: tag, Image: image, CreatedAt: r.now()}); err != nil {
			return nil, err
		}
		if err := r.checkImageTags(tx, repo, p, image, tag); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func isTagged(tx Tx, repo Repository, image ref.Digest, tag ref.Tag) (bool, error) {
	current, err := tx.Tag(repo.ID, tag)
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return current.Image == image, err
}

// digest of the manifest's exact bytes, under the algorithm that the caller expects.
func (n NewImage) digest(p Path) (ref.Digest, error) {
	if n.Digest == "" {
		return ref.DigestBytes(ref.SHA256, n.Manifest), nil
	}
	want, err := ref.ParseDigest(n.Digest)
	if err == nil && want == ref.DigestBytes(want.Algorithm(), n.Manifest) {
		return want, nil
	}
	return ref.Digest{}, errorf(ImageDigestDoesNotMatch, "The image with digest '%s' in repository '%s' and registry ID '%s' does not match the image digest that Amazon ECR has calculated.", n.Digest, p.Name, p.Registry)
}

// checkNewTags lets an image that is there be put again only when it lacks one of the tags.
func checkNewTags(tx Tx, repo Repository, p Path, image Image, tags []ref.Tag) error {
	for _, tag := range tags {
		if there, err := isTagged(tx, repo, image.Digest, tag); err != nil || !there {
			return err
		}
	}
	first := "null"
	if len(tags) > 0 {
		first = string(tags[0])
	}
	return errorf(ImageAlreadyExists, "Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'", image.Digest, first, p.Name, p.Registry)
}

// insertImage fills in what the manifest says and what its layers weigh.
func (r *Registry) insertImage(tx Tx, repo Repository, p Path, m manifest, f Face, i Image) (Image, error) {
	i.MediaType, i.ArtifactMediaType, i.ArtifactType = m.mediaType, m.artifactMediaType, m.artifactType
	i.Subject, i.Children = m.subject, m.children
	var err error
	if i.Layers, i.Size, err = heldLayers(tx, repo, p, m); err != nil {
		return Image{}, err
	}
	i.Absent = slices.DeleteFunc(slices.Clone(m.foreign), func(f Descriptor) bool {
		return slices.ContainsFunc(i.Layers, func(l Descriptor) bool { return l.Digest == f.Digest })
	})
	if len(m.children) > 0 {
		if i.Size, err = largestChild(tx, repo, p, m.children); err != nil {
			return Image{}, err
		}
	}
	if err := tx.InsertImage(repo.ID, i); err != nil {
		return Image{}, err
	}
	if err := tx.PutFace(repo.ID, f); err != nil {
		return Image{}, err
	}
	return i, r.checkImages(tx, repo, p)
}

// heldLayers are the layers that the image will hold, with the sum of their stored sizes. Every one must be there but
// the foreign ones, which are held only when somebody pushed them all the same.
func heldLayers(tx Tx, repo Repository, p Path, m manifest) ([]Descriptor, int64, error) {
	named := slices.Concat(m.layers, m.foreign)
	digests := make([]ref.Digest, len(named))
	for i, l := range named {
		digests[i] = l.Digest
	}
	present, err := tx.Layers(repo.ID, digests)
	if err != nil {
		return nil, 0, err
	}
	sizes := make(map[ref.Digest]int64, len(present))
	for _, l := range present {
		sizes[l.Digest] = l.Size
	}
	var held []Descriptor
	var missing []ref.Digest
	var total int64
	for i, l := range named {
		size, ok := sizes[l.Digest]
		switch {
		case ok:
			held = append(held, l)
			total += size
			delete(sizes, l.Digest) // a foreign layer that is named twice is held once
		case i < len(m.layers):
			missing = append(missing, l.Digest)
		}
	}
	if len(missing) > 0 {
		return nil, 0, errorf(LayersNotFound, "Layers with digests '%s' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", digestList(missing), p.Name, p.Registry)
	}
	return held, total, nil
}

// largestChild is the size of an index as the API defines it.
func largestChild(tx Tx, repo Repository, p Path, children []ref.Digest) (int64, error) {
	images, err := tx.ImagesByDigest(repo.ID, children)
	if err != nil {
		return 0, err
	}
	var largest int64
	found := make(map[ref.Digest]bool, len(images))
	for _, i := range images {
		largest = max(largest, i.Size)
		found[i.Digest] = true
	}
	missing := slices.DeleteFunc(slices.Clone(children), func(d ref.Digest) bool { return found[d] })
	if len(missing) > 0 {
		return 0, errorf(ReferencedImagesNotFound, "Images with digests '%s' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", digestList(missing), p.Name, p.Registry)
	}
	return largest, nil
}

// FindImage reads an image with its manifest, by tag or by digest. Everybody may.
func (r *Registry) FindImage(ctx context.Context, p Path, id ImageID) (Image, error) {
	image, _, err := findImage(ctx, r.meta.View, p, id)
	return image, err
}

// PullImage is FindImage for a pull, and counts it as a download: where the store has copies, a tag may lead to the image
// it led to a moment ago. The manifest may be shared: it is only read.
func (r *Registry) PullImage(ctx context.Context, p Path, id ImageID) (Image, error) {
	now := r.now()
	image, repository, ok := r.images.find(p, id, now)
	var err error
	if !ok {
		epoch := r.images.epoch()
		if image, repository, err = findImage(ctx, r.meta.ViewStale, p, id); err == nil {
			r.images.add(epoch, p, repository, id, image, now)
		}
	}
	if err == nil {
		r.downloads.add(repository, ref.Tag(id.Tag), dayOf(now), 1)
	}
	return image, err
}

func findImage(ctx context.Context, view func(context.Context, func(Tx) error) error, p Path, id ImageID) (image Image, repository int64, err error) {
	err = view(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		digest, err := resolveImage(tx, repo, p, id)
		if err != nil {
			return err
		}
		image, err = tx.Image(repo.ID, digest)
		repository = repo.ID
		if errors.Is(err, ErrAbsent) {
			return imageNotFound(p, id)
		}
		return err
	})
	if err != nil && KindOf(err) == Internal {
		return Image{}, 0, fmt.Errorf("find image: %w", err)
	}
	return image, repository, err
}

// resolveImage finds the digest that an id means. Whether there is such an image remains to be seen when the id is a
// digest alone.
func resolveImage(tx Tx, repo Repository, p Path, id ImageID) (ref.Digest, error) {
	var named ref.Digest
	if id.Digest != "" {
		var err error
		if named, err = ref.ParseDigest(id.Digest); err != nil {
			return ref.Digest{}, imageNotFound(p, id)
		}
	}
	if id.Tag == "" {
		return named, nil
	}
	tag, err := tx.Tag(repo.ID, ref.Tag(id.Tag))
	if errors.Is(err, ErrAbsent) || err == nil && !named.IsZero() && tag.Image != named {
		return ref.Digest{}, imageNotFound(p, id)
	}
	return tag.Image, err
}
