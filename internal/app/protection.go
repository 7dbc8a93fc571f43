package app

import (
	"errors"
	"time"
)

// Protection is what keeps others out, beside signatures and passwords.
type Protection struct {
	TokenKeyAge time.Duration `help:"How long a key signs docker logins, bearer tokens and sessions before another one takes its place. What it signed stays good. 0: until openecr token-key rotate. Default: ${default}." default:"720h" env:"OPENECR_TOKEN_KEY_AGE" placeholder:"DURATION"`
}

// minTokenKeyAge keeps a fleet from making keys faster than it forgets them.
const minTokenKeyAge = time.Hour

func (p Protection) check() error {
	if p.TokenKeyAge != 0 && p.TokenKeyAge < minTokenKeyAge {
		return errors.New("--token-key-age must be at least 1h, or 0 for no rotation by the server itself")
	}
	return nil
}
