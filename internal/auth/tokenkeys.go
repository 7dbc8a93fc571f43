package auth

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// tokenKeyGrace is how much longer than its last token a key is known: clocks of nodes differ, and nodes learn of a new
// key some time after it was made.
const tokenKeyGrace = 10 * time.Minute

// TokenKeys are the keys of a registry, oldest first. A key is known to every node before it signs, and verifies until the
// last token that it signed has expired:
//
//	made    signs                next key signs        its last token expires
//	 |--------|------------------------|------------------------|
//	 verifies | signs and verifies     | verifies               | gone
type TokenKeys []DatedKey

// DatedKey signs from a moment on until the next key does.
type DatedKey struct {
	TokenKey
	Signs time.Time // whole seconds, UTC
}

// NewTokenKey draws a key. Its id is drawn too, so that it is never that of a key before it.
func NewTokenKey(signs time.Time) DatedKey {
	k := DatedKey{TokenKey{ID: rand.Text()[:10]}, signs.UTC().Truncate(time.Second)}
	rand.Read(k.Secret[:]) // never fails: it ends the program instead
	return k
}

// InUse is what Tokens.Keys gives at a moment. When no key signs yet, because this clock is behind, the oldest does.
func (s TokenKeys) InUse(now time.Time) []TokenKey {
	signer := max(0, s.signer(now))
	keys := []TokenKey{s[signer].TokenKey}
	for i, k := range s {
		if i != signer && now.Before(s.Ends(i)) {
			keys = append(keys, k.TokenKey)
		}
	}
	return keys
}

// Ends is when the key of that index has nothing left to verify, far away for the last one.
func (s TokenKeys) Ends(i int) time.Time {
	if i == len(s)-1 {
		return s[i].Signs.AddDate(1000, 0, 0)
	}
	return s[i+1].Signs.Add(MaxTokenTTL + tokenKeyGrace)
}

// signer is the index of the key that signs, -1 when none does yet.
func (s TokenKeys) signer(now time.Time) int {
	for i := len(s) - 1; i >= 0; i-- {
		if !s[i].Signs.After(now) {
			return i
		}
	}
	return -1
}

// Due tells whether the newest key has signed for so long.
func (s TokenKeys) Due(now time.Time, age time.Duration) bool {
	return !now.Before(s[len(s)-1].Signs.Add(age))
}

// Rotate is the set with a new key that signs after the given notice. Keys that have ended are left out, and so is one
// that does not sign yet: the new key comes in its place.
func (s TokenKeys) Rotate(now time.Time, notice time.Duration) TokenKeys {
	var kept TokenKeys
	for i, k := range s[:max(1, s.signer(now)+1)] {
		if now.Before(s.Ends(i)) {
			kept = append(kept, k)
		}
	}
	return append(kept, NewTokenKey(now.Add(notice)))
}

// wireKey is DatedKey as it is stored.
type wireKey struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
	Signs  int64  `json:"signs"` // epoch seconds
}

// Marshal writes the secrets too: what it returns is to be sealed.
func (s TokenKeys) Marshal() ([]byte, error) {
	wire := make([]wireKey, len(s))
	for i, k := range s {
		wire[i] = wireKey{k.ID, k.Secret[:], k.Signs.Unix()}
	}
	return json.Marshal(wire)
}

var errBrokenTokenKeys = errors.New("the token keys are broken: restore the metadata from a backup")

// ParseTokenKeys reads what Marshal wrote, at least one key.
func ParseTokenKeys(text []byte) (TokenKeys, error) {
	var wire []wireKey
	if json.Unmarshal(text, &wire) != nil || len(wire) == 0 {
		return nil, errBrokenTokenKeys
	}
	var keys TokenKeys
	for _, w := range wire {
		signs := time.Unix(w.Signs, 0).UTC()
		isKnown := slices.ContainsFunc(keys, func(k DatedKey) bool { return k.ID == w.ID || k.Signs.After(signs) })
		if w.ID == "" || len(w.Secret) != 32 || isKnown {
			return nil, errBrokenTokenKeys
		}
		keys = append(keys, DatedKey{TokenKey{w.ID, [32]byte(w.Secret)}, signs})
	}
	return keys, nil
}
