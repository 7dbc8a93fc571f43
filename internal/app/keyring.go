package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// keyTTL is how long another process's change of an access key, its policy or its account may stay unseen.
	keyTTL = 2 * time.Second
	// maxCachedKeys bounds the memory that keys take.
	maxCachedKeys = 10_000
)

// keyring knows access keys with all that a request needs of them. Keys that exist are remembered for a moment: checking
// a signature must not cost a query.
type keyring struct {
	registry *registry.Registry
	sealer   *auth.Sealer

	mu      sync.Mutex
	changes uint64 // counts calls of forget, so that an answer read before one is not stored after it
	keys    map[string]knownKey
}

type knownKey struct {
	auth.Key
	policy *policy.Policy
	until  time.Time
}

func newKeyring(reg *registry.Registry, sealer *auth.Sealer) *keyring {
	return &keyring{registry: reg, sealer: sealer, keys: make(map[string]knownKey)}
}

// forget makes a change of any key hold from the next request on.
func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	clear(k.keys)
}

// key is find for package auth.
func (k *keyring) key(ctx context.Context, id string) (auth.Key, error) {
	known, err := k.find(ctx, id)
	return known.Key, err
}

// find is auth.ErrKeyNotFound for a key that does not exist. One that is disabled is found.
func (k *keyring) find(ctx context.Context, id string) (knownKey, error) {
	k.mu.Lock()
	known, ok := k.keys[id]
	changes := k.changes
	k.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known, nil
	}
	known, err := k.read(ctx, id)
	if err != nil {
		return knownKey{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if changes != k.changes {
		return known, nil
	}
	if len(k.keys) >= maxCachedKeys {
		clear(k.keys)
	}
	k.keys[id] = known
	return known, nil
}

func (k *keyring) read(ctx context.Context, id string) (knownKey, error) {
	until := time.Now().Add(keyTTL) // from before the read, or a slow one would stretch it
	stored, err := k.registry.Signer(ctx, id)
	if errors.Is(err, registry.ErrAbsent) {
		return knownKey{}, auth.ErrKeyNotFound
	}
	if err != nil {
		return knownKey{}, err
	}
	secret, err := k.sealer.Open(stored.SealedSecret, []byte(id))
	if err != nil {
		return knownKey{}, err
	}
	known := knownKey{until: until, Key: auth.Key{
		Secret:   string(secret),
		Identity: auth.Identity{AccountID: string(stored.Account), AccessKeyID: id, ARN: stored.ARN()},
		Disabled: stored.Disabled,
	}}
	if stored.Policy == "" {
		return known, nil
	}
	if known.policy, err = policy.Parse(stored.Policy, policy.IdentityPolicy); err != nil {
		return knownKey{}, fmt.Errorf("stored policy of access key %s: %w", id, err)
	}
	return known, nil
}

// caller is who holds the key.
func (k knownKey) caller() registry.Caller {
	return registry.Caller{
		Account: ref.AccountID(k.Identity.AccountID),
		ARN:     k.Identity.ARN,
		KeyID:   k.Identity.AccessKeyID,
		Policy:  k.policy,
	}
}
