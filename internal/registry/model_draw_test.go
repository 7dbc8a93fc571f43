package registry_test

import (
	"bytes"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// What sequences are made of. Most draws name what is there, so that calls get somewhere, and some do not.

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// chance is false in the shortest sequence.
func chance(t *rapid.T, label string, percent int) bool {
	return rapid.IntRange(0, 99).Draw(t, label) >= 100-percent
}

func anyCaller(t *rapid.T) registry.Caller {
	callers := map[string]registry.Caller{"owner": owner, "stranger": stranger, "nobody": nobody}
	return callers[pick(t, "caller", "owner", "owner", "stranger", "nobody")]
}

var names = []ref.RepositoryName{app.Name, "other", "third"}

func anyPath(t *rapid.T) registry.Path {
	return registry.Path{
		Registry: pick(t, "registry", string(owner.Account), string(ownerAlias), string(strangerAlias), "", "nowhere"),
		Name:     pick(t, "name", names...),
	}
}

// call is somebody who names a repository, mostly his own.
func (m *machine) call(t *rapid.T) (registry.Caller, registry.Path) {
	repos := slices.Concat(m.model.ownedBy(owner.Account), m.model.ownedBy(stranger.Account))
	if len(repos) == 0 || chance(t, "any path", 8) {
		return anyCaller(t), anyPath(t)
	}
	repo := repos[rapid.IntRange(0, len(repos)-1).Draw(t, "repository")]
	c := map[ref.AccountID]registry.Caller{owner.Account: owner, stranger.Account: stranger}[repo.Account]
	p := registry.Path{Registry: pick(t, "registry", "", string(repo.Account), string(repo.Alias)), Name: repo.Name}
	if chance(t, "any caller", 15) {
		c = anyCaller(t)
	}
	return c, p
}

func (m *machine) path(t *rapid.T) registry.Path {
	c, p := m.call(t)
	return own(c, p)
}

// contents are the bytes of layers, and of parts of layers.
var contents = []string{"a", "b", "ab", "ba", ""}

func anyDigest(t *rapid.T) ref.Digest {
	algorithm := pick(t, "algorithm", ref.SHA256, ref.SHA256, ref.SHA256, ref.SHA512)
	return ref.DigestBytes(algorithm, []byte(pick(t, "content", contents...)))
}

func compareDigests(a, b ref.Digest) int { return bytes.Compare(a.Key(), b.Key()) }

// among is one of the keys, or what otherwise says.
func among[V any](t *rapid.T, label string, all map[ref.Digest]V, otherwise func(*rapid.T) ref.Digest) ref.Digest {
	if len(all) == 0 || chance(t, "any "+label, 30) {
		return otherwise(t)
	}
	return pick(t, label, slices.SortedFunc(maps.Keys(all), compareDigests)...)
}

// layer is one that the repository may have.
func (m *machine) layer(t *rapid.T, c registry.Caller, p registry.Path) ref.Digest {
	return among(t, "layer", m.seen(c, p).layers, anyDigest)
}

// seen is the repository that a call names, an empty one when there is none.
func (m *machine) seen(c registry.Caller, p registry.Path) *modelRepository {
	repo, err := m.model.find(own(c, p))
	if err != nil {
		return &modelRepository{}
	}
	return repo
}

func anyManifest(t *rapid.T) *modelManifest {
	return manifests[rapid.IntRange(0, len(manifests)-1).Draw(t, "manifest")]
}

// image is the digest of one that the repository may have.
func (m *machine) image(t *rapid.T, c registry.Caller, p registry.Path) ref.Digest {
	return among(t, "image", m.seen(c, p).images, func(t *rapid.T) ref.Digest {
		return ref.DigestBytes(pick(t, "algorithm", ref.SHA256, ref.SHA512), []byte(anyManifest(t).text))
	})
}

const badTag = "-bad"

var imageTags = []string{"1", "2", "latest", "old"}

func tagsToPut(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.SampledFrom(slices.Concat(imageTags, imageTags, imageTags, []string{badTag})), 0, 3).Draw(t, "tags")
}

// imageID names an image by tag, digest or both, which may not fit together.
func (m *machine) imageID(t *rapid.T, c registry.Caller, p registry.Path) registry.ImageID {
	repo := m.seen(c, p)
	tag := pick(t, "tag", imageTags...)
	switch pick(t, "by", "tag", "tag", "digest", "digest", "both", "whatever") {
	case "tag":
		return registry.ImageID{Tag: tag}
	case "digest":
		return registry.ImageID{Digest: m.image(t, c, p).String()}
	case "both":
		if d := repo.tags[ref.Tag(tag)].Image; !d.IsZero() {
			return registry.ImageID{Digest: d.String(), Tag: tag}
		}
	}
	return registry.ImageID{
		Digest: pick(t, "digest", m.image(t, c, p).String(), "sha256:0", "none", ""),
		Tag:    pick(t, "tag", "", tag, "absent"),
	}
}

func (m *machine) imageIDs(t *rapid.T, c registry.Caller, p registry.Path, most int) []registry.ImageID {
	ids := make([]registry.ImageID, rapid.IntRange(1, most).Draw(t, "ids"))
	for i := range ids {
		ids[i] = m.imageID(t, c, p)
	}
	return ids
}

func resourceTags(t *rapid.T) []registry.ResourceTag {
	keys := slices.Repeat([]string{"team", "cost", "stage"}, 5)
	keys = rapid.SliceOfN(rapid.SampledFrom(append(keys, reservedKey)), 0, 3).Draw(t, "keys")
	var tags []registry.ResourceTag
	for _, key := range keys {
		tags = append(tags, registry.ResourceTag{Key: key, Value: pick(t, "value", "", "1", "2")})
	}
	return tags
}

const reservedKey = "AWS:own"
