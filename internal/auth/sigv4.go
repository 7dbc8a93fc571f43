package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	maxSkew = 5 * time.Minute
	hexHash = 2 * sha256.Size
)

// ErrKeyNotFound is what Verifier.Key answers for an access key id that does not exist.
var ErrKeyNotFound = errors.New("access key not found")

// Key is an access key as the store knows it.
type Key struct {
	Secret   string // the secret access key, in the clear
	Identity Identity
	Disabled bool // refused like a key that does not exist
}

// Verifier checks requests signed with AWS Signature Version 4 in the Authorization header, as described in the AWS IAM
// User Guide ("Create a signed AWS API request"). Presigned requests, session tokens and unsigned or chunk-signed
// payloads are refused.
//
// Paths are canonicalised as the AWS SDK for Go does it: escaped once more, but with "//" and "/../" left alone.
//
// A Verifier is safe for concurrent use and must not be copied after its first use.
type Verifier struct {
	// Key looks up an access key, ErrKeyNotFound if there is none. Begin wraps any other error and does not make it an
	// *Error: the fault is ours, not the caller's.
	Key func(ctx context.Context, accessKeyID string) (Key, error)

	// Service is what requests must be signed for: "ecr-public", "sts". Required.
	Service string

	// Region, if set, is the only region that a request may be signed for.
	Region string

	// Now is the clock; nil means time.Now.
	Now func() time.Time

	signingKeys keyCache
}

// Pending is a request of which all is right except, perhaps, its signature.
type Pending struct {
	verifier   *Verifier
	auth       authorization
	date       string // the request's time, formatted with amzDate
	key        Key
	canonical  []byte // the canonical request up to the body's hash
	bodySHA256 string // what X-Amz-Content-Sha256 says, "" if it is absent

	room     [1024]byte // for canonical, unless that is longer
	signRoom [256]byte  // for the string to sign and its MAC
}

// Begin checks all that needs no body: that the request is signed in the one accepted way, that its date and scope are
// right, and that its access key exists and is enabled. The key is looked up last, so a malformed or stale request
// costs no query. Begin takes what it needs from r, which may change afterwards; r.Host must already be the host that
// the client addressed.
//
// The error is an *Error unless the lookup itself failed.
func (v *Verifier) Begin(r *http.Request) (*Pending, error) {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	auth, err := parseAuthorization(r.Header)
	if err != nil {
		return nil, err
	}
	if err := refuseSessionToken(r.Header); err != nil {
		return nil, err
	}
	at, date, err := requestTime(r.Header)
	if err != nil {
		return nil, err
	}
	if err := v.checkScope(auth, date[:len(scopeDate)]); err != nil {
		return nil, err
	}
	if err := v.checkSkew(at); err != nil {
		return nil, err
	}
	bodySHA256, err := declaredBodyHash(r.Header)
	if err != nil {
		return nil, err
	}
	if err := checkSignedHeaders(r.Header, &auth); err != nil {
		return nil, err
	}
	p := &Pending{verifier: v, auth: auth, date: date, bodySHA256: bodySHA256}
	if p.canonical, err = canonicalRequest(p.room[:0], r, query, auth.signedHeaders); err != nil {
		return nil, err
	}
	if p.key, err = v.lookup(r.Context(), auth.accessKeyID); err != nil {
		return nil, err
	}
	return p, nil
}

// AccessKeyID is the key that the request claims to be signed with. Nothing is proven about it before Finish; it is
// there to limit what one key may have under way.
func (p *Pending) AccessKeyID() string { return p.auth.accessKeyID }

// Finish checks the signature over the request that Begin saw and a body with this SHA-256, and tells who signed it.
// The error is always an *Error.
func (p *Pending) Finish(bodySHA256 [sha256.Size]byte) (Identity, error) {
	if p.bodySHA256 != "" && p.bodySHA256 != hex.EncodeToString(bodySHA256[:]) {
		return Identity{}, invalidSignature("X-Amz-Content-Sha256 is not the SHA-256 of the body that arrived: send the request again.")
	}
	request := sha256.Sum256(hex.AppendEncode(p.canonical, bodySHA256[:]))

	toSign := append(p.signRoom[:0], signingAlgorithm+"\n"...)
	toSign = append(toSign, p.date...)
	toSign = append(toSign, '\n')
	for _, part := range [...]string{p.auth.date, p.auth.region, p.auth.service} {
		toSign = append(toSign, part...)
		toSign = append(toSign, '/')
	}
	toSign = append(toSign, scopeTerminator+"\n"...)
	toSign = hex.AppendEncode(toSign, request[:])

	scope := keyScope{secret: p.key.Secret, date: p.auth.date, region: p.auth.region, service: p.auth.service}
	key, cached := p.verifier.signingKeys.get(scope)
	if !cached {
		key = scope.signingKey()
	}
	var got [hexHash]byte
	copied := copy(got[:], p.auth.signature)
	want := hex.AppendEncode(make([]byte, 0, hexHash), key.sign(toSign[len(toSign):], toSign))
	if copied != len(p.auth.signature) || subtle.ConstantTimeCompare(want, got[:]) != 1 {
		return Identity{}, invalidSignature(wrongSignature)
	}
	if !cached {
		p.verifier.signingKeys.put(scope, key)
	}
	return p.key.Identity, nil
}

// now is cut to whole seconds, like the dates it is compared with.
func (v *Verifier) now() time.Time {
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	return now().UTC().Truncate(time.Second)
}

func (v *Verifier) checkScope(a authorization, day string) error {
	switch {
	case a.terminator != scopeTerminator:
		return invalidSignature("Credential must end in %q, not %q.", scopeTerminator, a.terminator)
	case a.service != v.Service:
		return invalidSignature("Credential is scoped to the service %q, and this one is %q.", a.service, v.Service)
	case a.region == "":
		return invalidSignature("Credential names no region.")
	case v.Region != "" && a.region != v.Region:
		return invalidSignature("Credential is scoped to the region %q, and this registry answers for %q only.", a.region, v.Region)
	case a.date != day:
		return invalidSignature("Credential is scoped to the date %q, and the request is dated %q.", a.date, day)
	}
	return nil
}

// checkSkew words its refusals as AWS does: SDKs and people read the server's clock from them.
func (v *Verifier) checkSkew(at time.Time) error {
	now := v.now()
	if earliest := now.Add(-maxSkew); at.Before(earliest) {
		return invalidSignature("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			at.Format(amzDate), earliest.Format(amzDate), now.Format(amzDate))
	}
	if latest := now.Add(maxSkew); at.After(latest) {
		return invalidSignature("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			at.Format(amzDate), latest.Format(amzDate), now.Format(amzDate))
	}
	return nil
}

func (v *Verifier) lookup(ctx context.Context, accessKeyID string) (Key, error) {
	key, err := v.Key(ctx, accessKeyID)
	if errors.Is(err, ErrKeyNotFound) {
		return Key{}, UnknownKey()
	}
	if err != nil {
		return Key{}, fmt.Errorf("look up access key %q: %w", accessKeyID, err)
	}
	if key.Disabled {
		return Key{}, UnknownKey()
	}
	return key, nil
}

func hmacSHA256(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)
}
