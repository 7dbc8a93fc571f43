package app

import (
	"cmp"
	"context"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// AccountInfo is an account as commands show it.
type AccountInfo struct {
	ID        string      `json:"accountId"`
	Disabled  bool        `json:"disabled"`
	Verified  bool        `json:"verified"`
	Aliases   []AliasInfo `json:"aliases"` // the primary one first
	CreatedAt time.Time   `json:"createdAt"`
}

// AliasInfo is one name of an account's registry.
type AliasInfo struct {
	Name    string `json:"name"`
	Primary bool   `json:"primary"`
	Default bool   `json:"default"`
}

func accountInfo(d registry.AccountDetail) AccountInfo {
	info := AccountInfo{ID: string(d.ID), Disabled: d.Disabled, Verified: d.Verified, CreatedAt: d.CreatedAt}
	for _, a := range d.Aliases {
		info.Aliases = append(info.Aliases, AliasInfo{Name: string(a.Name), Primary: a.Primary, Default: a.Default})
	}
	return info
}

// Nothing is the answer of a command that leaves nothing to show.
type Nothing struct{}

// CreateAccount makes an account. It has no key yet.
type CreateAccount struct {
	ID    string `arg:"" optional:"" json:"id" name:"account-id" help:"Twelve digits; drawn at random when left out."`
	Alias string `json:"alias" help:"Default alias of its registry, for good; drawn at random when left out." placeholder:"ALIAS"`
}

func (c CreateAccount) run(ctx context.Context, a *administration) (AccountInfo, error) {
	id, err := ref.ParseAccountID(cmp.Or(c.ID, auth.NewAccountID()))
	if err != nil {
		return AccountInfo{}, err
	}
	alias, err := ref.ParseAlias(cmp.Or(c.Alias, auth.NewAlias()))
	if err != nil {
		return AccountInfo{}, err
	}
	detail, err := a.registry.CreateAccount(ctx, id, alias)
	return accountInfo(detail), err
}

// ListAccounts shows all accounts.
type ListAccounts struct{}

func (ListAccounts) readsOnly() bool { return true }

func (ListAccounts) run(ctx context.Context, a *administration) ([]AccountInfo, error) {
	details, err := a.registry.Accounts(ctx)
	list := make([]AccountInfo, len(details))
	for i, d := range details {
		list[i] = accountInfo(d)
	}
	return list, err
}

// DisableAccount stops all keys of an account, or lets them sign again.
type DisableAccount struct {
	ID     string `arg:"" json:"id" name:"account-id" help:"Twelve digits."`
	Enable bool   `kong:"-" json:"enable"`
}

func (c DisableAccount) run(ctx context.Context, a *administration) (AccountInfo, error) {
	id, err := ref.ParseAccountID(c.ID)
	if err != nil {
		return AccountInfo{}, err
	}
	detail, err := a.registry.SetAccountDisabled(ctx, id, !c.Enable)
	return accountInfo(detail), err
}

// DeleteAccount removes an account that owns no repositories, with its aliases and keys.
type DeleteAccount struct {
	ID string `arg:"" json:"id" name:"account-id" help:"Twelve digits."`
}

func (c DeleteAccount) run(ctx context.Context, a *administration) (Nothing, error) {
	id, err := ref.ParseAccountID(c.ID)
	if err != nil {
		return Nothing{}, err
	}
	return Nothing{}, a.registry.DeleteAccount(ctx, id)
}

// AddAlias gives the registry of an account one more name.
type AddAlias struct {
	Alias   string `arg:"" json:"alias" help:"2 to 50 lower-case letters and digits, joined by single '.', '_' or '-'."`
	Account string `json:"account" help:"Account whose registry it leads to; the first one when left out." placeholder:"ID"`
	Force   bool   `json:"force" help:"Also a name that looks official: aws, amazon, public, test, marketplace."`
}

func (c AddAlias) run(ctx context.Context, a *administration) (AccountInfo, error) {
	alias, err := ref.ParseAlias(c.Alias)
	if err != nil {
		return AccountInfo{}, err
	}
	id, err := a.account(c.Account)
	if err != nil {
		return AccountInfo{}, err
	}
	detail, err := a.registry.AddAlias(ctx, id, alias, c.Force)
	return accountInfo(detail), err
}

// account is the one named, the root account when none is.
func (a *administration) account(id string) (ref.AccountID, error) {
	if id == "" {
		return a.root, nil
	}
	return ref.ParseAccountID(id)
}

// RemoveAlias takes a name from its registry.
type RemoveAlias struct {
	Alias string `arg:"" json:"alias" help:"Neither the default nor the primary one."`
}

func (c RemoveAlias) run(ctx context.Context, a *administration) (AccountInfo, error) {
	detail, err := a.registry.RemoveAlias(ctx, ref.Alias(c.Alias))
	return accountInfo(detail), err
}

// SetPrimaryAlias makes it the name that repository URIs show.
type SetPrimaryAlias struct {
	Alias string `arg:"" json:"alias" help:"One of the aliases of an account."`
}

func (c SetPrimaryAlias) run(ctx context.Context, a *administration) (AccountInfo, error) {
	detail, err := a.registry.SetPrimaryAlias(ctx, ref.Alias(c.Alias))
	return accountInfo(detail), err
}

// VerifyAlias marks the registry behind an alias as that of a verified publisher.
type VerifyAlias struct {
	Alias  string `arg:"" json:"alias" help:"Any alias of the registry."`
	Revoke bool   `json:"revoke" help:"Take the mark back."`
}

func (c VerifyAlias) run(ctx context.Context, a *administration) (AccountInfo, error) {
	detail, err := a.registry.SetVerified(ctx, ref.Alias(c.Alias), !c.Revoke)
	return accountInfo(detail), err
}
