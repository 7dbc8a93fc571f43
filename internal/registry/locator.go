package registry

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// NewLocator is one that was never used: unique by its 128 random bits.
func NewLocator() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// CheckLocator keeps stores inside their folders: what it lets pass has no separator and no dot.
func CheckLocator(s string) error {
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return fmt.Errorf("blob locator %.40q is malformed: it must be 32 lower-case hex digits", s)
	}
	return nil
}
