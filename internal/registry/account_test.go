package registry_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

// emptyMeta is a store in which nobody has an account.
func emptyMeta(t *testing.T) *flakyMeta {
	t.Helper()
	store, err := sqlmeta.Open(context.Background(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &flakyMeta{Meta: store}
}

func TestEnsureRootMakesItOnce(t *testing.T) {
	meta := emptyMeta(t)
	if _, _, err := registry.FindRoot(t.Context(), meta); !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("root of an empty store: %v", err)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC)
	r := registry.New(registry.Config{Meta: meta, Now: func() time.Time { return now }})
	root := registry.Root{Account: "123456789012", Alias: "a1b2c3d4", Key: registry.AccessKey{ID: "KEY1", Account: "123456789012", SealedSecret: []byte("first")}}
	made := now.Truncate(time.Millisecond)
	for range 2 {
		if err := r.EnsureRoot(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		account, alias, err := registry.FindRoot(t.Context(), meta)
		if account != root.Account || alias != root.Alias || err != nil {
			t.Errorf("root is %s, %s, %v", account, alias, err)
		}
		key, err := r.AccessKey(t.Context(), "KEY1")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "key", key, registry.AccessKey{ID: "KEY1", Account: root.Account, SealedSecret: []byte("first"), CreatedAt: made})
		now = now.Add(time.Hour)
		root.Key.SealedSecret = []byte("offered later")
	}
	root.Key.ID = "KEY2"
	if err := r.EnsureRoot(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if _, err := r.AccessKey(t.Context(), "KEY2"); err != nil {
		t.Errorf("second key: %v", err)
	}
	detail, err := r.DescribeRegistry(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "registry", detail.Aliases, []registry.Alias{{Name: root.Alias, Account: root.Account, Default: true, Primary: true, CreatedAt: made}})
	equal(t, "address", r.RegistryURI(root.Alias), "/a1b2c3d4")
}

func TestEnsureRootRefusesDataOfAnother(t *testing.T) {
	f := newFixture(t)
	f.must(f.meta.Update(t.Context(), func(tx registry.Tx) error {
		return tx.InsertAccessKey(registry.AccessKey{ID: "THEIRS", Account: stranger.Account, SealedSecret: []byte("sealed"), CreatedAt: f.now()})
	}))
	for _, c := range []struct {
		name string
		root registry.Root
		text string
	}{
		{"account", registry.Root{Account: "999999999999", Alias: ownerAlias}, "this data belongs to account 123456789012, not 999999999999: start with that account id or on other data"},
		{"alias", registry.Root{Account: owner.Account, Alias: "other"}, "account 123456789012 has the default alias a1b2c3d4, not other: start with that alias or on other data"},
		{"key", registry.Root{Account: owner.Account, Alias: ownerAlias, Key: registry.AccessKey{ID: "THEIRS", Account: owner.Account}}, "access key THEIRS belongs to account 210987654321, not 123456789012: choose another key id"},
	} {
		err := f.registry.EnsureRoot(t.Context(), c.root)
		if err == nil || err.Error() != c.text {
			t.Errorf("%s: error %v, want %s", c.name, err, c.text)
		}
	}
	account, alias, err := registry.FindRoot(t.Context(), f.meta)
	f.must(err)
	equal(t, "account", account, owner.Account)
	equal(t, "alias", alias, ownerAlias)
	key, err := f.registry.AccessKey(t.Context(), "THEIRS")
	f.must(err)
	equal(t, "owner of the key", key.Account, stranger.Account)
	if _, err := f.registry.AccessKey(t.Context(), "NONE"); !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("unknown key: %v", err)
	}
}

func TestFirstSettingIsKept(t *testing.T) {
	meta := emptyMeta(t)
	if _, err := registry.FindSetting(t.Context(), meta, "key"); !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("setting that nobody made: %v", err)
	}
	for _, offer := range []string{"first", "second"} {
		kept, err := registry.EnsureSetting(t.Context(), meta, "key", []byte(offer))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "setting after an offer of "+offer, string(kept), "first")
	}
	found, err := registry.FindSetting(t.Context(), meta, "key")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "setting", string(found), "first")
}

func TestAccountOf(t *testing.T) {
	f := newFixture(t)
	for name, want := range map[string]ref.AccountID{
		"": owner.Account, "123456789012": owner.Account, "z9y8x7w6": stranger.Account, "999999999999": "999999999999",
	} {
		got, err := f.registry.AccountOf(t.Context(), owner, name)
		f.must(err)
		equal(t, "account of "+name, got, want)
	}
	_, err := f.registry.AccountOf(t.Context(), owner, "nosuchalias")
	f.refused(err, registry.RegistryNotFound, "The registry with id 'nosuchalias' does not exist")
}

func TestAliasesComePrimaryFirst(t *testing.T) {
	f := newFixture(t)
	f.must(f.meta.Update(t.Context(), func(tx registry.Tx) error {
		return errors.Join(
			tx.InsertAlias(registry.Alias{Name: "zz", Account: owner.Account}),
			tx.InsertAlias(registry.Alias{Name: "aa", Account: owner.Account}),
		)
	}))
	detail, err := f.registry.DescribeRegistry(t.Context(), owner)
	f.must(err)
	var names []ref.Alias
	for _, a := range detail.Aliases {
		names = append(names, a.Name)
	}
	equal(t, "aliases", names, []ref.Alias{ownerAlias, "aa", "zz"})
	equal(t, "account", detail.ID, owner.Account)
}
