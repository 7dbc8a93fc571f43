package sqlmeta

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// defaultPool is how many connections a node keeps at most. PostgreSQL allows 100 in all unless told otherwise.
	defaultPool = 16
	maxPool     = 1000
	// poolOption is the option in the URL that says otherwise.
	poolOption = "pool_max_conns"
	// deadPeer is how long a connection may hear nothing from a server that is gone without a word.
	deadPeer = 20 * time.Second
)

// server is what a connection is for.
type server struct {
	connectTimeout time.Duration
	// parameters are settings of the session, unless the URL has others.
	parameters map[string]string
	// check refuses a server that would not do.
	check pgconn.ValidateConnectFunc
}

// primaryServer. Planned scans of whole tables would lock them in whole for SERIALIZABLE, and small tables are scanned
// unless that is off, so updates of a small registry would conflict all the time. A transaction whose node stands still
// must not keep its locks.
var primaryServer = server{
	connectTimeout: 5 * time.Second,
	parameters: map[string]string{
		"application_name":                    "openecr",
		"enable_seqscan":                      "off",
		"idle_in_transaction_session_timeout": "60s",
	},
	check: checkPrimary,
}

var replicaServer = server{
	connectTimeout: time.Second,
	parameters:     map[string]string{"application_name": "openecr"},
}

// postgresConnector reads a URL. Errors say nothing of what it holds: a password that is not escaped may be anywhere in it.
func postgresConnector(address string, s server) (_ driver.Connector, size int, err error) {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, 0, errors.New("the URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE, special characters in the password as %XX")
	}
	size = defaultPool
	if given, ok := c.RuntimeParams[poolOption]; ok {
		delete(c.RuntimeParams, poolOption)
		if size, err = strconv.Atoi(given); err != nil || size < 2 || size > maxPool {
			return nil, 0, fmt.Errorf("option %s=%s: write a number of connections from 2 to %d", poolOption, given, maxPool)
		}
	}
	for name, value := range s.parameters {
		if _, ok := c.RuntimeParams[name]; !ok {
			c.RuntimeParams[name] = value
		}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = s.connectTimeout
	}
	c.DialFunc = dial
	if s.check != nil {
		c.ValidateConnect = s.check
	}
	return newPGConnector(c), size, nil
}

// dial has the kernel notice a server that vanished.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: deadPeer / 2, Interval: deadPeer / 8, Count: 4},
		Control:         controlDial,
	}
	return d.DialContext(ctx, network, address)
}

// unfitError is a server that openecr must not work on, however often it is asked.
type unfitError struct{ why string }

func (e *unfitError) Error() string { return e.why }

// checkPrimary makes sure that the server takes writes and that what it acknowledges is durable. A role or database may
// ask for more than synchronous_commit = on, such as remote_apply; that stays.
func checkPrimary(ctx context.Context, c *pgconn.PgConn) error {
	results, err := c.Exec(ctx, `SELECT current_setting('transaction_read_only'), current_setting('fsync'), current_setting('server_encoding'), current_setting('synchronous_commit')`).ReadAll()
	if err != nil {
		return err
	}
	row := results[0].Rows[0]
	switch {
	case string(row[0]) == "on":
		return pgconn.ErrReadOnlyConnection
	case string(row[1]) == "off":
		return &unfitError{"fsync is off on this server, so a power failure would lose pushes that were acknowledged: turn it on"}
	case string(row[2]) != "UTF8":
		return &unfitError{fmt.Sprintf("the database has the encoding %s: make one with ENCODING 'UTF8'", row[2])}
	case string(row[3]) == "off":
		_, err = c.Exec(ctx, `SET synchronous_commit = on`).ReadAll()
	}
	return err
}

// nameOfURL is for error messages, without the password.
func nameOfURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.User == nil && strings.Contains(address, "@") { // perhaps not where it should be
		return "postgres://…"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
