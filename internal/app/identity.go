package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// keyTTL is how long another process's change of an access key may stay unseen.
	keyTTL = 2 * time.Second
	// maxCachedKeys bounds the memory that strangers can take with made-up key ids.
	maxCachedKeys = 10_000
	// passwordTTL is how long a docker login lasts, as with the real service.
	passwordTTL = auth.MaxTokenTTL
	// bearerTTL is short, because clients get a new bearer token by themselves.
	bearerTTL = time.Hour
)

// identity establishes who calls, for both wires: it joins package auth to what the store knows of keys.
type identity struct {
	registry *registry.Registry
	sealer   *auth.Sealer
	verifier *auth.Verifier
	tokens   *auth.Tokens

	mu   sync.Mutex
	keys map[string]cachedKey
}

type cachedKey struct {
	auth.Key
	until time.Time
}

func newIdentity(reg *registry.Registry, s stores, host string) *identity {
	i := &identity{registry: reg, sealer: s.sealer, keys: make(map[string]cachedKey)}
	i.verifier = &auth.Verifier{Key: i.key}
	tokenKeys := []auth.TokenKey{{ID: "1", Secret: s.secrets.token}}
	i.tokens = &auth.Tokens{
		Keys:     func(context.Context) ([]auth.TokenKey, error) { return tokenKeys, nil },
		Registry: host,
	}
	return i
}

// key looks an access key up. Keys that exist are remembered for a moment: checking a signature must not cost a query.
func (i *identity) key(ctx context.Context, id string) (auth.Key, error) {
	i.mu.Lock()
	cached, ok := i.keys[id]
	i.mu.Unlock()
	if ok && time.Now().Before(cached.until) {
		return cached.Key, nil
	}
	stored, err := i.registry.AccessKey(ctx, id)
	if errors.Is(err, registry.ErrAbsent) {
		return auth.Key{}, auth.ErrKeyNotFound
	}
	if err != nil {
		return auth.Key{}, err
	}
	secret, err := i.sealer.Open(stored.SealedSecret, []byte(id))
	if err != nil {
		return auth.Key{}, err
	}
	key := auth.Key{
		Secret:   string(secret),
		Identity: auth.Identity{AccountID: string(stored.Account), AccessKeyID: id, ARN: ref.RootARN(stored.Account)},
		Disabled: stored.Disabled,
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.keys) >= maxCachedKeys {
		clear(i.keys)
	}
	i.keys[id] = cachedKey{key, time.Now().Add(keyTTL)}
	return key, nil
}

func caller(id auth.Identity) registry.Caller {
	return registry.Caller{Account: ref.AccountID(id.AccountID), ARN: id.ARN, KeyID: id.AccessKeyID}
}

func identityOf(c registry.Caller) auth.Identity {
	return auth.Identity{AccountID: string(c.Account), ARN: c.ARN, AccessKeyID: c.KeyID}
}

// pending joins auth.Pending to what package ecrapi asks for.
type pending struct{ *auth.Pending }

func (p pending) Finish(bodySHA256 [32]byte) (registry.Caller, error) {
	id, err := p.Pending.Finish(bodySHA256)
	if err != nil {
		return registry.Caller{}, err
	}
	return caller(id), nil
}

// begin checks the signature of an API call as far as its headers go.
func (i *identity) begin(r *http.Request) (ecrapi.Pending, error) {
	p, err := i.verifier.Begin(r)
	if err != nil {
		return nil, err
	}
	return pending{p}, nil
}

// issuePassword makes the answer of GetAuthorizationToken.
func (i *identity) issuePassword(ctx context.Context, c registry.Caller) (string, time.Time, error) {
	password, expires, err := i.tokens.IssuePassword(ctx, identityOf(c), passwordTTL)
	if err != nil {
		return "", time.Time{}, err
	}
	return auth.AuthorizationToken(password), expires, nil
}

// authenticate finds the caller of a registry request. Nobody is a caller too: pulls are open to all.
func (i *identity) authenticate(r *http.Request) (registry.Caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return registry.Caller{}, nil
	}
	if user, password, ok := r.BasicAuth(); ok {
		return i.login(r.Context(), user, password)
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return registry.Caller{}, refused(auth.ErrTokenInvalid)
	}
	// The answer of GetAuthorizationToken is a bearer token too, as with the real service.
	if password, err := auth.ParseAuthorizationToken(token); err == nil {
		return i.login(r.Context(), loginUser, password)
	}
	claims, err := i.tokens.ParseBearer(r.Context(), token)
	if err != nil {
		return registry.Caller{}, refused(err)
	}
	return i.checkClaims(r.Context(), claims)
}

const loginUser = "AWS"

// login checks what docker login was given.
func (i *identity) login(ctx context.Context, user, password string) (registry.Caller, error) {
	claims, err := i.checkPassword(ctx, user, password)
	if err != nil {
		return registry.Caller{}, err
	}
	return i.checkClaims(ctx, claims)
}

func (i *identity) checkPassword(ctx context.Context, user, password string) (auth.Claims, error) {
	if user != loginUser {
		return auth.Claims{}, refused(fmt.Errorf("user name %q is not AWS", user))
	}
	claims, err := i.tokens.ParsePassword(ctx, password)
	if err != nil {
		return auth.Claims{}, refused(err)
	}
	return claims, nil
}

// issueBearer makes a token for a login, for nobody when there is none. Scopes are not written into it: what a caller
// may do is decided anew at every request, so that a change holds at once. It does not outlive the password.
func (i *identity) issueBearer(r *http.Request, login ociapi.Login, _ []string) (ociapi.Token, error) {
	now, ttl := time.Now(), bearerTTL
	var c registry.Caller
	if login != (ociapi.Login{}) {
		claims, err := i.checkPassword(r.Context(), login.User, login.Password)
		if err != nil {
			return ociapi.Token{}, err
		}
		if c, err = i.checkClaims(r.Context(), claims); err != nil {
			return ociapi.Token{}, err
		}
		ttl = min(ttl, max(time.Second, claims.Expires.Sub(now)))
	}
	token, expires, err := i.tokens.IssueBearer(r.Context(), identityOf(c), ttl)
	return ociapi.Token{Value: token, IssuedAt: now, ExpiresIn: expires.Sub(now)}, err
}

// checkClaims finds out whether the key behind a genuine token still stands.
func (i *identity) checkClaims(ctx context.Context, claims auth.Claims) (registry.Caller, error) {
	if claims.Anonymous() {
		return registry.Caller{}, nil
	}
	key, err := i.key(ctx, claims.AccessKeyID)
	if errors.Is(err, auth.ErrKeyNotFound) || err == nil && key.Disabled {
		return registry.Caller{}, refused(auth.ErrTokenInvalid)
	}
	if err != nil {
		return registry.Caller{}, err
	}
	return caller(key.Identity), nil
}

// refused words why a login does not hold, in the way that package ociapi passes on.
func refused(err error) error {
	switch {
	case errors.Is(err, auth.ErrTokenExpired):
		return &registry.Error{Kind: registry.AccessDenied, Message: "Your authorization token has expired. Reauthenticate and try again."}
	case errors.Is(err, auth.ErrTokenInvalid):
		return &registry.Error{Kind: registry.AccessDenied, Message: "Your Authorization Token is invalid."}
	}
	return &registry.Error{Kind: registry.AccessDenied, Message: "Your login is not valid: " + err.Error() + "."}
}
