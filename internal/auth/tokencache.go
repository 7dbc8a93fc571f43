package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"
)

// maxKnownTokens bounds the cache; a token takes about 1 KiB of it.
const maxKnownTokens = 8192

// tokenCache remembers tokens that were found genuine, so that a client which sends one with every request has it decoded
// once. It is asked by the hash of a token: how long a search takes says nothing about a token that somebody guesses.
//
// It only saves work. Whether a token has expired, and whether the key that signed it is still known, is asked at every
// use. The zero value is ready to use.
type tokenCache struct {
	mu     sync.RWMutex
	tokens map[tokenHash]knownToken
}

type tokenHash [sha256.Size]byte

type knownToken struct {
	claims Claims
	signer TokenKey
}

func hashToken(audience, payload, signature string) tokenHash {
	var room [1024]byte
	b := append(room[:0], audience...)
	b = append(append(b, 0), payload...) // neither has a byte 0
	b = append(append(b, 0), signature...)
	return sha256.Sum256(b)
}

func (c *tokenCache) find(hash tokenHash) (knownToken, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	known, ok := c.tokens[hash]
	return known, ok
}

// add remembers a token. When there are too many, those that have expired go, and if that is too little all of them.
func (c *tokenCache) add(hash tokenHash, known knownToken, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= maxKnownTokens {
		for h, k := range c.tokens {
			if !now.Before(k.claims.Expires) {
				delete(c.tokens, h)
			}
		}
	}
	if c.tokens == nil || len(c.tokens) >= maxKnownTokens*3/4 {
		c.tokens = make(map[tokenHash]knownToken)
	}
	c.tokens[hash] = known
}

// open is read for tokens that may be known.
func (t *Tokens) open(ctx context.Context, audience string, encoding *base64.Encoding, payload, signature string) (Claims, error) {
	hash := hashToken(audience, payload, signature)
	if known, ok := t.known.find(hash); ok && t.now().Before(known.claims.Expires) {
		if signer, ok := t.signer(ctx, known.signer.ID); ok && signer == known.signer {
			return known.claims, nil
		}
	}
	claims, err := t.read(ctx, audience, encoding, payload, signature)
	if err != nil {
		return Claims{}, err
	}
	sum, _ := decode(encoding, signature) // which read has done too
	if signer, ok := t.signer(ctx, string(sum[sha256.Size:])); ok {
		t.known.add(hash, knownToken{claims, signer}, t.now())
	}
	return claims, nil
}

// signer is the key of that id, if it is still in use.
func (t *Tokens) signer(ctx context.Context, id string) (TokenKey, bool) {
	keys, err := t.Keys(ctx)
	if err != nil {
		return TokenKey{}, false // read says so
	}
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return TokenKey{}, false
}
