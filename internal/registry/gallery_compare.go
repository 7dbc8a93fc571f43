package registry

import (
	"context"

	"github.com/openecr/openecr/internal/ref"
)

// CompareImages says what changes from one image of a repository to another. Two indexes, or an index and an image, have
// no layers in common: compare the images that they list. Kinds as of ImagePage.
func (r *Registry) CompareImages(ctx context.Context, p Path, from, to ImageID) (Comparison, error) {
	a, err := r.ImagePage(ctx, p, from)
	if err != nil {
		return Comparison{}, err
	}
	b, err := r.ImagePage(ctx, p, to)
	if err != nil {
		return Comparison{}, err
	}
	return compare(a, b), nil
}

func compare(from, to ImagePage) Comparison {
	c := Comparison{From: from, To: to}
	has, hadIn := layerSet(from), layerSet(to)
	for _, l := range to.Layers {
		if has[l.Digest] {
			c.Shared = append(c.Shared, l)
		} else {
			c.Added = append(c.Added, l)
		}
	}
	for _, l := range from.Layers {
		if !hadIn[l.Digest] {
			c.Removed = append(c.Removed, l)
		}
	}
	fetched := make(map[ref.Digest]bool)
	for _, l := range to.named() {
		if !has[l.Digest] && !fetched[l.Digest] {
			fetched[l.Digest] = true
			c.Fetch += l.Size
		}
	}
	return c
}

// named are the config and layers that the manifest names.
func (page ImagePage) named() []Descriptor {
	var all []Descriptor
	if len(page.Image.Layers) > 0 {
		all = append(all, page.Image.Layers[0])
	}
	for _, l := range page.Layers {
		all = append(all, l.Descriptor)
	}
	return all
}

func layerSet(page ImagePage) map[ref.Digest]bool {
	set := make(map[ref.Digest]bool)
	for _, d := range page.named() {
		set[d.Digest] = true
	}
	return set
}
