package registrytest

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func testAccounts(t *metaTest) {
	get := func(tx registry.Tx) (registry.Account, error) { return tx.Account(accountA) }
	absent(t, "before it is made", get)
	want := registry.Account{ID: accountA, Verified: true, CreatedAt: at(0)}
	t.update(func(tx registry.Tx) error { return tx.InsertAccount(want) })
	t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
		return tx.InsertAccount(registry.Account{ID: accountA, CreatedAt: at(1)})
	})
	t.restart()
	got := read(t, get)
	t.equal("account", got, want)
	if zone := got.CreatedAt.Location().String(); zone != "UTC" {
		t.Errorf("times are in zone %s, want UTC", zone)
	}
}

func testAccountsChanged(t *metaTest) {
	t.twoAccounts()
	t.refused("an account that is absent", registry.ErrAbsent, func(tx registry.Tx) error {
		return tx.UpdateAccount(registry.Account{ID: accountC})
	})
	t.update(func(tx registry.Tx) error {
		return tx.UpdateAccount(registry.Account{ID: accountB, Disabled: true, CreatedAt: at(9)}) // which is not its to change
	})
	t.restart()
	t.equal("accounts by id", read(t, func(tx registry.Tx) ([]registry.Account, error) { return tx.Accounts() }), []registry.Account{
		{ID: accountA, CreatedAt: at(0)},
		{ID: accountB, Disabled: true, CreatedAt: at(1)},
	})
}

func testAccountDeleted(t *metaTest) {
	t.twoAccounts()
	t.repository(accountA, "app")
	t.update(func(tx registry.Tx) error {
		return do(
			func() error {
				return tx.InsertAccessKey(registry.AccessKey{ID: "AKIA1", Account: accountB, SealedSecret: []byte("s")})
			},
			func() error { return tx.PutProfile(accountB, registry.Profile{}) },
		)
	})
	t.refused("with a repository", nil, func(tx registry.Tx) error { return tx.DeleteAccount(accountA) })
	t.refused("an account that is absent", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteAccount(accountC) })
	t.update(func(tx registry.Tx) error { return tx.DeleteAccount(accountB) })
	t.restart()
	absent(t, "account", func(tx registry.Tx) (registry.Account, error) { return tx.Account(accountB) })
	absent(t, "alias", func(tx registry.Tx) (registry.Alias, error) { return tx.Alias(aliasB) })
	absent(t, "access key", func(tx registry.Tx) (registry.AccessKey, error) { return tx.AccessKey("AKIA1") })
	read(t, func(tx registry.Tx) (registry.Alias, error) { return tx.Alias(aliasA) })
}

func testAliases(t *metaTest) {
	t.twoAccounts()
	second := registry.Alias{Name: "aaa", Account: accountA, CreatedAt: at(5)}
	get := func(tx registry.Tx) (registry.Alias, error) { return tx.Alias("aaa") }
	absent(t, "before it is made", get)
	t.update(func(tx registry.Tx) error { return tx.InsertAlias(second) })
	for what, a := range map[string]registry.Alias{
		"taken by the same account": {Name: "aaa", Account: accountA, CreatedAt: at(6)},
		"taken by another account":  {Name: "aaa", Account: accountB, CreatedAt: at(6)},
		"a second primary alias":    {Name: "primary2", Account: accountA, Primary: true, CreatedAt: at(6)},
		"a second default alias":    {Name: "default2", Account: accountA, Default: true, CreatedAt: at(6)},
	} {
		t.refused(what, registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertAlias(a) })
	}
	t.refused("an account that is absent", nil, func(tx registry.Tx) error {
		return tx.InsertAlias(registry.Alias{Name: "nobody", Account: "999999999999"})
	})
	t.restart()
	t.equal("alias", read(t, get), second)
	t.equal("aliases by name", t.aliases(accountA), []registry.Alias{
		second,
		{Name: aliasA, Account: accountA, Default: true, Primary: true, CreatedAt: at(0)},
	})
}

// aliases of an account, by name.
func (t *metaTest) aliases(id ref.AccountID) []registry.Alias {
	t.Helper()
	return read(t, func(tx registry.Tx) ([]registry.Alias, error) { return tx.Aliases(id) })
}

func testPrimaryAlias(t *metaTest) {
	t.twoAccounts()
	id := t.repository(accountA, "app")
	t.update(func(tx registry.Tx) error {
		return tx.InsertAlias(registry.Alias{Name: "aaa", Account: accountA, CreatedAt: at(5)})
	})
	t.refused("an alias that is absent", registry.ErrAbsent, func(tx registry.Tx) error { return tx.SetPrimaryAlias("nobody") })
	for range 2 { // the second time it is so already
		t.update(func(tx registry.Tx) error { return tx.SetPrimaryAlias("aaa") })
	}
	t.restart()
	t.equal("its account's aliases", t.aliases(accountA), []registry.Alias{
		{Name: "aaa", Account: accountA, Primary: true, CreatedAt: at(5)},
		{Name: aliasA, Account: accountA, Default: true, CreatedAt: at(0)},
	})
	t.equal("another account's", t.aliases(accountB), []registry.Alias{
		{Name: aliasB, Account: accountB, Default: true, Primary: true, CreatedAt: at(1)},
	})
	repo := read(t, func(tx registry.Tx) (registry.Repository, error) { return tx.Repository(string(accountA), "app") })
	t.equal("repository", []any{repo.ID, repo.Alias}, []any{id, ref.Alias("aaa")})
}

func testAliasDeleted(t *metaTest) {
	t.twoAccounts()
	t.refused("an alias that is absent", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteAlias("nobody") })
	t.update(func(tx registry.Tx) error { return tx.DeleteAlias(aliasB) })
	t.restart()
	absent(t, "alias", func(tx registry.Tx) (registry.Alias, error) { return tx.Alias(aliasB) })
	t.update(func(tx registry.Tx) error { return tx.InsertAlias(registry.Alias{Name: aliasB, Account: accountA}) })
}

func testAccessKeys(t *metaTest) {
	t.twoAccounts()
	get := func(tx registry.Tx) (registry.AccessKey, error) { return tx.AccessKey("AKIA1") }
	absent(t, "before it is made", get)
	want := registry.AccessKey{ID: "AKIA1", Account: accountB, User: "ci", Policy: "{}", SealedSecret: []byte{0, 1, 0xff}, Disabled: true, CreatedAt: at(1)}
	t.update(func(tx registry.Tx) error { return tx.InsertAccessKey(want) })
	t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
		return tx.InsertAccessKey(registry.AccessKey{ID: "AKIA1", Account: accountA, SealedSecret: []byte("other")})
	})
	t.restart()
	t.equal("access key", read(t, get), want)
}

func testAccessKeysChanged(t *metaTest) {
	t.twoAccounts()
	first := registry.AccessKey{ID: "AKIA1", Account: accountA, User: "ci", SealedSecret: []byte("s"), CreatedAt: at(1)}
	second := registry.AccessKey{ID: "AKIA2", Account: accountA, SealedSecret: []byte("t"), CreatedAt: at(0)}
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertAccessKey(second) },
			func() error { return tx.InsertAccessKey(first) },
			func() error {
				return tx.InsertAccessKey(registry.AccessKey{ID: "AKIA0", Account: accountB, SealedSecret: []byte("u")})
			},
		)
	})
	t.refused("a key that is absent", registry.ErrAbsent, func(tx registry.Tx) error {
		return tx.UpdateAccessKey(registry.AccessKey{ID: "AKIA9"})
	})
	t.update(func(tx registry.Tx) error {
		return tx.UpdateAccessKey(registry.AccessKey{ID: "AKIA1", Account: accountB, User: "other", Policy: "{}", Disabled: true})
	})
	first.Policy, first.Disabled = "{}", true
	list := func(tx registry.Tx) ([]registry.AccessKey, error) { return tx.AccessKeys(accountA) }
	t.restart()
	t.equal("keys by id", read(t, list), []registry.AccessKey{first, second})
	t.refused("deleting one that is absent", registry.ErrAbsent, func(tx registry.Tx) error { return tx.DeleteAccessKey("AKIA9") })
	t.update(func(tx registry.Tx) error { return tx.DeleteAccessKey("AKIA1") })
	t.restart()
	t.equal("keys that are left", read(t, list), []registry.AccessKey{second})
}

func testSettings(t *metaTest) {
	get := func(tx registry.Tx) ([]byte, error) { return tx.Setting("token-key") }
	absent(t, "before it is set", get)
	t.update(func(tx registry.Tx) error { return tx.InsertSetting("token-key", []byte{0, 0xff}) })
	t.refused("set again", registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertSetting("token-key", []byte("other")) })
	t.restart()
	t.equal("the first value", read(t, get), []byte{0, 0xff})
	other := func(tx registry.Tx) ([]byte, error) { return tx.Setting("token-keys") }
	for _, value := range [][]byte{{1, 0xfe}, []byte("changed")} {
		t.update(func(tx registry.Tx) error { return tx.PutSetting("token-keys", value) })
		t.restart()
		t.equal("the last value", read(t, other), value)
	}
	t.equal("the other setting", read(t, get), []byte{0, 0xff})
}
