package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/registry"
)

const (
	tokenKeysSetting = "token-keys"
	// firstTokenKey is the id of the key that a registry is made with.
	firstTokenKey = "1"

	// tokenKeysTTL is how long another node's keys, and its revoking of them, may stay unseen.
	tokenKeysTTL = 5 * time.Second
	// tokenKeyNotice is how long before its first signature a key is made, so that every node has it by then.
	tokenKeyNotice = auth.MaxTokenTTL
	// tokenKeyPatience is the time between two reads that tokens cause by naming a key that is not known: anybody can
	// write such a token.
	tokenKeyPatience = time.Second
)

// tokenKeyStore is the keys of tokens in the metadata: sealed, the same for all nodes.
type tokenKeyStore struct {
	registry *registry.Registry
	sealer   *auth.Sealer
	first    [32]byte // the secret of a registry whose keys were never stored
}

// read returns nil when none were ever stored.
func (s *tokenKeyStore) read(ctx context.Context) (auth.TokenKeys, error) {
	sealed, err := s.registry.Setting(ctx, tokenKeysSetting)
	if errors.Is(err, registry.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.open(sealed)
}

func (s *tokenKeyStore) open(sealed []byte) (auth.TokenKeys, error) {
	text, err := s.sealer.Open(sealed, []byte(tokenKeysSetting))
	if err != nil {
		return nil, fmt.Errorf("open setting %s: %w", tokenKeysSetting, err)
	}
	return auth.ParseTokenKeys(text)
}

// initial is the keys before any were stored.
func (s *tokenKeyStore) initial(now time.Time) auth.TokenKeys {
	return auth.TokenKeys{{TokenKey: auth.TokenKey{ID: firstTokenKey, Secret: s.first}, Signs: now.UTC().Truncate(time.Second)}}
}

// change stores what change makes of the keys. Of two nodes at the same time, the second gets what the first has made.
func (s *tokenKeyStore) change(ctx context.Context, now time.Time, change func(auth.TokenKeys) auth.TokenKeys) (keys auth.TokenKeys, err error) {
	err = s.registry.ChangeSetting(ctx, tokenKeysSetting, func(sealed []byte) ([]byte, error) {
		old := s.initial(now)
		if sealed != nil {
			if old, err = s.open(sealed); err != nil {
				return nil, err
			}
		}
		keys = change(old)
		if sealed != nil && slices.Equal(keys, old) {
			return sealed, nil
		}
		text, err := keys.Marshal()
		if err != nil {
			return nil, err
		}
		return s.sealer.Seal(text, []byte(tokenKeysSetting)), nil
	})
	return keys, err
}

// tokenKeys are the keys as a server uses them. It reads them again all the time, makes a new one when the newest is old
// enough, and forgets those whose tokens have all expired.
type tokenKeys struct {
	*tokenKeyStore
	age time.Duration // of a key when its successor is made; 0 means never
	now func() time.Time

	inUse atomic.Pointer[[]auth.TokenKey] // another slice whenever the keys change; what was verified by one before may not stand

	mu      sync.Mutex // held while the store is asked, so that it is asked once
	mayRead time.Time  // for the sake of an unknown key
}

// openTokenKeys returns the keys after a first read.
func openTokenKeys(ctx context.Context, s *tokenKeyStore, age time.Duration) (*tokenKeys, error) {
	k := &tokenKeys{tokenKeyStore: s, age: age, now: time.Now}
	return k, k.refresh(ctx)
}

// use is auth.Tokens.Keys.
func (k *tokenKeys) use(context.Context) ([]auth.TokenKey, error) { return *k.inUse.Load(), nil }

// useNewer is auth.Tokens.NewerKeys: another node may have made a key just now.
func (k *tokenKeys) useNewer(ctx context.Context) ([]auth.TokenKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); !now.Before(k.mayRead) {
		k.mayRead = now.Add(tokenKeyPatience)
		if err := k.renew(ctx); err != nil {
			return nil, err
		}
	}
	return k.use(ctx)
}

// refresh reads the keys.
func (k *tokenKeys) refresh(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.renew(ctx)
}

// renew is for whoever holds the lock.
func (k *tokenKeys) renew(ctx context.Context) error {
	now := k.now()
	keys, err := k.read(ctx)
	if err != nil {
		return err
	}
	if keys == nil || k.due(keys, now) {
		if keys, err = k.make(ctx, keys, now); err != nil {
			return err
		}
	}
	inUse := keys.InUse(now)
	if known := k.inUse.Load(); known == nil || !slices.Equal(*known, inUse) {
		k.inUse.Store(&inUse)
	}
	return nil
}

func (k *tokenKeys) due(keys auth.TokenKeys, now time.Time) bool {
	return k.age > 0 && keys.Due(now, k.age)
}

// make stores the keys of a new registry, or the successor of one that is old. While the registry is read-only the old one
// goes on.
func (k *tokenKeys) make(ctx context.Context, old auth.TokenKeys, now time.Time) (auth.TokenKeys, error) {
	keys, err := k.change(ctx, now, func(keys auth.TokenKeys) auth.TokenKeys {
		if k.due(keys, now) {
			return keys.Rotate(now, tokenKeyNotice)
		}
		return keys
	})
	if registry.KindOf(err) != registry.ReadOnly || err == nil {
		return keys, err
	}
	if old == nil {
		return k.initial(now), nil
	}
	return old, nil
}

// keep refreshes the keys until ctx ends. As long as the store does not answer, those that are known go on.
func (k *tokenKeys) keep(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(tokenKeysTTL)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.refreshOrWarn(ctx, log)
		}
	}
}

func (k *tokenKeys) refreshOrWarn(ctx context.Context, log *slog.Logger) {
	if err := k.refresh(ctx); err != nil && ctx.Err() == nil {
		log.Warn("the keys of tokens could not be read; those that are known go on", "error", err.Error())
	}
}
