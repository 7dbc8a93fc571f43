package app

import (
	"context"
	"time"

	"github.com/openecr/openecr/internal/auth"
)

// TokenKeyInfo is a key that tokens are signed with, without its secret.
type TokenKeyInfo struct {
	ID       string     `json:"id"`
	Signs    time.Time  `json:"signsFrom"`
	Verifies *time.Time `json:"verifiesUntil,omitempty"` // nil until its successor is made
}

func tokenKeyInfos(keys auth.TokenKeys) []TokenKeyInfo {
	infos := make([]TokenKeyInfo, len(keys))
	for i, k := range keys {
		infos[i] = TokenKeyInfo{ID: k.ID, Signs: k.Signs}
		if i < len(keys)-1 {
			ends := keys.Ends(i)
			infos[i].Verifies = &ends
		}
	}
	return infos
}

// ListTokenKeys shows which keys sign and verify tokens.
type ListTokenKeys struct{}

func (ListTokenKeys) readsOnly() bool { return true }

func (ListTokenKeys) run(ctx context.Context, a *administration) ([]TokenKeyInfo, error) {
	keys, err := a.tokenKeys.read(ctx)
	if err == nil && keys == nil {
		keys, err = a.tokenKeys.change(ctx, time.Now(), func(keys auth.TokenKeys) auth.TokenKeys { return keys })
	}
	return tokenKeyInfos(keys), err
}

// RotateTokenKey makes a key that signs from now on.
type RotateTokenKey struct {
	Revoke bool `json:"revoke" help:"Drop all other keys at once, as after a leak: every docker login, bearer token and session of the gallery ends, on other nodes within seconds."`
}

func (c RotateTokenKey) run(ctx context.Context, a *administration) ([]TokenKeyInfo, error) {
	now := time.Now()
	keys, err := a.tokenKeys.change(ctx, now, func(keys auth.TokenKeys) auth.TokenKeys {
		if c.Revoke {
			return auth.TokenKeys{auth.NewTokenKey(now)}
		}
		return keys.Rotate(now, 0)
	})
	return tokenKeyInfos(keys), err
}
