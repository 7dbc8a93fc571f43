package registrytest

import (
	"context"
	"errors"
	"slices"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testRepository(t *metaTest) {
	t.twoAccounts()
	description := "what it is: \"quoted\", <html>, \x00 and é"
	for name, p := range map[ref.RepositoryName]registry.Repository{
		"bare":  {},
		"empty": {Catalog: registry.Catalog{Description: new(string), Architectures: []string{}}, Tags: []registry.ResourceTag{}},
		"full": {
			Catalog: registry.Catalog{Description: &description, OperatingSystems: []string{"Linux", "Windows"}},
			Tags:    []registry.ResourceTag{{Key: "team", Value: "a"}, {Key: "b", Value: ""}},
		},
	} {
		get := func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(aliasA), name) }
		absent(t, "before it is made", get)
		p.Account, p.Name, p.CreatedAt = accountA, name, at(3)
		want := p
		p.ID, p.Alias = 99, "other" // both are ignored
		t.update(func(tx registry.Tx) (err error) {
			want.ID, err = tx.InsertRepository(p)
			return err
		})
		t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
			_, err := tx.InsertRepository(p)
			return err
		})
		t.restart()
		want.Alias = aliasA
		t.equal("repository", read(t, get), want)
	}
	t.refused("an account that is absent", nil, func(tx registry.Tx) error {
		_, err := tx.InsertRepository(registry.Repository{Account: "999999999999", Name: "app"})
		return err
	})
}

func testRepositoryByEveryAlias(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountB, "app")
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertAlias(registry.Alias{Name: "a2", Account: accountA, CreatedAt: at(3)}) },
			func() error { return tx.InsertAccount(registry.Account{ID: accountC, CreatedAt: at(3)}) },
			func() error { return tx.InsertAlias(registry.Alias{Name: "c1", Account: accountC, Default: true}) },
			func() error { return tx.InsertAlias(registry.Alias{Name: "c2", Account: accountC, Primary: true}) },
		)
	})
	third := t.repository(accountC, "app")
	for registryName, want := range map[string]registry.Repository{
		string(aliasA):   {ID: id, Account: accountA, Alias: aliasA},
		string(accountA): {ID: id, Account: accountA, Alias: aliasA},
		"a2":             {ID: id, Account: accountA, Alias: aliasA}, // it shows the primary alias
		string(aliasB):   {ID: other, Account: accountB, Alias: aliasB},
		string(accountB): {ID: other, Account: accountB, Alias: aliasB},
		"c1":             {ID: third, Account: accountC, Alias: "c2"},
		"c2":             {ID: third, Account: accountC, Alias: "c2"},
	} {
		want.Name, want.CreatedAt = "app", at(2)
		got := read(t, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(registryName, "app") })
		t.equal("by "+registryName, got, want)
	}
	for _, registryName := range []string{"nobody", "999999999999", ""} {
		absent(t, "by "+registryName, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(registryName, "app") })
	}
}

func testRepositoriesInPages(t *metaTest) {
	t.twoAccounts()
	names := []ref.RepositoryName{"aa", "a_b", "a0", "a/b", "a.b", "a-b", "b1", "00", "a/b/c", "a/b-c"}
	for _, name := range names {
		t.repository(accountA, name)
	}
	t.repository(accountB, "a1")
	slices.Sort(names) // by bytes
	for _, size := range []int{1, 3, len(names), 100} {
		list := pages(t, size, func(tx registry.Tx, last *registry.Repository, n int) ([]registry.Repository, error) {
			after := ref.RepositoryName("")
			if last != nil {
				after = last.Name
			}
			return tx.Repositories(accountA, after, n)
		})
		var got []ref.RepositoryName
		for _, p := range list {
			got = append(got, p.Name)
			t.equal("the alias of a listed repository", p.Alias, aliasA)
		}
		t.equal("names in order", got, names)
	}
}

func testRepositoryDeletedWithContents(t *metaTest) {
	id := t.oneRepository()
	kept := t.repository(accountA, "kept")
	layers := t.layers(id, 3)
	t.layer(kept, layers[0].Digest)
	child := t.image(id, "child", layers)
	index := t.image(id, "index", nil, child.Digest)
	outer := t.image(id, "outer index", nil, index.Digest, child.Digest)
	keptImage := t.image(kept, "child", layers[:1])
	t.update(func(tx registry.Tx) error {
		return do(
			func() error {
				return tx.PutTag(id, registry.Tag{Name: "latest", Image: outer.Digest, CreatedAt: at(5)})
			},
			func() error {
				return tx.PutTag(kept, registry.Tag{Name: "latest", Image: keptImage.Digest, CreatedAt: at(5)})
			},
			func() error { return tx.InsertUpload(registry.Upload{ID: "u1", Repository: id, Locator: "l1"}) },
			func() error { return tx.InsertUpload(registry.Upload{ID: "u2", Repository: kept, Locator: "l2"}) },
		)
	})
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteRepository(id) })
	t.restart()
	absent(t, "repository", func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(aliasA), "app") })
	absent(t, "layer", func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(id, layers[0].Digest) })
	absent(t, "image", func(tx registry.Tx) (registry.Image, error) { return tx.Image(id, child.Digest) })
	absent(t, "tag", func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(id, "latest") })
	absent(t, "upload", func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u1") })
	read(t, func(tx registry.Tx) (registry.Blob, error) { return tx.Blob(layers[2].Digest) }) // stays until collected
	read(t, func(tx registry.Tx) (registry.Layer, error) { return tx.Layer(kept, layers[0].Digest) })
	read(t, func(tx registry.Tx) (registry.Image, error) { return tx.Image(kept, keptImage.Digest) })
	read(t, func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(kept, "latest") })
	read(t, func(tx registry.Tx) (registry.Upload, error) { return tx.Upload("u2") })
}

func testRepositoryIDNeverReused(t *metaTest) {
	t.twoAccounts()
	seen := make(map[int64]bool)
	for range 3 {
		id := t.repository(accountA, "app")
		if seen[id] {
			t.Fatalf("id %d was that of a repository that is deleted", id)
		}
		seen[id] = true
		t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
		t.restart()
	}
}

// Clients may ask for anything.
func testTextThatNoRowHas(t *metaTest) {
	id := t.oneRepository()
	for _, text := range []string{"app\x00", "\xff"} {
		absent(t, "a registry", func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(text, "app") })
		absent(t, "a tag", func(tx registry.Tx) (registry.Tag, error) { return tx.Tag(id, ref.Tag(text)) })
		absent(t, "what is read next", func(tx registry.Tx) (registry.Upload, error) {
			_, err := tx.Upload(text)
			if !errors.Is(err, registry.ErrAbsent) {
				return registry.Upload{}, err
			}
			_, err = tx.Repositories(accountA, "", 1)
			return registry.Upload{}, errors.Join(err, registry.ErrAbsent)
		})
		if _, _, err := t.meta.FindLayers(context.Background(), text, "app", nil); !errors.Is(err, registry.ErrAbsent) {
			t.Errorf("FindLayers: error %v, want ErrAbsent", err)
		}
	}
}

// Languages put lower case beside upper case and overlook punctuation; page tokens do not.
func testNamesInByteOrder(t *metaTest) {
	id := t.oneRepository()
	i := t.image(id, "image", nil)
	tags := []ref.Tag{"B", "Ba", "_", "a", "a-c", "a.b", "aB", "a_a", "ab", "b"} // in order
	names := []ref.RepositoryName{"a-c", "a.b", "a/z", "a0", "a_a", "ab", "app"} // likewise
	t.update(func(tx registry.Tx) error {
		for _, tag := range slices.Backward(tags) {
			if err := tx.PutTag(id, registry.Tag{Name: tag, Image: i.Digest, CreatedAt: at(5)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, name := range names[:len(names)-1] {
		t.repository(accountA, name)
	}
	var gotTags []ref.Tag
	for _, tag := range pages(t, 1, func(tx registry.Tx, last *registry.Tag, n int) ([]registry.Tag, error) {
		after := ref.Tag("")
		if last != nil {
			after = last.Name
		}
		return tx.Tags(id, after, n)
	}) {
		gotTags = append(gotTags, tag.Name)
	}
	t.equal("tags", gotTags, tags)
	var gotNames []ref.RepositoryName
	for _, p := range read(t, func(tx registry.Tx) ([]registry.Repository, error) { return tx.Repositories(accountA, "", 100) }) {
		gotNames = append(gotNames, p.Name)
	}
	t.equal("repositories", gotNames, names)
}
