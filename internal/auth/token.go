package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// MaxTokenTTL is how long passwords live at the real service, and the longest that any token lives here.
	MaxTokenTTL = 12 * time.Hour

	// maxToken bounds what is parsed. What Tokens issues is well under 1 KiB.
	maxToken = 8 << 10
)

var (
	// ErrTokenInvalid is a password or bearer token that was not issued here, for this use, under a key still known.
	ErrTokenInvalid = errors.New("token is not valid")

	// ErrTokenExpired is a token that is genuine and too old.
	ErrTokenExpired = errors.New("token has expired")
)

// An audience keeps a password from serving as a bearer token, and the other way round. Sessions have one too.
const (
	audiencePassword = "password"
	audienceRegistry = "registry"
)

// TokenKey is a key that tokens are authenticated with.
type TokenKey struct {
	ID     string // names the key inside a token; unique
	Secret [32]byte
}

// Tokens issues and checks passwords, bearer tokens and sessions. Nothing is stored: a token is its claims and an HMAC-SHA256.
// Whether the access key behind a token still stands is for the caller to check, by Claims.AccessKeyID.
type Tokens struct {
	// Keys gives the keys in use: the first signs, all verify.
	Keys func(ctx context.Context) ([]TokenKey, error)

	// NewerKeys is asked once for a token that names a key which Keys does not give: another node may just have made it. nil
	// means that there are no others. Anybody can write such a token, so it has to bound its own work.
	NewerKeys func(ctx context.Context) ([]TokenKey, error)

	// Registry names this registry. Tokens of another one are invalid even under the same key.
	Registry string

	// Now is the clock; nil means time.Now.
	Now func() time.Time

	known tokenCache
}

// Claims is what a token says, once it is known to be genuine and current.
type Claims struct {
	Identity
	Scopes  []string  // shared, so only to be read: what the token is good for at most; nil for no limits, while an empty list is for nothing
	Issued  time.Time // whole seconds, UTC
	Expires time.Time // whole seconds, UTC; from this moment on the token is refused
}

// Anonymous tells whether the token was given to nobody in particular.
func (c Claims) Anonymous() bool { return c.Identity == Identity{} }

// wireClaims is Claims inside a token.
type wireClaims struct {
	Audience    string `json:"aud"`
	Registry    string `json:"reg"`
	AccountID   string `json:"account,omitempty"`
	AccessKeyID string `json:"key,omitempty"`
	ARN         string `json:"arn,omitempty"`
	// Scopes may be empty, which is not the same as absent.
	Scopes  []string `json:"scopes,omitzero"`
	Issued  int64    `json:"iat"` // epoch seconds
	Expires int64    `json:"exp"` // epoch seconds
}

// password is the JSON inside a password, shaped as the real service's for the sake of tools that look into it. Payload
// is base64 of wireClaims, DataKey base64 of its signature, and Expiration repeats the claim.
type password struct {
	Payload    string `json:"payload"`
	DataKey    string `json:"datakey"`
	Version    string `json:"version"`
	Type       string `json:"type"`
	Expiration int64  `json:"expiration"` // epoch seconds
}

// IssuePassword makes the password of a docker login as AWS. It is base64, so it has no colon, at which the AWS CLI
// would cut it. A ttl over MaxTokenTTL is cut to that; one under a second is an error.
func (t *Tokens) IssuePassword(ctx context.Context, id Identity, ttl time.Duration) (secret string, expires time.Time, err error) {
	i, err := t.issue(ctx, audiencePassword, base64.StdEncoding, id, nil, ttl)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue password: %w", err)
	}
	raw, err := json.Marshal(newPassword(i.payload, i.signature, i.expires))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue password: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), i.expires, nil
}

// IssueBearer makes a bearer token for the registry: base64url claims, a dot, base64url signature. The zero Identity
// makes an anonymous one. Scopes are as in Claims. Lifetimes are as in IssuePassword; a token given for a password should not outlive it.
func (t *Tokens) IssueBearer(ctx context.Context, id Identity, scopes []string, ttl time.Duration) (token string, expires time.Time, err error) {
	i, err := t.issue(ctx, audienceRegistry, base64.RawURLEncoding, id, scopes, ttl)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue bearer token: %w", err)
	}
	return i.payload + "." + i.signature, i.expires, nil
}

// ParsePassword checks what IssuePassword made. The error is ErrTokenInvalid, ErrTokenExpired, or that of Keys.
func (t *Tokens) ParsePassword(ctx context.Context, secret string) (Claims, error) {
	var p password
	raw, ok := decode(base64.StdEncoding, secret)
	if !ok || json.Unmarshal(raw, &p) != nil {
		return Claims{}, ErrTokenInvalid
	}
	claims, err := t.open(ctx, audiencePassword, base64.StdEncoding, p.Payload, p.DataKey)
	if err == nil && p != newPassword(p.Payload, p.DataKey, claims.Expires) {
		return Claims{}, ErrTokenInvalid
	}
	return claims, err
}

// ParseBearer checks what IssueBearer made. The error is ErrTokenInvalid, ErrTokenExpired, or that of Keys.
func (t *Tokens) ParseBearer(ctx context.Context, token string) (Claims, error) {
	payload, signature, _ := strings.Cut(token, ".")
	return t.open(ctx, audienceRegistry, base64.RawURLEncoding, payload, signature)
}

// issued is a token before it is put together: payload and signature are encoded.
type issued struct {
	payload, signature string
	expires            time.Time
}

func (t *Tokens) issue(ctx context.Context, audience string, encoding *base64.Encoding, id Identity, scopes []string, ttl time.Duration) (issued, error) {
	if ttl < time.Second {
		return issued{}, fmt.Errorf("lifetime %v is under one second", ttl)
	}
	keys, err := t.signers(ctx)
	if err != nil {
		return issued{}, err
	}
	now := t.now()
	expires := now.Add(min(ttl, MaxTokenTTL)).UTC().Truncate(time.Second)
	claims, err := json.Marshal(wireClaims{
		Audience:    audience,
		Registry:    t.Registry,
		AccountID:   id.AccountID,
		AccessKeyID: id.AccessKeyID,
		ARN:         id.ARN,
		Scopes:      scopes,
		Issued:      now.Unix(),
		Expires:     expires.Unix(),
	})
	if err != nil {
		return issued{}, err
	}
	payload := encoding.EncodeToString(claims)
	return issued{payload, encoding.EncodeToString(keys[0].sign(payload)), expires}, nil
}

// signers are the keys, of which the first signs.
func (t *Tokens) signers(ctx context.Context) ([]TokenKey, error) {
	keys, err := t.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("get token keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no token key to sign with")
	}
	return keys, nil
}

// verify is the payload as it was signed. Nobody looks into one before its signature holds.
func (t *Tokens) verify(ctx context.Context, encoding *base64.Encoding, payload, signature string) ([]byte, error) {
	sig, sigOK := decode(encoding, signature)
	raw, rawOK := decode(encoding, payload)
	if !sigOK || !rawOK {
		return nil, ErrTokenInvalid
	}
	keys, err := t.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("get token keys: %w", err)
	}
	key, ok := keyOf(keys, sig)
	if !ok && t.NewerKeys != nil {
		if keys, err = t.NewerKeys(ctx); err != nil {
			return nil, fmt.Errorf("get newer token keys: %w", err)
		}
		key, ok = keyOf(keys, sig)
	}
	if !ok || !hmac.Equal(key.sign(payload), sig) {
		return nil, ErrTokenInvalid
	}
	return raw, nil
}

// read tells expired from invalid only for a genuine token.
func (t *Tokens) read(ctx context.Context, audience string, encoding *base64.Encoding, payload, signature string) (Claims, error) {
	raw, err := t.verify(ctx, encoding, payload, signature)
	if err != nil {
		return Claims{}, err
	}
	var c wireClaims
	if json.Unmarshal(raw, &c) != nil || c.Audience != audience || c.Registry != t.Registry {
		return Claims{}, ErrTokenInvalid
	}
	if t.now().Unix() >= c.Expires {
		return Claims{}, ErrTokenExpired
	}
	return Claims{
		Identity: Identity{AccountID: c.AccountID, AccessKeyID: c.AccessKeyID, ARN: c.ARN},
		Scopes:   c.Scopes,
		Issued:   time.Unix(c.Issued, 0).UTC(),
		Expires:  time.Unix(c.Expires, 0).UTC(),
	}, nil
}

func (t *Tokens) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// sign authenticates the payload as it stands in the token: a MAC, then the id of the key that made it.
func (k TokenKey) sign(payload string) []byte {
	return append(hmacSHA256(k.Secret[:], []byte(payload)), k.ID...)
}

// keyOf finds the key that a signature names. The id is no secret.
func keyOf(keys []TokenKey, signature []byte) (TokenKey, bool) {
	if len(signature) < sha256.Size {
		return TokenKey{}, false
	}
	id := string(signature[sha256.Size:])
	i := slices.IndexFunc(keys, func(k TokenKey) bool { return k.ID == id })
	if i < 0 {
		return TokenKey{}, false
	}
	return keys[i], true
}

func newPassword(payload, dataKey string, expires time.Time) password {
	return password{Payload: payload, DataKey: dataKey, Version: "3", Type: "DATA_KEY", Expiration: expires.Unix()}
}

const loginUser = "AWS"

// AuthorizationToken is what GetAuthorizationToken answers: user and password as in HTTP Basic authentication.
func AuthorizationToken(password string) string {
	return base64.StdEncoding.EncodeToString([]byte(loginUser + ":" + password))
}

// ParseAuthorizationToken gives back the password, unchecked. The error is ErrTokenInvalid.
func ParseAuthorizationToken(token string) (password string, err error) {
	raw, ok := decode(base64.StdEncoding, token)
	if !ok {
		return "", ErrTokenInvalid
	}
	password, ok = strings.CutPrefix(string(raw), loginUser+":")
	if !ok {
		return "", ErrTokenInvalid
	}
	return password, nil
}

// decode bounds the work that bytes from outside can cause.
func decode(encoding *base64.Encoding, s string) ([]byte, bool) {
	if len(s) > maxToken {
		return nil, false
	}
	raw, err := encoding.DecodeString(s)
	return raw, err == nil
}
