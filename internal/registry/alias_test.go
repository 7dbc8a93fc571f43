package registry_test

import (
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestAddAlias(t *testing.T) {
	f := newFixture(t)
	for name, want := range map[ref.Alias]string{
		"aws":           `alias aws has the word "aws" in it, which the real service gives to nobody: choose another, or use --force`,
		"my-public.net": `alias my-public.net has the word "public" in it, which the real service gives to nobody: choose another, or use --force`,
		strangerAlias:   "alias z9y8x7w6 belongs to account 210987654321 already: choose another",
		ownerAlias:      "alias a1b2c3d4 belongs to account 123456789012 already: choose another",
	} {
		_, err := f.registry.AddAlias(t.Context(), owner.Account, name, false)
		f.says(err, want)
	}
	_, err := f.registry.AddAlias(t.Context(), newcomer, "team", false)
	f.says(err, "there is no account 333333333333: see `openecr account list`")
	equal(t, "aliases", len(f.detail(owner.Account).Aliases), 1)

	for _, name := range []ref.Alias{"laws", "contest"} { // the word is only a part of theirs
		_, err := f.registry.AddAlias(t.Context(), owner.Account, name, false)
		f.must(err)
	}
	detail, err := f.registry.AddAlias(t.Context(), owner.Account, "aws", true)
	f.must(err)
	equal(t, "aliases", len(detail.Aliases), 4)
	equal(t, "primary alias", detail.Aliases[0].Name, ownerAlias)
}

// The cache of repositories knows them by alias and with their primary alias.
func TestAliasChangesHoldAtOnce(t *testing.T) {
	f := newFixture(t)
	_, err := f.registry.AddAlias(t.Context(), owner.Account, "tools", false)
	f.must(err)
	d := f.push("layer")
	byAlias := registry.Path{Registry: "tools", Name: app.Name}
	check := func() error {
		_, err := f.registry.CheckLayers(t.Context(), owner, byAlias, []ref.Digest{d})
		return err
	}
	f.must(check())

	detail, err := f.registry.SetPrimaryAlias(t.Context(), "tools")
	f.must(err)
	equal(t, "first alias", detail.Aliases[0].Name, ref.Alias("tools"))
	repos, err := f.registry.DescribeRepositories(t.Context(), owner, "", []ref.RepositoryName{app.Name})
	f.must(err)
	equal(t, "URI", f.registry.URI(repos[0]), "registry.test/tools/team/app")
	_, err = f.registry.RemoveAlias(t.Context(), "tools")
	f.says(err, "alias tools is the primary alias of account 123456789012: make another one primary first")
	_, err = f.registry.RemoveAlias(t.Context(), ownerAlias)
	f.says(err, "alias a1b2c3d4 is the default alias of account 123456789012 and stays as long as the account")

	_, err = f.registry.SetPrimaryAlias(t.Context(), ownerAlias)
	f.must(err)
	f.must(check())
	_, err = f.registry.RemoveAlias(t.Context(), "tools")
	f.must(err)
	f.refused(check(), registry.RegistryNotFound, "")
	for _, change := range []func() (registry.AccountDetail, error){
		func() (registry.AccountDetail, error) { return f.registry.RemoveAlias(t.Context(), "tools") },
		func() (registry.AccountDetail, error) { return f.registry.SetPrimaryAlias(t.Context(), "tools") },
		func() (registry.AccountDetail, error) { return f.registry.SetVerified(t.Context(), "tools", true) },
	} {
		_, err := change()
		f.says(err, "there is no alias tools: see `openecr account list`")
	}
}

func TestVerifiedRegistry(t *testing.T) {
	f := newFixture(t)
	for _, verified := range []bool{true, false} {
		_, err := f.registry.SetVerified(t.Context(), ownerAlias, verified)
		f.must(err)
		detail, err := f.registry.DescribeRegistry(t.Context(), owner)
		f.must(err)
		equal(t, "verified", detail.Verified, verified)
		equal(t, "another account", f.detail(stranger.Account).Verified, false)
	}
}
