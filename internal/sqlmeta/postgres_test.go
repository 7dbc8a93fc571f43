package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openecr/openecr/internal/registry"
)

func TestMistakesInURLsDoNotShowThem(t *testing.T) {
	for _, address := range []string{
		"postgres://openecr:s3cret%@db/openecr",
		"postgres://openecr:s3cret/x@db/openecr",
		"postgres://openecr:s3cret@db:99999999/openecr",
		"postgres://openecr:s3cret@db/openecr?sslmode=perhaps",
		"postgres://openecr:s3cret@db/openecr?pool_max_conns=1",
		"postgres://openecr:s3cret@db/openecr?pool_max_conns=many",
	} {
		for what, o := range map[string]Options{"database": {URL: address}, "replica": {URL: "postgres://db/openecr", Replica: address}} {
			s, err := Open(t.Context(), o)
			if err == nil {
				_ = s.Close()
				t.Fatalf("%s %s was opened", what, address)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: error %q shows the password", what, err)
			}
		}
	}
}

func TestPoolSize(t *testing.T) {
	for address, want := range map[string]int{
		"postgres://db/openecr":                   defaultPool,
		"postgres://db/openecr?pool_max_conns=40": 40,
	} {
		c, size, err := postgresConnector(address, primaryServer)
		if err != nil || size != want {
			t.Errorf("%s: %d connections, error %v, want %d", address, size, err, want)
			continue
		}
		if _, ok := c.(pgConnector).config.RuntimeParams[poolOption]; ok {
			t.Errorf("%s: the option goes to the server, which does not know it", address)
		}
	}
}

func TestURLWinsOverOurSettings(t *testing.T) {
	c, _, err := postgresConnector("postgres://db/openecr?application_name=mine&connect_timeout=30", primaryServer)
	if err != nil {
		t.Fatal(err)
	}
	config := c.(pgConnector).config
	if got := config.RuntimeParams["application_name"]; got != "mine" {
		t.Errorf("application_name is %q", got)
	}
	if got := config.ConnectTimeout.String(); got != "30s" {
		t.Errorf("connect_timeout is %s", got)
	}
}

func TestWhichFailuresPass(t *testing.T) {
	answer := func(code string) error { return fmt.Errorf("metadata: %w", &pgconn.PgError{Code: code}) }
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for _, c := range []struct {
		name           string
		err            error
		conflict, lost bool
	}{
		{"success", nil, false, false},
		{"serialization failure", answer("40001"), true, false},
		{"deadlock", answer("40P01"), true, false},
		{"lock timeout", answer("55P03"), true, false},
		{"server stops", answer("57P01"), false, true},
		{"server crashed", answer("57P02"), false, true},
		{"server starts", answer("57P03"), false, true},
		{"too many connections", answer("53300"), false, true},
		{"connection failure that the server saw", answer("08006"), false, true},
		{"a primary no more", fmt.Errorf("%w: %w", errDemoted, answer("25006")), false, true},
		{"write in a view", answer("25006"), false, false},
		{"wrong password", answer("28P01"), false, false},
		{"broken constraint", answer("23503"), false, false},
		{"disk full", answer("53100"), false, false},
		{"reset", fmt.Errorf("metadata: %w", reset), false, true},
		{"end of stream", io.ErrUnexpectedEOF, false, true},
		{"bad connection", driver.ErrBadConn, false, true},
		{"connection given up", sql.ErrConnDone, false, true},
		{"reset during a commit", &commitError{reset}, false, false},
		{"serialization failure during a commit that is unknown", &commitError{answer("57P01")}, false, false},
		{"server that would not do", fmt.Errorf("connect: %w", &unfitError{"fsync is off"}), false, false},
		{"caller gone", context.Canceled, false, false},
		{"the function's own", errors.Join(errors.New("quota"), registry.ErrAbsent), false, false},
	} {
		if got := isConflict(c.err); got != c.conflict {
			t.Errorf("%s: conflict is %v", c.name, got)
		}
		if got := isLost(c.err); got != c.lost {
			t.Errorf("%s: lost is %v", c.name, got)
		}
	}
}

func TestNameOfURLHasNoPassword(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://openecr:s3cret@db:5432/openecr?sslmode=disable": "postgres://db:5432/openecr",
		"postgres://openecr:s3%cret@db/openecr":                     "postgres://…",
		"postgres://a:1,b:2/openecr":                                "postgres://a:1,b:2/openecr",
		"postgres://openecr:123/s3cret@db/openecr":                  "postgres://…",
	} {
		if got := nameOfURL(address); got != want {
			t.Errorf("%s is called %s, want %s", address, got, want)
		}
	}
}
