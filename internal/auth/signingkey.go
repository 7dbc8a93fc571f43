package auth

import (
	"crypto/sha256"
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

func (s keyScope) signingKey() [sha256.Size]byte {
	key := hmacSHA256([]byte("AWS4"+s.secret), []byte(s.date))
	key = hmacSHA256(key, []byte(s.region))
	key = hmacSHA256(key, []byte(s.service))
	return [sha256.Size]byte(hmacSHA256(key, []byte(scopeTerminator)))
}

// maxSigningKeys bounds the cache. A full cache is emptied, which also sheds the keys of past days.
const maxSigningKeys = 1024

// keyCache saves the four HMACs of a derivation. Only keys that have verified a signature go in, so nobody without a
// secret can fill it. The zero value is ready to use.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyScope][sha256.Size]byte
}

func (c *keyCache) get(s keyScope) (key [sha256.Size]byte, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	key, ok = c.keys[s]
	return key, ok
}

func (c *keyCache) put(s keyScope, key [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxSigningKeys {
		c.keys = make(map[keyScope][sha256.Size]byte)
	}
	c.keys[s] = key
}
