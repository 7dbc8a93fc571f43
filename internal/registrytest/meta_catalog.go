package registrytest

import (
	"fmt"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testRepositoryUpdated(t *metaTest) {
	id := t.oneRepository()
	other := t.repository(accountA, "other")
	usage := "é \x00 <b>"
	want := registry.Repository{
		ID: id, Account: accountA, Alias: aliasA, Name: "app", CreatedAt: at(2),
		Catalog: registry.Catalog{Usage: &usage, Logo: "some-id"},
		Policy:  "{\n  \"é\" : \"\\u0000\"\n}",
		Tags:    []registry.ResourceTag{{Key: "k", Value: "v"}},
	}
	changed := want
	changed.Account, changed.Name, changed.CreatedAt = accountB, "renamed", at(9) // none of these ever changes
	t.update(func(tx registry.Tx) error { return tx.UpdateRepository(changed) })
	t.restart()
	get := func(name ref.RepositoryName) registry.Repository {
		return read(t, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(accountA), name) })
	}
	t.equal("the repository", get("app"), want)
	t.equal("another", get("other"), registry.Repository{ID: other, Account: accountA, Alias: aliasA, Name: "other", CreatedAt: at(2)})
	t.refused("absent", registry.ErrAbsent, func(tx registry.Tx) error {
		return tx.UpdateRepository(registry.Repository{ID: id + other + 1})
	})
}

func testRepositoriesCounted(t *metaTest) {
	t.twoAccounts()
	for i := range 5 {
		t.repository(accountA, ref.RepositoryName(fmt.Sprint("app", i)))
	}
	t.repository(accountB, "app")
	for account, want := range map[ref.AccountID]int{accountA: 5, accountB: 1, accountC: 0} {
		got := read(t, func(tx registry.Tx) (int, error) { return tx.CountRepositories(account, 100) })
		t.equal("repositories of "+string(account), got, want)
	}
	if got := read(t, func(tx registry.Tx) (int, error) { return tx.CountRepositories(accountA, 3) }); got < 3 {
		t.Errorf("counted %d of 5 up to 3", got)
	}
}

func testProfile(t *metaTest) {
	t.twoAccounts()
	get := func() registry.Profile {
		return read(t, func(tx registry.Tx) (registry.Profile, error) { return tx.Profile(accountA) })
	}
	t.equal("before anything is said", get(), registry.Profile{})
	name := "Alice & Söhne\t"
	for _, want := range []registry.Profile{
		{DisplayName: &name, Tags: []registry.ResourceTag{{Key: "k", Value: ""}}},
		{DisplayName: new(string)},
		{},
	} {
		t.update(func(tx registry.Tx) error { return tx.PutProfile(accountA, want) })
		t.restart()
		t.equal("registry data", get(), want)
	}
	t.refused("an account that is absent", nil, func(tx registry.Tx) error {
		return tx.PutProfile(accountC, registry.Profile{})
	})
}

func testLogos(t *metaTest) {
	id := t.oneRepository()
	get := func(tx registry.Tx) ([]byte, error) { return tx.Logo("one") }
	absent(t, "before it is kept", get)
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertLogo("one", id, []byte{0, 1, 0xff}) },
			func() error { return tx.InsertLogo("two", id, []byte("two")) },
		)
	})
	t.refused("kept again", registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertLogo("one", id, []byte("other")) })
	t.restart()
	t.equal("logo", read(t, get), []byte{0, 1, 0xff})
	t.update(func(tx registry.Tx) error { return tx.DeleteLogo("one") })
	t.refused("deleted again", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteLogo("one") })
	absent(t, "deleted", get)
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
	absent(t, "deleted with its repository", func(tx registry.Tx) ([]byte, error) { return tx.Logo("two") })
}
