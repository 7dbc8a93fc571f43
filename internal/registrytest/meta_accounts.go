package registrytest

import "github.com/openecr/openecr/internal/registry"

func testAccounts(t *metaTest) {
	get := func(tx registry.Tx) (registry.Account, error) { return tx.Account(accountA) }
	absent(t, "before it is made", get)
	want := registry.Account{ID: accountA, CreatedAt: at(0)}
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
	t.equal("aliases by name", read(t, func(tx registry.Tx) ([]registry.Alias, error) { return tx.Aliases(accountA) }), []registry.Alias{
		second,
		{Name: aliasA, Account: accountA, Default: true, Primary: true, CreatedAt: at(0)},
	})
}

func testAccessKeys(t *metaTest) {
	t.twoAccounts()
	get := func(tx registry.Tx) (registry.AccessKey, error) { return tx.AccessKey("AKIA1") }
	absent(t, "before it is made", get)
	want := registry.AccessKey{ID: "AKIA1", Account: accountB, SealedSecret: []byte{0, 1, 0xff}, Disabled: true, CreatedAt: at(1)}
	t.update(func(tx registry.Tx) error { return tx.InsertAccessKey(want) })
	t.refused("made again", registry.ErrConflict, func(tx registry.Tx) error {
		return tx.InsertAccessKey(registry.AccessKey{ID: "AKIA1", Account: accountA, SealedSecret: []byte("other")})
	})
	t.restart()
	t.equal("access key", read(t, get), want)
}

func testSettings(t *metaTest) {
	get := func(tx registry.Tx) ([]byte, error) { return tx.Setting("token-key") }
	absent(t, "before it is set", get)
	t.update(func(tx registry.Tx) error { return tx.InsertSetting("token-key", []byte{0, 0xff}) })
	t.refused("set again", registry.ErrConflict, func(tx registry.Tx) error { return tx.InsertSetting("token-key", []byte("other")) })
	t.restart()
	t.equal("the first value", read(t, get), []byte{0, 0xff})
}
