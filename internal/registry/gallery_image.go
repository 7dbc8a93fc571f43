package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openecr/openecr/internal/ref"
)

const (
	// maxSharedLayers is for how many layers of an image it is looked up which others have them: more than builds make.
	maxSharedLayers = 200
	// maxSharedCount is where counting them stops.
	maxSharedCount = 1000
)

// ImagePage is all that can be read of one image. Kind ImageNotFound, and those of RepositoryPage.
func (r *Registry) ImagePage(ctx context.Context, p Path, id ImageID) (ImagePage, error) {
	var page ImagePage
	err := r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		page, err = r.imagePage(tx, repo, p, id)
		return err
	})
	if err != nil && KindOf(err) == Internal {
		return ImagePage{}, fmt.Errorf("image page: %w", err)
	}
	if err != nil || !isImageConfig(page.Image.ArtifactMediaType) || len(page.Image.Layers) == 0 {
		return page, err
	}
	// A config that cannot be read was pushed so, or was lost; either way the rest of the page stands.
	if config, err := r.readConfig(ctx, p, page.Image.Layers[0].Digest); err == nil {
		page.Config = &config
		for i, command := range config.commands(len(page.Layers)) {
			page.Layers[i].Command = command
		}
	}
	return page, nil
}

func (r *Registry) imagePage(tx Tx, repo Repository, p Path, id ImageID) (ImagePage, error) {
	digest, err := resolveImage(tx, repo, p, id)
	if err != nil {
		return ImagePage{}, err
	}
	page := ImagePage{URI: r.URI(repo)}
	if page.Image, err = tx.Image(repo.ID, digest); errors.Is(err, ErrAbsent) {
		return ImagePage{}, imageNotFound(p, id)
	} else if err != nil {
		return ImagePage{}, err
	}
	if err := page.readManifest(); err != nil {
		return ImagePage{}, fmt.Errorf("manifest %s is no longer what was accepted: %w", digest, err)
	}
	if page.Repository, err = r.listingOf(tx, repo); err != nil {
		return ImagePage{}, err
	}
	for _, read := range []func(Tx, Repository) error{page.readTags, page.readFaces, page.readShared, page.readAttached} {
		if err := read(tx, repo); err != nil {
			return ImagePage{}, err
		}
	}
	page.Parents, err = tx.ImageParents(repo.ID, digest)
	return page, err
}

// readManifest fills in what the manifest itself says.
func (page *ImagePage) readManifest() error {
	m, err := parseManifest(page.Image.Manifest, page.Image.MediaType)
	if err != nil {
		return err
	}
	page.Image.Layers = m.layers
	var o object
	if err := json.Unmarshal(page.Image.Manifest, &o); err != nil {
		return err
	}
	if err := o.read("annotations", &page.Annotations); err != nil {
		return err
	}
	// As listed, so a layer that comes twice comes twice: the history speaks of it twice too.
	layers, err := o.descriptors("layers")
	if err != nil {
		return err
	}
	for _, l := range layers {
		page.Layers = append(page.Layers, ImageLayer{Descriptor: l})
	}
	page.Platforms, err = indexPlatforms(page.Image.Manifest)
	return err
}

func (page *ImagePage) readTags(tx Tx, repo Repository) error {
	tags, err := tx.TagsOf(repo.ID, []ref.Digest{page.Image.Digest})
	for _, t := range tags {
		page.Tags = append(page.Tags, t.Name)
	}
	if err == nil && len(page.Tags) > 0 {
		page.Downloads, err = tx.DownloadsOf(repo.ID, page.Tags)
	}
	return err
}

// readFaces says what the image and those that it lists are. An index need not name the platforms of its images.
func (page *ImagePage) readFaces(tx Tx, repo Repository) error {
	digests := []ref.Digest{page.Image.Digest}
	for _, item := range page.Platforms {
		digests = append(digests, item.Digest)
	}
	faces, err := facesOf(tx, repo, digests)
	if err != nil {
		return err
	}
	children, err := tx.ImagesByDigest(repo.ID, digests[1:])
	if err != nil {
		return err
	}
	byDigest := imagesByDigest(children)
	page.Kind = kindOf(faces, page.Image)
	for i := range page.Platforms {
		item := &page.Platforms[i]
		child := byDigest[item.Digest]
		item.Size = child.Size
		if item.Kind == KindImage {
			item.Kind = kindOf(faces, child)
		}
		if own := faces[item.Digest].Platforms; item.Platform == (Platform{}) && len(own) == 1 {
			item.Platform = own[0]
		}
	}
	return nil
}

// readShared finds the other images that have a layer.
func (page *ImagePage) readShared(tx Tx, repo Repository) error {
	others := make(map[ref.Digest]bool)
	for i := range page.Layers[:min(len(page.Layers), maxSharedLayers)] {
		l := &page.Layers[i]
		images, err := tx.ImagesWithLayer(repo.ID, l.Digest, MaxShared+1)
		if err != nil {
			return err
		}
		images = slices.DeleteFunc(images, func(d ref.Digest) bool { return d == page.Image.Digest })
		for _, d := range images[:min(len(images), MaxShared)] {
			others[d] = true
			l.Shared = append(l.Shared, SharedImage{Digest: d})
		}
		l.SharedTotal = len(images)
		if len(images) < MaxShared {
			continue
		}
		n, err := tx.CountImagesWithLayer(repo.ID, l.Digest, maxSharedCount)
		if err != nil {
			return err
		}
		l.SharedTotal = n - 1
	}
	return page.nameShared(tx, repo, slices.Collect(maps.Keys(others)))
}

func (page *ImagePage) nameShared(tx Tx, repo Repository, others []ref.Digest) error {
	if len(others) == 0 {
		return nil
	}
	tags, err := tx.TagsOf(repo.ID, others)
	if err != nil {
		return err
	}
	names := make(map[ref.Digest][]ref.Tag)
	for _, t := range tags {
		names[t.Image] = append(names[t.Image], t.Name)
	}
	for _, l := range page.Layers {
		for i := range l.Shared {
			l.Shared[i].Tags = names[l.Shared[i].Digest]
		}
	}
	return nil
}

// readAttached reads the manifests of what is said about the image, until that is enough for a page.
func (page *ImagePage) readAttached(tx Tx, repo Repository) error {
	attached, err := attachments(tx, repo, []ref.Digest{page.Image.Digest})
	if err != nil {
		return err
	}
	list := attached[page.Image.Digest]
	page.Attached = list[:min(len(list), maxReferrers)]
	size := 0
	for i := range page.Attached {
		if size >= maxReferrerAnnotations {
			break
		}
		a := &page.Attached[i]
		image, err := tx.Image(repo.ID, a.Digest)
		if err != nil {
			return err
		}
		size += len(image.Manifest)
		if err := a.readManifest(image.Manifest); err != nil {
			return fmt.Errorf("manifest %s is no longer what was accepted: %w", a.Digest, err)
		}
	}
	return nil
}

func (a *Attachment) readManifest(content []byte) error {
	var o object
	if err := json.Unmarshal(content, &o); err != nil {
		return err
	}
	var layers []object
	if err := errFirst(o.read("annotations", &a.Annotations), o.read("layers", &layers)); err != nil {
		return err
	}
	for _, l := range layers {
		var notes map[string]string
		if err := l.read("annotations", &notes); err != nil {
			continue // it was accepted so, and says nothing
		}
		for _, name := range []string{"in-toto.io/predicate-type", "predicateType"} {
			if predicate := notes[name]; predicate != "" && !slices.Contains(a.PredicateTypes, predicate) {
				a.PredicateTypes = append(a.PredicateTypes, predicate)
			}
		}
	}
	return nil
}
