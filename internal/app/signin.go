package app

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/gallery"
	"github.com/openecr/openecr/internal/registry"
)

// How often signing in to the gallery may fail: by network address, and by access key from all addresses together. The
// second leaves more room, because strangers could use it up to keep the key's holder out.
var failures = map[string]rate{
	"address": {perSecond: 0.1, burst: 10},
	"key":     {perSecond: 1, burst: 60},
}

// maxKeyID bounds names, in bytes, because those that fail are remembered. IAM's are shorter.
const maxKeyID = 128

// signIns lets people into the gallery: it joins identity to the sessions of browsers.
type signIns struct {
	*identity
	failed *throttle
}

func newSignIns(i *identity) *signIns { return &signIns{i, newThrottle(failures)} }

// signIn takes what docker login takes, or an access key.
func (s *signIns) signIn(r *http.Request, name, secret string) (gallery.Session, error) {
	if len(name) > maxKeyID {
		return gallery.Session{}, errWrongSignIn
	}
	tries := []bucketKey{{network(connectionOf(r).remote), "address"}}
	if name != loginUser {
		tries = append(tries, bucketKey{name, "key"})
	}
	// A try counts until it has succeeded, or many at once would all come before the first has failed.
	for _, t := range tries {
		if wait := s.failed.spend(t, failures[t.operation]); wait > 0 {
			return gallery.Session{}, &gallery.TooManyTries{Wait: wait}
		}
	}
	known, ends, err := s.prove(r, name, secret)
	if err != nil {
		return gallery.Session{}, err
	}
	for _, t := range tries {
		s.failed.giveBack(t, failures[t.operation])
	}
	return s.session(r, known, s.tokens.BeginSession(known.Identity, ends))
}

// prove finds the access key behind a sign-in, and when the proof ends if it does.
func (s *signIns) prove(r *http.Request, name, secret string) (known knownKey, ends time.Time, err error) {
	if name == loginUser {
		claims, err := s.checkPassword(r.Context(), name, secret)
		if err != nil {
			return knownKey{}, time.Time{}, err
		}
		known, err := s.standing(r, claims.AccessKeyID)
		return known, claims.Expires, err
	}
	known, err = s.standing(r, name)
	if registry.KindOf(err) == registry.Internal && err != nil {
		return knownKey{}, time.Time{}, err
	}
	if err != nil || subtle.ConstantTimeCompare([]byte(known.Secret), []byte(secret)) != 1 {
		return knownKey{}, time.Time{}, errWrongSignIn
	}
	return known, time.Time{}, nil
}

var errWrongSignIn = &registry.Error{Kind: registry.AccessDenied, Message: "There is no such access key, or its secret is another. The name for a docker password is AWS."}

// resume continues the session of a token, as long as its key stands.
func (s *signIns) resume(r *http.Request, token string) (gallery.Session, error) {
	session, err := s.tokens.ParseSession(r.Context(), token)
	if errors.Is(err, auth.ErrTokenInvalid) || errors.Is(err, auth.ErrTokenExpired) {
		return gallery.Session{}, refused(err)
	}
	if err != nil {
		return gallery.Session{}, err
	}
	known, err := s.standing(r, session.AccessKeyID)
	if err != nil {
		return gallery.Session{}, err
	}
	if s.tokens.NeedsRenewal(session) {
		return s.session(r, known, session)
	}
	return sessionOf(r, known, session, token), nil
}

// standing is the key, unless it is gone or disabled: then nobody is let in.
func (s *signIns) standing(r *http.Request, id string) (knownKey, error) {
	known, err := s.find(r.Context(), id)
	if errors.Is(err, auth.ErrKeyNotFound) || err == nil && known.Disabled {
		return knownKey{}, refused(auth.ErrTokenInvalid)
	}
	return known, err
}

// session issues a token.
func (s *signIns) session(r *http.Request, known knownKey, begun auth.Session) (gallery.Session, error) {
	token, err := s.tokens.IssueSession(r.Context(), begun)
	return sessionOf(r, known, begun, token), err
}

func sessionOf(r *http.Request, known knownKey, s auth.Session, token string) gallery.Session {
	return gallery.Session{Caller: withConditions(known.caller(), r), FormKey: s.FormKey, Token: token}
}

// network is what one client has to itself: an address, in IPv6 the network of 64 bits that every host gets.
func network(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil || addr.Unmap().Is4() {
		return remote
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return remote
	}
	return prefix.String()
}
