package app

import (
	"testing"
	"time"
)

// What New refuses for its options, a check tells beforehand, whichever group they are of.
func TestCheckTellsOfEachGroupOfOptions(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"transport":  func(c *Config) { c.TLSCert = "only.pem" },
		"collection": func(c *Config) { c.GCRate = -1 },
		"protection": func(c *Config) { c.TokenKeyAge = time.Second },
		"auditing":   func(c *Config) { c.AuditKeep = -1 },
	} {
		c := newConfig(t)
		if err := c.checkOptions(t.Context()); err != nil {
			t.Fatalf("good options: %v", err)
		}
		spoil(&c)
		if c.checkOptions(t.Context()) == nil {
			t.Errorf("%s: bad options passed", name)
		}
	}
}
