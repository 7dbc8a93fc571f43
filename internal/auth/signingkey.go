package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// keyScope is all that a signing key is derived from, besides constants. The secret itself is part of it, so a
// replaced secret never meets a key derived from the old one.
type keyScope struct {
	secret  string
	date    string
	region  string
	service string
}

func (s keyScope) signingKey() *signingKey {
	key := hmacSHA256([]byte("AWS4"+s.secret), []byte(s.date))
	key = hmacSHA256(key, []byte(s.region))
	key = hmacSHA256(key, []byte(s.service))
	return newSigningKey(hmacSHA256(key, []byte(scopeTerminator)))
}

// signingKey keeps MACs that are keyed already. One that is used again starts from the state behind the key, where a new
// one allocates and hashes that first.
type signingKey struct{ macs sync.Pool } // of hash.Hash

func newSigningKey(key []byte) *signingKey {
	return &signingKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sign appends the MAC of the string to sign.
func (k *signingKey) sign(to, toSign []byte) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	mac.Write(toSign)
	return mac.Sum(to)
}

// maxSigningKeys bounds the cache. A full cache is emptied, which also sheds the keys of past days.
const maxSigningKeys = 1024

// keyCache saves the four HMACs of a derivation. Only keys that have verified a signature go in, so nobody without a
// secret can fill it. The zero value is ready to use.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyScope]*signingKey
}

func (c *keyCache) get(s keyScope) (key *signingKey, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok = c.keys[s]
	return key, ok
}

func (c *keyCache) put(s keyScope, key *signingKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxSigningKeys {
		c.keys = make(map[keyScope]*signingKey)
	}
	c.keys[s] = key
}
