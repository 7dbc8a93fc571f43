//go:build e2e

package e2e

import (
	"net/url"
	"testing"
)

// A standby of PostgreSQL takes over while clients push. Where commits wait for it, nothing that was acknowledged is lost
// and no request fails.
func TestFleetFailover(t *testing.T) {
	f := newFleet(t)
	database := f.postgres.Database(t)
	standby := f.postgres.Standby(t, true)
	f.start(2, "OPENECR_METADATA="+eitherOf(t, database, standby.URL("")))
	api, registry := f.clients()
	load := startLoad(t, registry, "load", 3)
	load.since(t, 10)

	f.postgres.Kill()
	standby.Promote(t)
	load.since(t, 10)
	load.check(t)
	verifyAcknowledged(t, load.acked, api, registry)
	f.verify()
}

// Where commits do not wait for the standby, only what it had received is promised.
func TestFleetFailoverToALaggard(t *testing.T) {
	f := newFleet(t)
	database := f.postgres.Database(t)
	standby := f.postgres.Standby(t, false)
	f.start(2, "OPENECR_METADATA="+eitherOf(t, database, standby.URL("")))
	api, registry := f.clients()
	received := startLoad(t, registry, "received", 3)
	received.since(t, 10)
	received.check(t)
	standby.CatchUp(t, f.postgres)
	lost := startLoad(t, registry, "lost", 3) // perhaps
	lost.since(t, 3)

	f.postgres.Kill()
	standby.Promote(t)
	lost.since(t, 10)
	lost.end()
	verifyAcknowledged(t, received.acked, api, registry)
	f.verify()
}

// eitherOf is the URL of a database on either of two servers, whichever takes writes.
func eitherOf(t *testing.T, one, other string) string {
	t.Helper()
	u, err := url.Parse(one)
	must(t, err)
	second, err := url.Parse(other)
	must(t, err)
	u.Host += "," + second.Host
	u.RawQuery = "target_session_attrs=read-write"
	return u.String()
}
