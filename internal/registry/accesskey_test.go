package registry_test

import (
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const mayPull = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr-public:Describe*","Resource":"*"}]}`

func TestCreateAccessKey(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		key  registry.AccessKey
		want string
	}{
		"nobody's":            {registry.AccessKey{ID: "K", Account: newcomer}, "there is no account 333333333333: see `openecr account list`"},
		"policy of a root":    {registry.AccessKey{ID: "K", Account: owner.Account, Policy: mayPull}, "a key with a policy belongs to a user: the root user of an account may do everything in it"},
		"user with a slash":   {registry.AccessKey{ID: "K", Account: owner.Account, User: "a/b"}, `user name "a/b" is malformed: use 1 to 64 letters, digits and '+', '=', ',', '.', '@', '_', '-'`},
		"policy that is none": {registry.AccessKey{ID: "K", Account: owner.Account, User: "ci", Policy: "{"}, "policy: the text is not JSON: unexpected end of JSON input"},
		"policy for a repository": {registry.AccessKey{ID: "K", Account: owner.Account, User: "ci", Policy: strings.Replace(mayPull, `"Resource"`, `"Principal"`, 1)},
			""},
		"endless policy": {registry.AccessKey{ID: "K", Account: owner.Account, User: "ci", Policy: mayPull + strings.Repeat(" ", 10_240)}, "policy has 10344 bytes, and at most 10240 are accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.registry.CreateAccessKey(t.Context(), c.key)
			if err == nil || c.want != "" && err.Error() != c.want {
				t.Errorf("\ngot  %v\nwant %s", err, c.want)
			}
		})
	}
	keys, err := f.registry.AccessKeys(t.Context(), "")
	f.must(err)
	equal(t, "keys", len(keys), 0)

	made, err := f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "K2", Account: owner.Account, User: "ci", Policy: mayPull, SealedSecret: []byte("s")})
	f.must(err)
	equal(t, "holder", made.ARN(), "arn:aws:iam::123456789012:user/ci")
	root, err := f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "K1", Account: stranger.Account, SealedSecret: []byte("s")})
	f.must(err)
	equal(t, "holder", root.ARN(), "arn:aws:iam::210987654321:root")
	for account, want := range map[ref.AccountID][]registry.AccessKey{"": {made, root}, owner.Account: {made}, stranger.Account: {root}} {
		keys, err := f.registry.AccessKeys(t.Context(), account)
		f.must(err)
		equal(t, "keys of "+string(account), keys, want)
	}
	_, err = f.registry.AccessKeys(t.Context(), newcomer)
	f.says(err, "there is no account 333333333333: see `openecr account list`")
}

func TestChangeAccessKey(t *testing.T) {
	f := newFixture(t)
	made, err := f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "KEY", Account: owner.Account, User: "ci", SealedSecret: []byte("s")})
	f.must(err)
	disabled, err := f.registry.SetAccessKeyDisabled(t.Context(), "KEY", true)
	f.must(err)
	made.Disabled = true
	equal(t, "disabled", disabled, made)
	limited, err := f.registry.SetAccessKeyPolicy(t.Context(), "KEY", mayPull)
	f.must(err)
	if limited.Policy == "" || !limited.Disabled {
		t.Errorf("with a policy: %+v", limited)
	}
	_, err = f.registry.SetAccessKeyPolicy(t.Context(), "KEY", "[]")
	if err == nil {
		t.Error("a policy that is none is taken")
	}
	kept, err := f.registry.AccessKey(t.Context(), "KEY")
	f.must(err)
	equal(t, "kept", kept, limited)

	_, err = f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "ROOT", Account: owner.Account, SealedSecret: []byte("s")})
	f.must(err)
	_, err = f.registry.SetAccessKeyPolicy(t.Context(), "ROOT", mayPull)
	f.says(err, "access key ROOT is one of the root user of account 123456789012, who may do everything in it: make a key for a user instead")
	f.must(f.registry.DeleteAccessKey(t.Context(), "KEY"))
	const gone = "there is no access key KEY: see `openecr key list`"
	f.says(f.registry.DeleteAccessKey(t.Context(), "KEY"), gone)
	_, err = f.registry.SetAccessKeyDisabled(t.Context(), "KEY", true)
	f.says(err, gone)
	_, err = f.registry.RotateAccessKey(t.Context(), "KEY", registry.AccessKey{ID: "NEXT"}, false)
	f.says(err, gone)
}

func TestRotateAccessKey(t *testing.T) {
	for _, keepOld := range []bool{false, true} {
		f := newFixture(t)
		old, err := f.registry.CreateAccessKey(t.Context(), registry.AccessKey{ID: "OLD", Account: owner.Account, User: "ci", Policy: mayPull, SealedSecret: []byte("old")})
		f.must(err)
		f.advance(1e9)
		next, err := f.registry.RotateAccessKey(t.Context(), "OLD", registry.AccessKey{ID: "NEW", SealedSecret: []byte("new"), Account: stranger.Account}, keepOld)
		f.must(err)
		equal(t, "new key", next, registry.AccessKey{ID: "NEW", Account: owner.Account, User: "ci", Policy: old.Policy, SealedSecret: []byte("new"), CreatedAt: f.now()})
		old.Disabled = !keepOld
		keys, err := f.registry.AccessKeys(t.Context(), owner.Account)
		f.must(err)
		equal(t, "keys", keys, []registry.AccessKey{next, old})
		if !keepOld {
			_, err = f.registry.RotateAccessKey(t.Context(), "OLD", registry.AccessKey{ID: "NEXT"}, false)
			f.says(err, "access key OLD is disabled: enable it first, or make another with `openecr key create`")
		}
	}
}
