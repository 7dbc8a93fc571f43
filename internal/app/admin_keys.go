package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// KeyInfo is an access key as commands show it.
type KeyInfo struct {
	ID        string          `json:"accessKeyId"`
	Secret    string          `json:"secretAccessKey,omitempty"` // only in the answer of the command that made it
	Account   string          `json:"accountId"`
	User      string          `json:"userName,omitempty"`
	ARN       string          `json:"arn"`
	Policy    json.RawMessage `json:"policy,omitempty"`
	Disabled  bool            `json:"disabled"`
	CreatedAt time.Time       `json:"createdAt"`
}

func (k KeyInfo) withoutSecret() any {
	k.Secret = ""
	return k
}

func keyInfo(k registry.AccessKey) KeyInfo {
	return KeyInfo{
		ID: k.ID, Account: string(k.Account), User: k.User, ARN: k.ARN(), Policy: json.RawMessage(k.Policy),
		Disabled: k.Disabled, CreatedAt: k.CreatedAt,
	}
}

// CreateKey makes an access key.
type CreateKey struct {
	Account string `json:"account" help:"Account that it signs for; the first one when left out." placeholder:"ID"`
	User    string `json:"user" help:"User who holds it, as its ARN shows; the root user when left out." placeholder:"NAME"`
	Policy  string `json:"policy" help:"What the user may do: an IAM policy as JSON or file://PATH. Without: everything in the account." placeholder:"POLICY"`
}

func (c CreateKey) run(ctx context.Context, a *administration) (KeyInfo, error) {
	id, err := a.account(c.Account)
	if err != nil {
		return KeyInfo{}, err
	}
	key, secret := a.newKey()
	key.Account, key.User, key.Policy = id, c.User, c.Policy
	made, err := a.registry.CreateAccessKey(ctx, key)
	if err != nil {
		return KeyInfo{}, err
	}
	info := keyInfo(made)
	info.Secret = secret
	return info, nil
}

// newKey draws a key and seals its secret.
func (a *administration) newKey() (key registry.AccessKey, secret string) {
	id, secret := auth.NewAccessKey()
	return registry.AccessKey{ID: id, SealedSecret: a.sealer.Seal([]byte(secret), []byte(id))}, secret
}

// ListKeys shows keys without their secrets.
type ListKeys struct {
	Account string `json:"account" help:"Only the keys of this account." placeholder:"ID"`
}

func (ListKeys) readsOnly() bool { return true }

func (c ListKeys) run(ctx context.Context, a *administration) ([]KeyInfo, error) {
	if c.Account != "" {
		if _, err := ref.ParseAccountID(c.Account); err != nil {
			return nil, err
		}
	}
	keys, err := a.registry.AccessKeys(ctx, ref.AccountID(c.Account))
	list := make([]KeyInfo, len(keys))
	for i, k := range keys {
		list[i] = keyInfo(k)
	}
	return list, err
}

// DisableKey stops a key, or lets it sign again.
type DisableKey struct {
	ID     string `arg:"" json:"id" name:"access-key-id" help:"See openecr key list."`
	Enable bool   `kong:"-" json:"enable"`
}

func (c DisableKey) run(ctx context.Context, a *administration) (KeyInfo, error) {
	key, err := a.registry.SetAccessKeyDisabled(ctx, c.ID, !c.Enable)
	return keyInfo(key), err
}

// SetKeyPolicy replaces what the holder of a key may do.
type SetKeyPolicy struct {
	ID     string `arg:"" json:"id" name:"access-key-id" help:"Key of a user."`
	Policy string `arg:"" json:"policy" help:"An IAM policy as JSON or file://PATH."`
}

func (c SetKeyPolicy) run(ctx context.Context, a *administration) (KeyInfo, error) {
	key, err := a.registry.SetAccessKeyPolicy(ctx, c.ID, c.Policy)
	return keyInfo(key), err
}

// DeleteKey removes a key for good.
type DeleteKey struct {
	ID string `arg:"" json:"id" name:"access-key-id" help:"See openecr key list."`
}

func (c DeleteKey) run(ctx context.Context, a *administration) (Nothing, error) {
	return Nothing{}, a.registry.DeleteAccessKey(ctx, c.ID)
}

// RotateKey makes a new key for the same user with the same policy, and disables the old one.
type RotateKey struct {
	ID      string `arg:"" json:"id" name:"access-key-id" help:"The key to replace."`
	KeepOld bool   `json:"keepOld" help:"Leave the old key enabled; disable it when nobody uses it any more."`
}

// run also replaces the key in the credentials file when that is the one it rotates, or `openecr env` would print a key
// that is disabled.
func (c RotateKey) run(ctx context.Context, a *administration) (KeyInfo, error) {
	fresh, secret := a.newKey()
	made, err := a.registry.RotateAccessKey(ctx, c.ID, fresh, c.KeepOld)
	if err != nil {
		return KeyInfo{}, err
	}
	info := keyInfo(made)
	info.Secret = secret
	path := a.data.file(CredentialsFile)
	if inFile, err := readCredentials(path); err != nil || inFile.id != c.ID {
		return info, nil //nolint:nilerr // a file that is missing or somebody else's is left alone
	}
	if err := writeCredentials(path, credentials{info.ID, secret}); err != nil {
		return KeyInfo{}, fmt.Errorf("the key is rotated, but its file could not be replaced, and nobody has the new secret: make another key with `openecr key create`: %w", err)
	}
	return info, nil
}
