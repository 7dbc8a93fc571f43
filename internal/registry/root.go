package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/ref"
)

// FindSetting is a value that the whole registry shares. ErrAbsent.
func FindSetting(ctx context.Context, m Meta, name string) ([]byte, error) {
	var value []byte
	err := m.View(ctx, func(tx Tx) (err error) {
		value, err = tx.Setting(name)
		return err
	})
	return value, err
}

// EnsureSetting keeps the first value ever offered for a name and returns the one that is kept. Nodes that start at the
// same time agree by it.
func EnsureSetting(ctx context.Context, m Meta, name string, offer []byte) ([]byte, error) {
	var kept []byte
	err := m.Update(ctx, func(tx Tx) error {
		value, err := tx.Setting(name)
		if errors.Is(err, ErrAbsent) {
			value, err = offer, tx.InsertSetting(name, offer)
		}
		kept = value
		return err
	})
	return kept, err
}

// Setting is FindSetting.
func (r *Registry) Setting(ctx context.Context, name string) ([]byte, error) {
	return FindSetting(ctx, r.meta, name)
}

// ChangeSetting replaces a value by what change makes of the present one, nil when there is none. Of two nodes that do it
// at the same time the second sees what the first has made. change may run more than once, as in Meta.Update; when it
// fails, or returns what it was given, the value stays.
func (r *Registry) ChangeSetting(ctx context.Context, name string, change func(value []byte) ([]byte, error)) error {
	return r.meta.Update(ctx, func(tx Tx) error {
		old, err := tx.Setting(name)
		if err != nil && !errors.Is(err, ErrAbsent) {
			return err
		}
		value, err := change(old)
		if err != nil || bytes.Equal(value, old) {
			return err
		}
		return tx.PutSetting(name, value)
	})
}

// Root is the first account of a store with its default alias and first access key.
type Root struct {
	Account ref.AccountID
	Alias   ref.Alias
	Key     AccessKey // its Account is Root.Account; without ID there is none to add
}

const rootSetting = "root-account"

// FindRoot is the account that was made with the store, with its default alias. ErrAbsent before EnsureRoot.
func FindRoot(ctx context.Context, m Meta) (ref.AccountID, ref.Alias, error) {
	var account ref.AccountID
	var alias ref.Alias
	err := m.View(ctx, func(tx Tx) (err error) {
		account, alias, err = findRoot(tx)
		return err
	})
	return account, alias, err
}

func findRoot(tx Tx) (ref.AccountID, ref.Alias, error) {
	id, err := tx.Setting(rootSetting)
	if err != nil {
		return "", "", err
	}
	account := ref.AccountID(id)
	aliases, err := tx.Aliases(account)
	if err != nil {
		return "", "", err
	}
	for _, a := range aliases {
		if a.Default {
			return account, a.Name, nil
		}
	}
	return "", "", fmt.Errorf("account %s has no default alias", account)
}

// EnsureRoot makes the root account in an empty store, and adds root.Key where it is missing. What is there stays: a
// store that belongs to another account or alias refuses, because repository URIs were handed out under them. A store that
// is read-only is no reason not to start.
func (r *Registry) EnsureRoot(ctx context.Context, root Root) error {
	return r.meta.Meta.Update(ctx, func(tx Tx) error {
		account, alias, err := findRoot(tx)
		if errors.Is(err, ErrAbsent) {
			account, alias = root.Account, root.Alias
			err = r.insertRoot(tx, root)
		}
		if err != nil {
			return err
		}
		if account != root.Account {
			return fmt.Errorf("this data belongs to account %s, not %s: start with that account id or on other data", account, root.Account)
		}
		if alias != root.Alias {
			return fmt.Errorf("account %s has the default alias %s, not %s: start with that alias or on other data", account, alias, root.Alias)
		}
		if root.Key.ID == "" {
			return nil
		}
		return r.ensureKey(tx, root.Key)
	})
}

func (r *Registry) insertRoot(tx Tx, root Root) error {
	if err := tx.InsertAccount(Account{ID: root.Account, CreatedAt: r.now()}); err != nil {
		return err
	}
	if err := tx.InsertAlias(Alias{Name: root.Alias, Account: root.Account, Default: true, Primary: true, CreatedAt: r.now()}); err != nil {
		return err
	}
	return tx.InsertSetting(rootSetting, []byte(root.Account))
}

func (r *Registry) ensureKey(tx Tx, key AccessKey) error {
	found, err := tx.AccessKey(key.ID)
	if errors.Is(err, ErrAbsent) {
		key.CreatedAt = r.now()
		return tx.InsertAccessKey(key)
	}
	if err == nil && found.Account != key.Account {
		return fmt.Errorf("access key %s belongs to account %s, not %s: choose another key id", key.ID, found.Account, key.Account)
	}
	return err
}
