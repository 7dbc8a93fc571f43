package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	// SessionIdle is how long a session lives without being used.
	SessionIdle = time.Hour
	// MaxSession is how long one lives at most.
	MaxSession = 8 * time.Hour
	// sessionRenewal is how old a token gets before use makes a new one.
	sessionRenewal = 5 * time.Minute
)

const audienceSession = "session"

// Session is who has signed in with a browser. Nothing about it is stored, so it cannot be called back: it ends when the
// browser forgets it, when it is not used, or with its access key, which is for the caller to check as for other tokens.
type Session struct {
	Identity
	// FormKey is drawn at sign-in. Forms carry it, so that a request with it was written by a page of this session.
	FormKey string
	Ends    time.Time // at the latest; whole seconds, UTC
	issued  time.Time
}

// wireSession is Session inside a token.
type wireSession struct {
	Audience    string `json:"aud"`
	Registry    string `json:"reg"`
	AccountID   string `json:"account"`
	AccessKeyID string `json:"key"`
	ARN         string `json:"arn"`
	FormKey     string `json:"form"`
	Issued      int64  `json:"iat"` // epoch seconds, as those that follow
	Expires     int64  `json:"exp"` // unless it is used before
	Ends        int64  `json:"end"`
}

// BeginSession is for somebody who has just proven to be id. It ends with what proved it, if that is sooner than
// MaxSession; a zero time is for what does not expire.
func (t *Tokens) BeginSession(id Identity, proofEnds time.Time) Session {
	ends := t.now().Add(MaxSession)
	if !proofEnds.IsZero() && proofEnds.Before(ends) {
		ends = proofEnds
	}
	return Session{Identity: id, FormKey: rand.Text(), Ends: ends.UTC().Truncate(time.Second)}
}

// IssueSession makes the token of a session: base64url claims, a dot, base64url signature. It lives for SessionIdle.
func (t *Tokens) IssueSession(ctx context.Context, s Session) (string, error) {
	keys, err := t.signers(ctx)
	if err != nil {
		return "", fmt.Errorf("issue session: %w", err)
	}
	now := t.now()
	claims, err := json.Marshal(wireSession{
		Audience: audienceSession, Registry: t.Registry,
		AccountID: s.AccountID, AccessKeyID: s.AccessKeyID, ARN: s.ARN,
		FormKey: s.FormKey,
		Issued:  now.Unix(), Expires: min(now.Add(SessionIdle).Unix(), s.Ends.Unix()), Ends: s.Ends.Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("issue session: %w", err)
	}
	payload := base64.RawURLEncoding.EncodeToString(claims)
	return payload + "." + base64.RawURLEncoding.EncodeToString(keys[0].sign(payload)), nil
}

// ParseSession checks what IssueSession made. The error is ErrTokenInvalid, ErrTokenExpired, or that of Keys or NewerKeys.
func (t *Tokens) ParseSession(ctx context.Context, token string) (Session, error) {
	payload, signature, _ := strings.Cut(token, ".")
	raw, err := t.verify(ctx, base64.RawURLEncoding, payload, signature)
	if err != nil {
		return Session{}, err
	}
	var c wireSession
	if json.Unmarshal(raw, &c) != nil || c.Audience != audienceSession || c.Registry != t.Registry {
		return Session{}, ErrTokenInvalid
	}
	if now := t.now().Unix(); now >= c.Expires || now >= c.Ends {
		return Session{}, ErrTokenExpired
	}
	return Session{
		Identity: Identity{AccountID: c.AccountID, AccessKeyID: c.AccessKeyID, ARN: c.ARN},
		FormKey:  c.FormKey,
		Ends:     time.Unix(c.Ends, 0).UTC(),
		issued:   time.Unix(c.Issued, 0).UTC(),
	}, nil
}

// NeedsRenewal says whether a session that is used is to get a new token. Not every use is worth one.
func (t *Tokens) NeedsRenewal(s Session) bool { return t.now().Sub(s.issued) >= sessionRenewal }
