package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/registry"
)

const (
	masterKeyFile   = "master.key"
	tokenKeySetting = "token-key"
	pageKeySetting  = "page-key"
)

// secrets are keys that all nodes of a registry share. They lie sealed in the metadata.
type secrets struct {
	token [32]byte // the first key of tokens; those that follow are in tokenKeyStore
	page  [32]byte // authenticates page tokens
}

// openSecrets opens what is sealed in the metadata, and makes it in a new store.
func openSecrets(ctx context.Context, meta registry.Meta, s Stores) (*auth.Sealer, secrets, error) {
	master, err := masterKey(ctx, meta, s)
	if err != nil {
		return nil, secrets{}, err
	}
	sealer, err := auth.NewSealer(master)
	if err != nil {
		return nil, secrets{}, err
	}
	var keys secrets
	if keys.token, err = sharedKey(ctx, meta, sealer, tokenKeySetting); err != nil {
		return nil, secrets{}, err
	}
	if keys.page, err = sharedKey(ctx, meta, sealer, pageKeySetting); err != nil {
		return nil, secrets{}, err
	}
	return sealer, keys, nil
}

// masterKey comes from the environment or from a file in the data folder, which is made for new data only: a new key
// for old data would open nothing.
func masterKey(ctx context.Context, meta registry.Meta, s Stores) ([32]byte, error) {
	if s.MasterKey != "" {
		key, err := auth.ParseMasterKey(s.MasterKey)
		if err != nil {
			err = fmt.Errorf("OPENECR_MASTER_KEY: %w", err)
		}
		return key, err
	}
	path := s.file(masterKeyFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		_, err := registry.FindSetting(ctx, meta, tokenKeySetting)
		if err == nil {
			return [32]byte{}, fmt.Errorf("the secrets in this data are sealed and %s is missing: put it back or set OPENECR_MASTER_KEY", path)
		}
		if !errors.Is(err, registry.ErrAbsent) {
			return [32]byte{}, err
		}
	}
	return auth.LoadOrCreateMasterKey(path)
}

func sharedKey(ctx context.Context, meta registry.Meta, sealer *auth.Sealer, name string) (key [32]byte, err error) {
	rand.Read(key[:]) // never fails
	sealed, err := registry.EnsureSetting(ctx, meta, name, sealer.Seal(key[:], []byte(name)))
	if err != nil {
		return key, err
	}
	return openKey(sealer, name, sealed)
}

// openKey opens what sharedKey has sealed.
func openKey(sealer *auth.Sealer, name string, sealed []byte) (key [32]byte, err error) {
	plain, err := sealer.Open(sealed, []byte(name))
	if errors.Is(err, auth.ErrWrongMasterKey) {
		return key, errors.New("the master key does not open this data: set OPENECR_MASTER_KEY, or put the file master.key back, as it was when the data was made")
	}
	if err != nil || len(plain) != len(key) {
		return key, fmt.Errorf("open setting %s: %w", name, err)
	}
	return [32]byte(plain), nil
}
