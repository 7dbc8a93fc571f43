package registry

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
)

// Lease is how long an AVAILABLE answer keeps a layer that no image references from being collected (invariant 2).
const Lease = 24 * time.Hour

// Config is what a Registry is made of. Meta and Blobs are required; the rest has defaults.
type Config struct {
	Meta  Meta
	Blobs Blobs
	// Host is the authority that repository URIs begin with: "127.0.0.1:8080".
	Host string
	// PageKey authenticates page tokens; all nodes of one registry share it.
	PageKey []byte
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// CacheBytes bounds the cache of present layers; 80 MiB when 0, which hold a million.
	CacheBytes int
	// Limits are quotas; the documented ones where zero.
	Limits Limits
	// URL is the address of the server for browsers, which logos are shown under; "http://" and Host when empty.
	URL string
	// Lease is another one than the constant of that name, for tests.
	Lease time.Duration
	// Observer hears what the verbs have done.
	Observer Observer
	// Presign is an address at which anybody can read the bytes under a locator for a while, empty where they are to be
	// read through OpenLayer. Nil is a store that has none.
	Presign func(ctx context.Context, locator string) (string, error)
	// Alone says that nobody else changes the metadata: no other process, no other Registry. Then what is remembered of a
	// repository holds for longer, because every change drops it.
	Alone bool
}

// Registry answers for all registries of one server. Its methods are the verbs of both wires; they may be called
// concurrently.
type Registry struct {
	meta    guardedMeta
	blobs   Blobs
	host    string
	url     string
	pageKey []byte
	limits  Limits
	now     func() time.Time
	lease   time.Duration
	observe Observer
	presign func(ctx context.Context, locator string) (string, error)

	cache    *layerCache
	images   *imageCache
	policies policyCache
	uploads  uploadLocks
	decoding sync.Mutex // of logos

	downloads downloadCounter
	events    eventLog
}

// New makes a Registry over stores that are open. It does no I/O.
func New(c Config) *Registry {
	r := &Registry{meta: guardedMeta{c.Meta}, blobs: c.Blobs, host: c.Host, url: c.URL, pageKey: c.PageKey, limits: c.Limits.withDefaults(), observe: c.Observer.withDefaults(), presign: c.Presign}
	if r.url == "" {
		r.url = "http://" + c.Host
	}
	clock := c.Now
	if clock == nil {
		clock = time.Now
	}
	// Stores keep milliseconds. Cutting here keeps what a verb returns equal to what the next one reads.
	r.now = func() time.Time { return clock().UTC().Truncate(time.Millisecond) }
	r.lease = cmp.Or(c.Lease, Lease)
	r.cache = newLayerCache(cmp.Or(c.CacheBytes, defaultCacheBytes), r.lease)
	r.images = newImageCache(c.Alone)
	r.cache.names = r.images
	if c.Alone {
		r.cache.repositoryTTL = layerTTL
	}
	return r
}

// promise is until when a layer is kept that has just come or lost its last image: a push that finds it within one lease
// has another to finish.
func (r *Registry) promise() time.Time { return r.now().Add(2 * r.lease) }

// Caller is who makes a request, as package auth has established. The zero value is nobody: it may pull.
type Caller struct {
	Account ref.AccountID
	ARN     string
	KeyID   string // the access key behind the request
	// Policy is the identity policy of the key; nil for a root key: everything in its own account.
	Policy *policy.Policy
	// Conditions gathers what else policies may ask about: "aws:SourceIp": {"203.0.113.7"}. It makes a new map and is called
	// only where a policy is asked. Nil is none.
	Conditions func() map[string][]string
}

// Anonymous says whether nobody signed the request.
func (c Caller) Anonymous() bool { return c.Account == "" }

// Path is a repository as a caller names it: Registry is an account id or an alias, and empty for the caller's own. It
// stays as it was typed, because that is how error messages repeat it.
type Path struct {
	Registry string
	Name     ref.RepositoryName
}

// own fills in the caller's registry where none is named.
func (p Path) own(c Caller) Path {
	if p.Registry == "" {
		p.Registry = string(c.Account)
	}
	return p
}

// AccountOf is the account that a registry, as a caller names it, belongs to.
func (r *Registry) AccountOf(ctx context.Context, c Caller, registry string) (ref.AccountID, error) {
	p := Path{Registry: registry}.own(c)
	if id, err := ref.ParseAccountID(p.Registry); err == nil {
		return id, nil
	}
	var alias Alias
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		alias, err = tx.Alias(ref.Alias(p.Registry))
		return err
	})
	if errors.Is(err, ErrAbsent) {
		return "", registryNotFound(p)
	}
	return alias.Account, err
}

// URI is the address under which docker reaches the repository.
func (r *Registry) URI(repo Repository) string {
	return r.host + "/" + string(repo.Alias) + "/" + string(repo.Name)
}

// RegistryURI is the address under which docker reaches the registry with that primary alias.
func (r *Registry) RegistryURI(alias ref.Alias) string {
	return r.host + "/" + string(alias)
}

// openRepository reads the repository inside a transaction and checks that the caller may do action with it.
func (r *Registry) openRepository(tx Tx, c Caller, action string, p Path) (Repository, error) {
	repo, err := tx.Repository(p.Registry, p.Name)
	if errors.Is(err, ErrAbsent) {
		return Repository{}, absentRepository(tx, p)
	}
	if err != nil {
		return Repository{}, err
	}
	return repo, r.authorize(c, repositoryAccess(action, repo))
}

// openPublic is openRepository for what everybody may read.
func openPublic(tx Tx, p Path) (Repository, error) {
	repo, err := tx.Repository(p.Registry, p.Name)
	if errors.Is(err, ErrAbsent) {
		return Repository{}, absentRepository(tx, p)
	}
	return repo, err
}

// absentRepository tells an unknown registry from an unknown repository.
func absentRepository(tx Tx, p Path) error {
	_, err := tx.Account(ref.AccountID(p.Registry))
	if errors.Is(err, ErrAbsent) {
		_, err = tx.Alias(ref.Alias(p.Registry))
	}
	if errors.Is(err, ErrAbsent) {
		return registryNotFound(p)
	}
	if err != nil {
		return err
	}
	return repositoryNotFound(p)
}

// viewRepository runs fn over a snapshot with the repository opened for action.
func (r *Registry) viewRepository(ctx context.Context, c Caller, action string, p Path, fn func(Tx, Repository) error) error {
	return r.meta.View(ctx, func(tx Tx) error {
		repo, err := r.openRepository(tx, c, action, p)
		if err != nil {
			return err
		}
		return fn(tx, repo)
	})
}

// updateRepository runs fn in a transaction with the repository opened for action. The order of effects of every write that
// goes through here and touches no bytes:
//
//  1. the transaction     crash before its commit: nothing has happened; the client asks again
//  2. what is remembered is dropped, whatever the outcome: a store may fail after it has committed
//  3. the answer          crash before it: all has happened; who asks again is told so, by an error that says "already" or
//     "does not exist", or by the same answer
//
// A crash leaves nothing to repair in any gap.
func (r *Registry) updateRepository(ctx context.Context, c Caller, action string, p Path, fn func(Tx, Repository) error) error {
	var changed int64
	err := r.meta.Update(ctx, func(tx Tx) error {
		repo, err := r.openRepository(tx, c, action, p)
		if err != nil {
			return err
		}
		changed = repo.ID
		return fn(tx, repo)
	})
	r.images.drop(changed) // also after an error: the outcome may be unknown
	return err
}
