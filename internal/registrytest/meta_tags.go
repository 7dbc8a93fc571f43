package registrytest

import (
	"slices"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testTags(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	a, b := t.image(id, "a", nil), t.image(id, "b", nil)
	elsewhere := t.image(other, "elsewhere", nil)
	get := func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(id, "latest") }
	absent(t, "before it is made", get)
	put := func(tag registry.Tag) func(registry.Tx) error {
		return func(tx registry.Tx) error { return tx.PutTag(id, tag) }
	}
	tag := registry.Tag{Name: "latest", Image: a.Digest, CreatedAt: at(5)}
	t.update(put(tag))
	t.equal("tag", read(t, get), tag)
	t.refused("to an image that is nowhere", nil, put(registry.Tag{Name: "latest", Image: sha256Of("nowhere"), CreatedAt: at(6)}))
	t.refused("to an image of another repository", nil, put(registry.Tag{Name: "latest", Image: elsewhere.Digest, CreatedAt: at(6)}))
	t.equal("tag", read(t, get), tag)
	tag.Image, tag.CreatedAt = b.Digest, at(7)
	t.update(put(tag))
	t.restart()
	t.equal("tag that moved", read(t, get), tag)
	absent(t, "in another repository", func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(other, "latest") })
	absent(t, "in capitals", func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(id, "LATEST") })
	t.update(func(tx registry.Tx) error { return tx.DeleteTag(id, "latest") })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteTag(id, "latest") })
	read(t, func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, b.Digest) }) // stays, untagged
}

func testTagsInPages(t *metaTest) {
	id := t.oneRepository()
	i := t.image(id, "image", nil)
	names := []ref.Tag{"a", "_", "A", "0", "a.b", "a-b", "a_b", "ab", "aB", "Z", "_a", "1.10", "1.9", "1-9"}
	t.update(func(tx registry.Tx) error {
		for _, name := range names {
			if err := tx.PutTag(id, registry.Tag{Name: name, Image: i.Digest, CreatedAt: at(5)}); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(names) // by bytes
	check := func(list []registry.Tag) {
		t.Helper()
		var got []ref.Tag
		for _, tag := range list {
			got = append(got, tag.Name)
		}
		t.equal("tags in order", got, names)
	}
	for _, size := range []int{1, 4, len(names), 100} {
		check(pages(t, size, func(tx registry.Tx, last *registry.Tag, n int) ([]registry.Tag, error) {
			after := ref.Tag("")
			if last != nil {
				after = last.Name
			}
			return tx.Tags(id, after, n)
		}))
	}
	check(read(t, func(tx registry.Tx) ([]registry.Tag, error) { return tx.Tags(id, "", 0) }))
}

func testTagsOf(t *metaTest) {
	id := t.oneRepository()
	a, b, c := t.image(id, "a", nil), t.image(id, "b", nil), t.image(id, "c", nil)
	tags := []registry.Tag{
		{Name: "1", Image: b.Digest, CreatedAt: at(5)},
		{Name: "2", Image: c.Digest, CreatedAt: at(5)},
		{Name: "3", Image: a.Digest, CreatedAt: at(5)},
		{Name: "B", Image: a.Digest, CreatedAt: at(5)},
		{Name: "a", Image: b.Digest, CreatedAt: at(5)},
	}
	t.update(func(tx registry.Tx) error {
		for _, tag := range tags {
			if err := tx.PutTag(id, tag); err != nil {
				return err
			}
		}
		return nil
	})
	got := read(t, func(tx registry.Tx) ([]registry.Tag, error) {
		return tx.TagsOf(id, []ref.Digest{b.Digest, a.Digest, a.Digest, sha256Of("nowhere")})
	})
	t.equal("tags of two images, by name", got, []registry.Tag{tags[0], tags[2], tags[3], tags[4]})
}
