//go:build e2e

package sqlmeta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/registry"
)

func TestPostgresThatWouldNotDoIsRefused(t *testing.T) {
	cluster := enginetest.Postgres(t)
	good := cluster.Database(t)
	cluster.Exec(t, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("openecr", "wrong")
	unsynced := enginetest.Postgres(t)
	unsynced.Exec(t, "ALTER SYSTEM SET fsync = off")
	unsynced.Stop()
	unsynced.Start()
	for name, c := range map[string]struct{ url, want string }{
		"wrong password":   {u.String(), "password authentication failed"},
		"no such database": {cluster.URL("nowhere"), `database "nowhere" does not exist`},
		"other encoding":   {cluster.URL("latin"), "ENCODING 'UTF8'"},
		"fsync off":        {unsynced.URL("postgres"), "fsync is off"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), Options{URL: c.url})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has many lines", err)
			}
			for _, secret := range []string{enginetest.PostgresPassword, url.QueryEscape(enginetest.PostgresPassword), "wrong"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q shows the password", err)
				}
			}
		})
	}
}

func TestCommitsAreSynchronous(t *testing.T) {
	cluster := enginetest.Postgres(t)
	for given, want := range map[string]string{"off": "on", "on": "on", "local": "local", "remote_apply": "remote_apply"} {
		cluster.Exec(t, "ALTER ROLE openecr SET synchronous_commit = "+given)
		s := openStore(t, Options{URL: cluster.Database(t)})
		if got := setting(t, s, "synchronous_commit"); got != want {
			t.Errorf("a role with synchronous_commit = %s has %s", given, got)
		}
	}
}

func setting(t *testing.T, s *Store, name string) string {
	t.Helper()
	var value string
	if err := s.engine.read(t.Context(), func(reader *session) error {
		rows, err := reader.query(t.Context(), "SELECT current_setting($1)", name)
		if err != nil {
			return err
		}
		values, err := collect(rows, func(r row, v *string) error { return r.Scan(v) })
		if err == nil {
			value = values[0]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestManyNodesMigrateOnce(t *testing.T) {
	o := Options{URL: enginetest.Postgres(t).Database(t)}
	var nodes sync.WaitGroup
	for range 8 {
		nodes.Go(func() {
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
}

// A reader that does not end makes the migration wait, but not those who come behind it.
func TestMigrationStepsAsideForTraffic(t *testing.T) {
	address := enginetest.Postgres(t).Database(t)
	s := openStore(t, Options{URL: address})
	engine := s.engine.(*postgresEngine)
	steps := append(migrations(), migration{"ALTER TABLE setting ADD COLUMN more BIGINT", 1})
	reading, finish := make(chan struct{}), make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() {
		if err := s.View(t.Context(), func(tx registry.Tx) error {
			_, err := tx.Setting("s")
			close(reading)
			<-finish
			return err
		}); !errors.Is(err, registry.ErrAbsent) {
			t.Error(err)
		}
	})
	<-reading
	try := func() error {
		return engine.primary.lend(t.Context(), func(other *session) error { return migrate(t.Context(), other, steps) })
	}
	if err := try(); !isConflict(err) {
		t.Errorf("error %v, want a lock timeout", err)
	}
	if err := s.Update(t.Context(), insertSetting("s")); err != nil {
		t.Errorf("traffic: %v", err)
	}
	close(finish)
	background.Wait()
	if err := try(); err != nil {
		t.Errorf("once the reader has gone: %v", err)
	}
}

// While a fleet is upgraded, nodes of two versions work on one schema.
func TestRollingUpgrade(t *testing.T) {
	cluster := enginetest.Postgres(t)
	for name, c := range map[string]struct {
		compatibleFrom int
		refused        bool
	}{"that old nodes bear": {1, false}, "that they do not": {len(migrations()) + 1, true}} {
		t.Run(name, func(t *testing.T) {
			address := cluster.Database(t)
			old := openStore(t, Options{URL: address})
			next := append(migrations(), migration{"ALTER TABLE setting ADD COLUMN more BIGINT NOT NULL DEFAULT 7", c.compatibleFrom})
			newer := openStore(t, Options{URL: address})
			if err := newer.engine.(*postgresEngine).primary.lend(t.Context(), func(s *session) error {
				return migrate(t.Context(), s, next)
			}); err != nil {
				t.Fatal(err)
			}
			if err := old.Update(t.Context(), insertSetting("s")); err != nil {
				t.Errorf("the old node at work: %v", err)
			}
			restarted, err := Open(t.Context(), Options{URL: address})
			if err == nil {
				defer restarted.Close()
			}
			if c.refused != (err != nil) {
				t.Fatalf("the old version starts: error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), fmt.Sprint("schema version ", len(next))) {
				t.Errorf("error %q does not name the version", err)
			}
		})
	}
}

// Pulls may be served from a standby, and never notice what it lacks.
func TestReplica(t *testing.T) {
	primary := enginetest.Postgres(t)
	address := primary.Database(t)
	standby := primary.Standby(t, true)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	s := openStore(t, Options{URL: address, Replica: standby.URL(strings.TrimPrefix(u.Path, "/")) + "?pool_max_conns=2"})
	read := func() (value string, err error) {
		err = s.ViewStale(t.Context(), func(tx registry.Tx) error {
			v, err := tx.Setting("s")
			value = string(v)
			return err
		})
		return value, err
	}
	if err := s.Update(t.Context(), func(tx registry.Tx) error { return tx.InsertSetting("s", []byte("old")) }); err != nil {
		t.Fatal(err)
	}
	primary.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = ''")
	primary.Exec(t, "SELECT pg_reload_conf()")
	standby.Exec(t, "SELECT pg_wal_replay_pause()")
	exec(t, address, "UPDATE setting SET value = 'new'")
	if value, err := read(); value != "old" || err != nil {
		t.Errorf("got %q, error %v, want what the replica has", value, err)
	}
	if err := s.Update(t.Context(), insertSetting("fresh")); err != nil {
		t.Fatal(err)
	}
	if err := s.ViewStale(t.Context(), readSetting("fresh")); err != nil {
		t.Errorf("what the replica lacks: %v", err)
	}
	standby.Kill()
	for range 4 { // more than there are connections to it
		if value, err := read(); value != "new" || err != nil {
			t.Errorf("without the replica: got %q, error %v, want what the primary has", value, err)
		}
	}
}

func exec(t *testing.T, address, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), sql)
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		t.Fatal(err)
	}
}

// The primary is lost and its standby takes over: a store that knows both goes on with everything that was acknowledged.
func TestStandbyTakesOver(t *testing.T) {
	primary := enginetest.Postgres(t)
	first := primary.Database(t)
	standby := primary.Standby(t, true)
	firstURL, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	secondURL, err := url.Parse(standby.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	firstURL.Host = secondURL.Host + "," + firstURL.Host // the standby first: it must not be taken for the primary
	s := openStore(t, Options{URL: firstURL.String()})
	var acknowledged []string
	insert := func(name string) {
		t.Helper()
		if err := s.Update(t.Context(), insertSetting(name)); err != nil {
			t.Fatalf("update %s: %v", name, err)
		}
		acknowledged = append(acknowledged, name)
	}
	insert("a")
	insert("b")
	primary.Kill()
	standby.Promote(t)
	insert("c")
	if got := stored(t, s, acknowledged...); got != "a b c" {
		t.Errorf("stored %q", got)
	}
}
