package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
)

// maxIdentityPolicy is how long the policy of a key may be, in bytes. It is what a policy of a repository may have.
const maxIdentityPolicy = 10_240

// AccessKey is what the store knows of an access key id. ErrAbsent when it knows nothing.
func (r *Registry) AccessKey(ctx context.Context, id string) (AccessKey, error) {
	var key AccessKey
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		key, err = tx.AccessKey(id)
		return err
	})
	return key, err
}

// Signer is AccessKey for who checks a signature: a key is disabled also while its account is.
func (r *Registry) Signer(ctx context.Context, id string) (AccessKey, error) {
	var signer AccessKey
	err := r.meta.View(ctx, func(tx Tx) error {
		key, err := tx.AccessKey(id)
		if err != nil {
			return err
		}
		account, err := tx.Account(key.Account)
		key.Disabled = key.Disabled || account.Disabled
		signer = key
		return err
	})
	return signer, err
}

// AccessKeys of an account by id, of all accounts when none is named.
func (r *Registry) AccessKeys(ctx context.Context, id ref.AccountID) ([]AccessKey, error) {
	var keys []AccessKey
	err := r.meta.View(ctx, func(tx Tx) error {
		accounts, err := tx.Accounts()
		if id != "" {
			var account Account
			account, err = openAccount(tx, id)
			accounts = []Account{account}
		}
		if err != nil {
			return err
		}
		for _, a := range accounts {
			of, err := tx.AccessKeys(a.ID)
			if err != nil {
				return err
			}
			keys = append(keys, of...)
		}
		return nil
	})
	return keys, err
}

// CreateAccessKey keeps a new key: its ID, Account, User, Policy and SealedSecret. It is one transaction; a crash between
// that and the answer leaves a key whose secret nobody has heard, to be seen in the list and deleted.
func (r *Registry) CreateAccessKey(ctx context.Context, key AccessKey) (AccessKey, error) {
	key, err := r.newAccessKey(key)
	if err != nil {
		return AccessKey{}, err
	}
	return key, r.meta.Update(ctx, func(tx Tx) error {
		if _, err := openAccount(tx, key.Account); err != nil {
			return err
		}
		return tx.InsertAccessKey(key)
	})
}

func (r *Registry) newAccessKey(key AccessKey) (AccessKey, error) {
	key.CreatedAt = r.now()
	if key.User == "" {
		if key.Policy != "" {
			return AccessKey{}, errors.New("a key with a policy belongs to a user: the root user of an account may do everything in it")
		}
		return key, nil
	}
	if _, err := ref.ParseUserName(key.User); err != nil {
		return AccessKey{}, err
	}
	return key, checkPolicy(&key)
}

// checkPolicy puts a policy into the form in which it is kept.
func checkPolicy(key *AccessKey) error {
	if key.Policy == "" {
		return nil
	}
	if len(key.Policy) > maxIdentityPolicy {
		return fmt.Errorf("policy has %d bytes, and at most %d are accepted", len(key.Policy), maxIdentityPolicy)
	}
	parsed, err := policy.Parse(key.Policy, policy.IdentityPolicy)
	if err != nil {
		return err
	}
	key.Policy = parsed.String()
	return nil
}

// SetAccessKeyDisabled stops a key, or lets it sign again.
func (r *Registry) SetAccessKeyDisabled(ctx context.Context, id string, disabled bool) (AccessKey, error) {
	return r.changeAccessKey(ctx, id, func(k *AccessKey) error {
		k.Disabled = disabled
		return nil
	})
}

// SetAccessKeyPolicy replaces what the holder of a key may do. Without a policy that is everything in its account.
func (r *Registry) SetAccessKeyPolicy(ctx context.Context, id, text string) (AccessKey, error) {
	return r.changeAccessKey(ctx, id, func(k *AccessKey) error {
		if k.User == "" {
			return fmt.Errorf("access key %s is one of the root user of account %s, who may do everything in it: make a key for a user instead", id, k.Account)
		}
		k.Policy = text
		return checkPolicy(k)
	})
}

// changeAccessKey returns the key as it is afterwards.
func (r *Registry) changeAccessKey(ctx context.Context, id string, change func(*AccessKey) error) (AccessKey, error) {
	var changed AccessKey
	err := r.meta.Update(ctx, func(tx Tx) error {
		key, err := openAccessKey(tx, id)
		if err != nil {
			return err
		}
		if err := change(&key); err != nil {
			return err
		}
		changed = key
		return tx.UpdateAccessKey(key)
	})
	return changed, err
}

func openAccessKey(tx Tx, id string) (AccessKey, error) {
	key, err := tx.AccessKey(id)
	if errors.Is(err, ErrAbsent) {
		return AccessKey{}, fmt.Errorf("there is no access key %s: see `openecr key list`", id)
	}
	return key, err
}

// DeleteAccessKey for good.
func (r *Registry) DeleteAccessKey(ctx context.Context, id string) error {
	return r.meta.Update(ctx, func(tx Tx) error {
		if _, err := openAccessKey(tx, id); err != nil {
			return err
		}
		return tx.DeleteAccessKey(id)
	})
}

// RotateAccessKey puts a fresh key, of which it takes ID and SealedSecret, in the place of an old one: same account, user
// and policy. The old one is disabled, unless it is to be kept until its holders have the new one.
func (r *Registry) RotateAccessKey(ctx context.Context, old string, fresh AccessKey, keepOld bool) (AccessKey, error) {
	var rotated AccessKey
	err := r.meta.Update(ctx, func(tx Tx) error {
		key, err := openAccessKey(tx, old)
		if err != nil {
			return err
		}
		if key.Disabled {
			return fmt.Errorf("access key %s is disabled: enable it first, or make another with `openecr key create`", old)
		}
		next := AccessKey{ID: fresh.ID, Account: key.Account, User: key.User, Policy: key.Policy, SealedSecret: fresh.SealedSecret, CreatedAt: r.now()}
		if err := tx.InsertAccessKey(next); err != nil {
			return err
		}
		rotated = next
		key.Disabled = !keepOld
		return tx.UpdateAccessKey(key)
	})
	return rotated, err
}
