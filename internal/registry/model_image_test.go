package registry_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

type modelImage struct {
	*modelManifest
	digest   ref.Digest
	held     []ref.Digest // layers
	size     int64
	pushedAt time.Time
}

// row is the image as lists show it.
func (i *modelImage) row() registry.Image {
	image := registry.Image{Digest: i.digest, MediaType: i.mediaType, ArtifactType: i.artifactType, Size: i.size, PushedAt: i.pushedAt, Subject: i.subject}
	if i.config != nil {
		image.ArtifactMediaType = i.config.MediaType
		image.ArtifactType = cmp.Or(i.artifactType, i.config.MediaType)
	}
	return image
}

// whole is the image with its manifest.
func (i *modelImage) whole() registry.Image {
	image := i.row()
	image.Manifest = []byte(i.text)
	return image
}

func plainImage(i registry.Image) registry.Image {
	i.Layers, i.Children, i.Absent = nil, nil, nil
	return i
}

// references says whether an image has the layer.
func (r *modelRepository) references(d ref.Digest) bool {
	for _, i := range r.images {
		if slices.Contains(i.held, d) {
			return true
		}
	}
	return false
}

// listedBy are the indexes that list the image.
func (r *modelRepository) listedBy(d ref.Digest) []ref.Digest {
	var parents []ref.Digest
	for _, i := range r.images {
		if slices.Contains(i.children, d) {
			parents = append(parents, i.digest)
		}
	}
	return parents
}

func (r *modelRepository) tagsOf(d ref.Digest) []ref.Tag {
	var tags []ref.Tag
	for _, t := range r.tags {
		if t.Image == d {
			tags = append(tags, t.Name)
		}
	}
	slices.Sort(tags)
	return tags
}

func (m *model) putImage(c registry.Caller, p registry.Path, mf *modelManifest, n registry.NewImage) (*modelImage, error) {
	if slices.Contains(n.Tags, badTag) {
		return nil, refusal(registry.InvalidParameter)
	}
	if !mf.accepts(n.MediaType) {
		return nil, refusal(registry.InvalidManifest)
	}
	d, err := mf.digest(n.Digest)
	if err != nil {
		return nil, err
	}
	repo, err := m.open(c, "PutImage", p)
	if err != nil {
		return nil, err
	}
	image, there := repo.images[d]
	if !there {
		image = &modelImage{modelManifest: mf, digest: d, pushedAt: m.now()}
		if err := repo.fits(image); err != nil {
			return nil, err
		}
		if len(repo.images) >= m.limits.ImagesPerRepository {
			return nil, refusal(registry.LimitExceeded)
		}
	}
	tags := slices.DeleteFunc(slices.Clone(n.Tags), func(s string) bool { return there && repo.tags[ref.Tag(s)].Image == d })
	if there && len(tags) == 0 {
		return nil, refusal(registry.ImageAlreadyExists)
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > 0 && len(repo.tagsOf(d))+len(tags) > m.limits.TagsPerImage {
		return nil, refusal(registry.LimitExceeded)
	}
	repo.images[d] = image
	for _, t := range tags {
		repo.tags[ref.Tag(t)] = registry.Tag{Name: ref.Tag(t), Image: d, CreatedAt: m.now()}
	}
	if !there {
		repo.nameLayers(image)
	}
	return image, nil
}

// accepts says whether the manifest can be read as the media type that is stated beside it.
func (mf *modelManifest) accepts(stated string) bool {
	if mf.broken {
		return false
	}
	return stated == mf.mediaType || stated == "" && !mf.unnamed
}

func (mf *modelManifest) digest(expected string) (ref.Digest, error) {
	for _, algorithm := range []ref.Algorithm{ref.SHA256, ref.SHA512} {
		if d := ref.DigestBytes(algorithm, []byte(mf.text)); expected == "" || expected == d.String() {
			return d, nil
		}
	}
	return ref.Digest{}, refusal(registry.ImageDigestDoesNotMatch)
}

// named are the layers of the manifest with the config, each once and by its first description; those that may be
// elsewhere come last.
func (mf *modelManifest) named() []registry.Descriptor {
	if mf.config == nil {
		return nil
	}
	all := append([]registry.Descriptor{*mf.config}, mf.layers...)
	slices.SortStableFunc(all, func(a, b registry.Descriptor) int {
		return strings.Compare(mayBeElsewhere(a), mayBeElsewhere(b))
	})
	var once []registry.Descriptor
	for _, l := range all {
		if !slices.ContainsFunc(once, func(o registry.Descriptor) bool { return o.Digest == l.Digest }) {
			once = append(once, l)
		}
	}
	return once
}

func mayBeElsewhere(l registry.Descriptor) string {
	if l.MediaType == foreignLayer {
		return "yes"
	}
	return "no"
}

// fits checks that all is there, and weighs it.
func (r *modelRepository) fits(i *modelImage) error {
	for _, l := range i.named() {
		stored := r.layers[l.Digest]
		if stored == nil && l.MediaType == foreignLayer {
			continue
		}
		if stored == nil {
			return refusal(registry.LayersNotFound)
		}
		i.held = append(i.held, l.Digest)
		i.size += stored.size
	}
	for _, d := range i.children {
		child := r.images[d]
		if child == nil {
			return refusal(registry.ReferencedImagesNotFound)
		}
		i.size = max(i.size, child.size)
	}
	return nil
}

// nameLayers gives the layers the media type that the newest manifest states.
func (r *modelRepository) nameLayers(i *modelImage) {
	for _, l := range i.named() {
		if slices.Contains(i.held, l.Digest) {
			r.layers[l.Digest].mediaType = l.MediaType
		}
	}
}

// PutImage puts what is often not complete, stated otherwise or expected to be something else.
func (m *machine) PutImage(t *rapid.T) {
	c, p := m.call(t)
	mf := anyManifest(t)
	n := registry.NewImage{Manifest: []byte(mf.text), Tags: tagsToPut(t)}
	n.MediaType = pick(t, "stated", mf.mediaType, mf.mediaType, "", ociIndex, dockerManifest)
	n.Digest = pick(t, "expected", "", "", "", sum(mf.text).String(), ref.DigestBytes(ref.SHA512, []byte(mf.text)).String(), sum("else").String(), "none")
	if mf.unnamed && n.MediaType == ociIndex {
		n.MediaType = ""
	}
	m.put(t, c, p, mf, n)
}

func (m *machine) put(t *rapid.T, c registry.Caller, p registry.Path, mf *modelManifest, n registry.NewImage) {
	got, gotErr := m.registry.PutImage(t.Context(), c, p, n)
	image, wantErr := m.model.putImage(c, p, mf, n)
	var want registry.Image
	if wantErr == nil {
		want = image.whole()
	}
	agree(t, "PutImage", plainImage(got), gotErr, want, wantErr)
}

// PushImage pushes an image with its layers, or an index with its images.
func (m *machine) PushImage(t *rapid.T) {
	c, p := m.call(t)
	m.pushImage(t, c, p, anyManifest(t), tagsToPut(t))
}

func (m *machine) pushImage(t *rapid.T, c registry.Caller, p registry.Path, mf *modelManifest, tags []string) {
	for _, content := range contents {
		for _, algorithm := range []ref.Algorithm{ref.SHA256, ref.SHA512} {
			d := ref.DigestBytes(algorithm, []byte(content))
			if slices.ContainsFunc(mf.named(), func(l registry.Descriptor) bool { return l.Digest == d }) {
				m.push(t, c, p, algorithm, content)
			}
		}
	}
	for _, d := range mf.children {
		child := manifests[slices.IndexFunc(manifests, func(mf *modelManifest) bool { return sum(mf.text) == d })]
		m.pushImage(t, c, p, child, nil)
	}
	m.put(t, c, p, mf, registry.NewImage{Manifest: []byte(mf.text), MediaType: mf.mediaType, Tags: tags})
}

// image is the one that an id means.
func (r *modelRepository) image(id registry.ImageID) (*modelImage, error) {
	for d, i := range r.images {
		byTag := id.Tag != "" && r.tags[ref.Tag(id.Tag)].Image == d
		byDigest := id.Digest == d.String()
		if byTag && byDigest || byTag && id.Digest == "" || byDigest && id.Tag == "" {
			return i, nil
		}
	}
	return nil, refusal(registry.ImageNotFound)
}

// FindImage is what a pull asks.
func (m *machine) FindImage(t *rapid.T) {
	p := m.path(t)
	id := m.imageID(t, nobody, p)
	got, gotErr := m.registry.FindImage(t.Context(), p, id)
	var want registry.Image
	repo, wantErr := m.model.find(p)
	if wantErr == nil {
		var image *modelImage
		if image, wantErr = repo.image(id); wantErr == nil {
			want = image.whole()
		}
	}
	agree(t, "FindImage", plainImage(got), gotErr, want, wantErr)
}

// DescribeImages asks for named ones.
func (m *machine) DescribeImages(t *rapid.T) {
	c, p := m.call(t)
	ids := m.imageIDs(t, c, p, 3)
	got, gotErr := m.registry.DescribeImages(t.Context(), c, p, ids)
	want, wantErr := m.model.describeImages(c, p, ids)
	agree(t, "DescribeImages", got, gotErr, want, wantErr)
}

func (m *model) describeImages(c registry.Caller, p registry.Path, ids []registry.ImageID) ([]registry.ImageDetail, error) {
	repo, err := m.open(c, "DescribeImages", p)
	if err != nil {
		return nil, err
	}
	var details []registry.ImageDetail
	for _, id := range ids {
		i, err := repo.image(id)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(details, func(d registry.ImageDetail) bool { return d.Digest == i.digest }) {
			details = append(details, registry.ImageDetail{Image: i.row(), Tags: repo.tagsOf(i.digest)})
		}
	}
	return details, nil
}
