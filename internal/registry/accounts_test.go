package registry_test

import (
	"errors"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// says demands an error with exactly that text.
func (f *fixture) says(err error, text string) {
	f.Helper()
	if err == nil || err.Error() != text {
		f.Errorf("\ngot  %v\nwant %s", err, text)
	}
}

func (f *fixture) detail(id ref.AccountID) registry.AccountDetail {
	f.Helper()
	details, err := f.registry.Accounts(f.Context())
	f.must(err)
	for _, d := range details {
		if d.ID == id {
			return d
		}
	}
	f.Fatalf("account %s is not listed", id)
	return registry.AccountDetail{}
}

const newcomer = ref.AccountID("333333333333")

func TestCreateAccount(t *testing.T) {
	f := newFixture(t)
	made, err := f.registry.CreateAccount(t.Context(), newcomer, "team")
	f.must(err)
	want := registry.AccountDetail{
		Account: registry.Account{ID: newcomer, CreatedAt: f.now()},
		Aliases: []registry.Alias{{Name: "team", Account: newcomer, Default: true, Primary: true, CreatedAt: f.now()}},
	}
	equal(t, "what is told", made, want)
	equal(t, "what is kept", f.detail(newcomer), want)

	_, err = f.registry.CreateAccount(t.Context(), newcomer, "other")
	f.says(err, "account 333333333333 is there already: choose another id")
	_, err = f.registry.CreateAccount(t.Context(), "444444444444", strangerAlias)
	f.says(err, "alias z9y8x7w6 belongs to account 210987654321 already: choose another")
	details, err := f.registry.Accounts(t.Context())
	f.must(err)
	equal(t, "number of accounts", len(details), 3)
}

func TestDeleteAccount(t *testing.T) {
	f := newFixture(t)
	f.createRepository(stranger, "theirs")
	f.says(f.registry.DeleteAccount(t.Context(), stranger.Account), "account 210987654321 still has repositories: delete them first")
	f.says(f.registry.DeleteAccount(t.Context(), owner.Account), "account 123456789012 was made with this registry and stays: disable it to stop its keys")
	f.says(f.registry.DeleteAccount(t.Context(), newcomer), "there is no account 333333333333: see `openecr account list`")

	_, err := f.registry.CreateAccount(t.Context(), newcomer, "team")
	f.must(err)
	_, err = f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "KEY", Account: newcomer, SealedSecret: []byte("s")})
	f.must(err)
	f.must(f.registry.DeleteAccount(t.Context(), newcomer))
	if _, err := f.registry.Signer(t.Context(), "KEY"); !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("its key: %v", err)
	}
	_, err = f.registry.AccountOf(t.Context(), owner, "team")
	f.refused(err, registry.RegistryNotFound, "")
}

func TestDisabledAccountDisablesItsKeys(t *testing.T) {
	f := newFixture(t)
	key, err := f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "KEY", Account: stranger.Account, SealedSecret: []byte("s")})
	f.must(err)
	for _, disabled := range []bool{true, false} {
		detail, err := f.registry.SetAccountDisabled(t.Context(), stranger.Account, disabled)
		f.must(err)
		equal(t, "account", detail.Disabled, disabled)
		signer, err := f.registry.Signer(t.Context(), "KEY")
		f.must(err)
		equal(t, "signer", signer.Disabled, disabled)
		kept, err := f.registry.AccessKey(t.Context(), "KEY")
		f.must(err)
		equal(t, "key itself", kept, key)
	}
	_, err = f.registry.SetAccountDisabled(t.Context(), newcomer, true)
	f.says(err, "there is no account 333333333333: see `openecr account list`")
}
