package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// ensureRoot makes the first account with its alias and key in a new store, and adds the key of the environment where
// one is set. Afterwards account and alias stay what they are.
//
// The credentials file is written before the store, so that a crash between the two leaves a file whose key the next
// start uses, and never a key whose secret nobody has. In a fleet a key is not drawn, because a file of one node is of no
// use to the others: it comes from the environment or from `openecr key create`.
func ensureRoot(ctx context.Context, reg *registry.Registry, s stores, c Config) (Info, error) {
	account, alias, err := registry.FindRoot(ctx, s.meta)
	isNew := errors.Is(err, registry.ErrAbsent)
	if err != nil && !isNew {
		return Info{}, err
	}
	root := registry.Root{
		Account: ref.AccountID(cmp.Or(c.AccountID, string(account), auth.NewAccountID())),
		Alias:   ref.Alias(cmp.Or(c.Alias, string(alias), auth.NewAlias())),
	}
	keys := credentials{c.AccessKeyID, c.SecretAccessKey}
	path := c.file(CredentialsFile)
	if isNew && keys.id == "" && !c.onPostgres() {
		if keys, err = loadOrDrawCredentials(path); err != nil {
			return Info{}, err
		}
	}
	if keys.id != "" {
		if err := checkSecret(ctx, reg, s.sealer, keys); err != nil {
			return Info{}, err
		}
		root.Key = registry.AccessKey{ID: keys.id, Account: root.Account, SealedSecret: s.sealer.Seal([]byte(keys.secret), []byte(keys.id))}
	}
	if isNew && keys.id != "" {
		if err := writeCredentials(path, keys); err != nil {
			return Info{}, err
		}
	}
	if err := reg.EnsureRoot(ctx, root); err != nil {
		if _, _, found := registry.FindRoot(ctx, s.meta); isNew && found == nil {
			return ensureRoot(ctx, reg, s, c) // another node was faster, and its account is there to stay
		}
		return Info{}, err
	}
	if keys.id != "" { // in an old store only now: a start that is refused changes nothing
		if err := writeCredentials(path, keys); err != nil {
			return Info{}, err
		}
	}
	return Info{AccountID: string(root.Account), Alias: string(root.Alias)}, nil
}

// checkSecret refuses a key of the environment that has another secret here: which of the two is meant, nobody can tell.
func checkSecret(ctx context.Context, reg *registry.Registry, sealer *auth.Sealer, keys credentials) error {
	known, err := reg.AccessKey(ctx, keys.id)
	if errors.Is(err, registry.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	secret, err := sealer.Open(known.SealedSecret, []byte(keys.id))
	if err != nil {
		return fmt.Errorf("open the secret of access key %s: %w", keys.id, err)
	}
	if string(secret) != keys.secret {
		return fmt.Errorf("access key %s is here with another secret: set OPENECR_SECRET_ACCESS_KEY to that one or choose another OPENECR_ACCESS_KEY_ID", keys.id)
	}
	return nil
}
