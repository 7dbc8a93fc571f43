package main

import (
	"errors"
	"testing"

	"github.com/openecr/openecr/internal/app"
)

// Scripts go by the exit status: what is worst decides it.
func TestExitStatusOfAVerification(t *testing.T) {
	for _, c := range []struct {
		name   string
		found  app.Verified
		status int
		text   string
	}{
		{"all is whole", app.Verified{Images: 3}, 0, ""},
		{"something is broken", app.Verified{Broken: 2}, exitBroken, "broken: 2"},
		{"not all could be repaired", app.Verified{Broken: 3, Repaired: 1, Unread: 1}, exitBroken, "broken: 2"},
		{"something could not be read", app.Verified{Broken: 1, Repaired: 1, Unread: 2}, exitNotRead, "could not be looked at: 2"},
		{"all was repaired", app.Verified{Broken: 2, Repaired: 2}, exitRepaired, "broken and out of sight now: 2; push their images again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := verdictOf(c.found)
			var v verdict
			if c.status == 0 && err == nil {
				return
			}
			if !errors.As(err, &v) || v.ExitCode() != c.status || v.Error() != c.text {
				t.Errorf("%+v is %v, want status %d with %q", c.found, err, c.status, c.text)
			}
		})
	}
}
