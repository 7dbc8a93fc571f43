package app

import (
	"errors"
	"time"
)

// Protection is what keeps others out, beside signatures and passwords.
type Protection struct {
	Hosts       []string      `name:"host" help:"Name under which clients may come, beside that of --public-url; may be given more than once. On a loopback address only names of this machine and these are accepted, because pages of others could have a browser ask in their name; on other addresses any name, unless some are given. *: any." env:"OPENECR_HOSTS" placeholder:"NAME"`
	TokenKeyAge time.Duration `help:"How long a key signs docker logins, bearer tokens and sessions before another one takes its place. What it signed stays good. 0: until openecr token-key rotate. Default: ${default}." default:"720h" env:"OPENECR_TOKEN_KEY_AGE" placeholder:"DURATION"`
}

// minTokenKeyAge keeps a fleet from making keys faster than it forgets them.
const minTokenKeyAge = time.Hour

func (p Protection) check() error {
	if p.TokenKeyAge != 0 && p.TokenKeyAge < minTokenKeyAge {
		return errors.New("--token-key-age must be at least 1h, or 0 for no rotation by the server itself")
	}
	return checkHosts(p.Hosts)
}
