package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// forbiddenWords are what the real service lets nobody have as an alias of their choice (ECR Public user guide, "Public
// registry settings"): people would take such a registry for an official one.
var forbiddenWords = []string{"amazon", "aws", "marketplace", "public", "test"}

// AddAlias gives the registry of an account one more name. With force even a misleading one.
func (r *Registry) AddAlias(ctx context.Context, id ref.AccountID, name ref.Alias, force bool) (AccountDetail, error) {
	words := strings.FieldsFunc(string(name), func(c rune) bool { return strings.ContainsRune("._-", c) })
	for _, w := range words {
		if !force && slices.Contains(forbiddenWords, w) {
			return AccountDetail{}, fmt.Errorf("alias %s has the word %q in it, which the real service gives to nobody: choose another, or use --force", name, w)
		}
	}
	var changed AccountDetail
	err := r.meta.Update(ctx, func(tx Tx) error {
		if _, err := openAccount(tx, id); err != nil {
			return err
		}
		if err := insertAlias(tx, Alias{Name: name, Account: id, CreatedAt: r.now()}); err != nil {
			return err
		}
		if err := relistAll(tx, id); err != nil {
			return err
		}
		detail, err := accountDetail(tx, id)
		changed = detail
		return err
	})
	return changed, err
}

func insertAlias(tx Tx, a Alias) error {
	err := tx.InsertAlias(a)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	taken, err := tx.Alias(a.Name)
	if err != nil {
		return err
	}
	return fmt.Errorf("alias %s belongs to account %s already: choose another", a.Name, taken.Account)
}

// RemoveAlias takes a name from its registry. The default alias stays, because addresses under it were handed out since
// the account exists; the primary one stays until another is.
func (r *Registry) RemoveAlias(ctx context.Context, name ref.Alias) (AccountDetail, error) {
	return r.changeAlias(ctx, name, func(tx Tx, a Alias) error {
		switch {
		case a.Default:
			return fmt.Errorf("alias %s is the default alias of account %s and stays as long as the account", name, a.Account)
		case a.Primary:
			return fmt.Errorf("alias %s is the primary alias of account %s: make another one primary first", name, a.Account)
		}
		if err := tx.DeleteAlias(name); err != nil {
			return err
		}
		return relistAll(tx, a.Account)
	})
}

// SetPrimaryAlias makes it the name that repository URIs show.
func (r *Registry) SetPrimaryAlias(ctx context.Context, name ref.Alias) (AccountDetail, error) {
	return r.changeAlias(ctx, name, func(tx Tx, _ Alias) error { return tx.SetPrimaryAlias(name) })
}

// SetVerified says whether the operator vouches for the registry that an alias leads to.
func (r *Registry) SetVerified(ctx context.Context, name ref.Alias, verified bool) (AccountDetail, error) {
	return r.changeAlias(ctx, name, func(tx Tx, a Alias) error {
		account, err := tx.Account(a.Account)
		if err != nil {
			return err
		}
		account.Verified = verified
		if err := tx.UpdateAccount(account); err != nil {
			return err
		}
		return tx.MarkVerified(account.ID, verified)
	})
}

// changeAlias returns the account of the alias as it is afterwards.
func (r *Registry) changeAlias(ctx context.Context, name ref.Alias, change func(Tx, Alias) error) (AccountDetail, error) {
	var changed AccountDetail
	err := r.meta.Update(ctx, func(tx Tx) error {
		alias, err := tx.Alias(name)
		if errors.Is(err, ErrAbsent) {
			return fmt.Errorf("there is no alias %s: see `openecr account list`", name)
		}
		if err != nil {
			return err
		}
		if err := change(tx, alias); err != nil {
			return err
		}
		detail, err := accountDetail(tx, alias.Account)
		changed = detail
		return err
	})
	r.cache.dropRepositories()
	return changed, err
}
