package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// passwordTTL is how long a docker login lasts, as with the real service.
	passwordTTL = auth.MaxTokenTTL
	// bearerTTL is short, because clients get a new bearer token by themselves.
	bearerTTL = time.Hour
)

// identity establishes who calls, for all wires: it joins package auth to what the store knows of keys.
type identity struct {
	*keyring
	api, sts *auth.Verifier
	tokens   *auth.Tokens
}

func newIdentity(reg *registry.Registry, s stores, keys *tokenKeys, host string) *identity {
	i := &identity{keyring: newKeyring(reg, s.sealer)}
	i.api = &auth.Verifier{Key: i.key, Service: "ecr-public"}
	i.sts = &auth.Verifier{Key: i.key, Service: "sts"}
	i.tokens = &auth.Tokens{Keys: keys.use, NewerKeys: keys.useNewer, Registry: host}
	return i
}

func identityOf(c registry.Caller) auth.Identity {
	return auth.Identity{AccountID: string(c.Account), ARN: c.ARN, AccessKeyID: c.KeyID}
}

// pending joins auth.Pending to what packages ecrapi and stsapi ask for.
type pending struct {
	*auth.Pending
	keys *keyring
	ctx  context.Context // of the request
}

// Finish looks at the key once more: a long body may have outlived it.
func (p pending) Finish(bodySHA256 [32]byte) (registry.Caller, error) {
	id, err := p.Pending.Finish(bodySHA256)
	if err != nil {
		return registry.Caller{}, err
	}
	known, err := p.keys.find(p.ctx, id.AccessKeyID)
	if errors.Is(err, auth.ErrKeyNotFound) || err == nil && known.Disabled {
		return registry.Caller{}, auth.UnknownKey()
	}
	return known.caller(), err
}

// begin checks the signature of a call as far as its headers go.
func (i *identity) begin(v *auth.Verifier, r *http.Request) (pending, error) {
	p, err := v.Begin(r)
	return pending{p, i.keyring, r.Context()}, err
}

func (i *identity) beginAPI(r *http.Request) (ecrapi.Pending, error) {
	p, err := i.begin(i.api, r)
	return p, err
}

func (i *identity) beginSTS(r *http.Request) (ecrapi.Pending, error) {
	p, err := i.begin(i.sts, r)
	return p, err
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
func (i *identity) authenticate(r *http.Request) (registry.Caller, ociapi.Scopes, error) {
	claims, err := i.claims(r)
	if err != nil {
		return registry.Caller{}, nil, err
	}
	c, err := i.checkClaims(r.Context(), claims)
	return c, claims.Scopes, err
}

// claims are what a request proves, zero for nobody.
func (i *identity) claims(r *http.Request) (auth.Claims, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return auth.Claims{}, nil
	}
	if user, password, ok := r.BasicAuth(); ok {
		return i.checkPassword(r.Context(), user, password)
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return auth.Claims{}, refused(auth.ErrTokenInvalid)
	}
	// The answer of GetAuthorizationToken is a bearer token too, as with the real service. It has no dot.
	if !strings.Contains(token, ".") {
		password, err := auth.ParseAuthorizationToken(token)
		if err != nil {
			return auth.Claims{}, refused(err)
		}
		return i.checkPassword(r.Context(), loginUser, password)
	}
	claims, err := i.tokens.ParseBearer(r.Context(), token)
	if err != nil {
		return auth.Claims{}, refused(err)
	}
	return claims, nil
}

const loginUser = "AWS"

// errNotAWS does not repeat the name: it may be the password, given the wrong way round, and errors are logged.
var errNotAWS = errors.New("the user name must be AWS")

// checkPassword checks what docker login was given.
func (i *identity) checkPassword(ctx context.Context, user, password string) (auth.Claims, error) {
	if user != loginUser {
		return auth.Claims{}, refused(errNotAWS)
	}
	claims, err := i.tokens.ParsePassword(ctx, password)
	if err != nil {
		return auth.Claims{}, refused(err)
	}
	return claims, nil
}

// issueBearer makes a token for a login, for nobody when there is none, good for what the caller may do of what is asked
// for. It does not outlive the password.
func (i *identity) issueBearer(r *http.Request, login ociapi.Login, asked []string) (ociapi.Token, error) {
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
		c = withConditions(c, r)
		ttl = min(ttl, max(time.Second, claims.Expires.Sub(now)))
	}
	scopes, err := ociapi.Narrow(r.Context(), i.registry, c, asked)
	if err != nil {
		return ociapi.Token{}, err
	}
	token, expires, err := i.tokens.IssueBearer(r.Context(), identityOf(c), scopes, ttl)
	return ociapi.Token{Value: token, IssuedAt: now, ExpiresIn: expires.Sub(now)}, err
}

// checkClaims finds out whether the key behind a genuine token still stands.
func (i *identity) checkClaims(ctx context.Context, claims auth.Claims) (registry.Caller, error) {
	if claims.Anonymous() {
		return registry.Caller{}, nil
	}
	known, err := i.find(ctx, claims.AccessKeyID)
	if errors.Is(err, auth.ErrKeyNotFound) || err == nil && known.Disabled {
		return registry.Caller{}, refused(auth.ErrTokenInvalid)
	}
	if err != nil {
		return registry.Caller{}, err
	}
	return known.caller(), nil
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
