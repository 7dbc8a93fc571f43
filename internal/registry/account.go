package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// The verbs of this file, alias.go and accesskey.go are an operator's: they are on neither wire, ask for no caller, and
// their errors are sentences for the one who typed the command.

// AccountDetail is an account with the aliases under which its registry is reached, the primary one first.
type AccountDetail struct {
	Account
	Aliases []Alias
}

// CreateAccount makes an account whose registry is reached under alias, for good: it is the default one. Both
// are made in one transaction.
func (r *Registry) CreateAccount(ctx context.Context, id ref.AccountID, alias ref.Alias) (AccountDetail, error) {
	detail := AccountDetail{
		Account: Account{ID: id, CreatedAt: r.now()},
		Aliases: []Alias{{Name: alias, Account: id, Default: true, Primary: true, CreatedAt: r.now()}},
	}
	return detail, r.meta.Update(ctx, func(tx Tx) error {
		err := tx.InsertAccount(detail.Account)
		if errors.Is(err, ErrConflict) {
			return fmt.Errorf("account %s is there already: choose another id", id)
		}
		if err != nil {
			return err
		}
		return insertAlias(tx, detail.Aliases[0])
	})
}

// Accounts are all accounts, by id.
func (r *Registry) Accounts(ctx context.Context) ([]AccountDetail, error) {
	var details []AccountDetail
	err := r.meta.View(ctx, func(tx Tx) error {
		accounts, err := tx.Accounts()
		if err != nil {
			return err
		}
		details = make([]AccountDetail, len(accounts))
		for i, a := range accounts {
			if details[i], err = accountDetail(tx, a.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return details, err
}

func accountDetail(tx Tx, id ref.AccountID) (AccountDetail, error) {
	account, err := openAccount(tx, id)
	if err != nil {
		return AccountDetail{}, err
	}
	aliases, err := tx.Aliases(id)
	slices.SortStableFunc(aliases, func(a, b Alias) int {
		if a.Primary != b.Primary {
			if a.Primary {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a.Name), string(b.Name))
	})
	return AccountDetail{account, aliases}, err
}

func openAccount(tx Tx, id ref.AccountID) (Account, error) {
	account, err := tx.Account(id)
	if errors.Is(err, ErrAbsent) {
		return Account{}, fmt.Errorf("there is no account %s: see `openecr account list`", id)
	}
	return account, err
}

// SetAccountDisabled stops all keys of an account, or lets them sign again. What the account has pushed stays public.
func (r *Registry) SetAccountDisabled(ctx context.Context, id ref.AccountID, disabled bool) (AccountDetail, error) {
	return r.changeAccount(ctx, id, func(a *Account) { a.Disabled = disabled })
}

// changeAccount returns the account as it is afterwards.
func (r *Registry) changeAccount(ctx context.Context, id ref.AccountID, change func(*Account)) (AccountDetail, error) {
	var changed AccountDetail
	err := r.meta.Update(ctx, func(tx Tx) error {
		detail, err := accountDetail(tx, id)
		if err != nil {
			return err
		}
		change(&detail.Account)
		changed = detail
		return tx.UpdateAccount(detail.Account)
	})
	return changed, err
}

// DeleteAccount with its aliases and keys. An account that owns repositories stays, and so does the one that was made
// with the store.
func (r *Registry) DeleteAccount(ctx context.Context, id ref.AccountID) error {
	err := r.meta.Update(ctx, func(tx Tx) error {
		if _, err := openAccount(tx, id); err != nil {
			return err
		}
		root, _, err := findRoot(tx)
		if err != nil && !errors.Is(err, ErrAbsent) {
			return err
		}
		if id == root {
			return fmt.Errorf("account %s was made with this registry and stays: disable it to stop its keys", id)
		}
		n, err := tx.CountRepositories(id, 1)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("account %s still has repositories: delete them first", id)
		}
		return tx.DeleteAccount(id)
	})
	r.cache.dropRepositories()
	return err
}
