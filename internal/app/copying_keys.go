package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/transfer"
)

// keyOf finds the master key that opens the secrets of a registry: that of the environment, or else of the first of the
// files that is there. A copy has its secrets as they were sealed, so they are of no use without it.
func keyOf(ctx context.Context, m registry.Meta, environment string, files ...string) (*auth.Sealer, [32]byte, error) {
	sealed, err := registry.FindSetting(ctx, m, tokenKeySetting)
	if errors.Is(err, registry.ErrAbsent) {
		return nil, [32]byte{}, errors.New("the source holds no registry: no openecr has served it")
	}
	if err != nil {
		return nil, [32]byte{}, err
	}
	key, err := findKey(environment, files)
	if err != nil {
		return nil, key, err
	}
	sealer, err := auth.NewSealer(key)
	if err == nil {
		_, err = openKey(sealer, tokenKeySetting, sealed)
	}
	return sealer, key, err
}

func findKey(environment string, files []string) ([32]byte, error) {
	if environment != "" {
		key, err := auth.ParseMasterKey(environment)
		if err != nil {
			err = fmt.Errorf("OPENECR_MASTER_KEY: %w", err)
		}
		return key, err
	}
	for _, file := range files {
		if exists(file) {
			return auth.LoadOrCreateMasterKey(file)
		}
	}
	if len(files) == 0 {
		return [32]byte{}, errors.New("the secrets of this registry are sealed: set OPENECR_MASTER_KEY to their master key")
	}
	return [32]byte{}, fmt.Errorf("the secrets of this registry are sealed, and their master key is missing: set OPENECR_MASTER_KEY, or put the key file where it was, or where it will be (%s)", strings.Join(files, ", "))
}

// copyWithKeys is copyRegistry for a target that will be served: that the master key opens its secrets is known before the
// first byte is copied.
func copyWithKeys(ctx context.Context, from, to *end, o transfer.Options, keyFiles ...string) (transfer.Report, error) {
	sealer, key, err := keyOf(ctx, from.meta, to.data.MasterKey, keyFiles...)
	if err != nil {
		return transfer.Report{}, err
	}
	if err := settle(ctx, from.meta, to.data, sealer, key); err != nil {
		return transfer.Report{}, err
	}
	return copyRegistry(ctx, from, to, o)
}

// settle gives the data folder of a copy what a server there would have made at its first start: the master key, unless
// it comes from the environment, and the root key in a file for `openecr env`. Files that are there stay.
func settle(ctx context.Context, from registry.Meta, to Stores, sealer *auth.Sealer, key [32]byte) error {
	if to.Data == "" {
		return nil
	}
	if to.MasterKey == "" && !exists(to.file(masterKeyFile)) {
		if err := writeFile(to.file(masterKeyFile), masterKeyText(key)); err != nil {
			return err
		}
	}
	keys, err := rootKey(ctx, from, sealer)
	if err != nil || keys.id == "" || exists(to.file(CredentialsFile)) {
		return err
	}
	return writeCredentials(to.file(CredentialsFile), keys)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// rootKey is a key of the root account that may do everything; without id when there is none.
func rootKey(ctx context.Context, m registry.Meta, sealer *auth.Sealer) (credentials, error) {
	account, _, err := registry.FindRoot(ctx, m)
	if err != nil {
		return credentials{}, err
	}
	var keys []registry.AccessKey
	err = m.View(ctx, func(tx registry.Tx) (err error) {
		keys, err = tx.AccessKeys(account)
		return err
	})
	for _, k := range keys {
		if k.User != "" || k.Disabled {
			continue
		}
		secret, err := sealer.Open(k.SealedSecret, []byte(k.ID))
		return credentials{k.ID, string(secret)}, err
	}
	return credentials{}, err
}

func masterKeyText(key [32]byte) []byte {
	return []byte(base64.StdEncoding.EncodeToString(key[:]) + "\n")
}
