package sqlmeta

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// limits say how long repeat goes on.
type limits struct {
	conflict time.Duration // while other transactions keep getting in the way
	outage   time.Duration // while the server cannot be reached: long enough for a restart
}

var (
	patience          = limits{conflict: 10 * time.Second, outage: 10 * time.Second}
	migrationPatience = limits{conflict: 5 * time.Minute, outage: 10 * time.Second} // another node may be migrating
)

const longestPause = 200 * time.Millisecond

// repeat runs attempt on session s until it succeeds or fails for a reason that does not pass. This is the one place
// where a transaction is run again: after a conflict with another one, and after its connection broke. An attempt that
// broke while it was committing is not: it hides its cause in a commitError.
func repeat(ctx context.Context, s *session, p limits, attempt func() error) error {
	start := time.Now()
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := attempt()
		elapsed := time.Since(start)
		switch {
		case isConflict(err):
			if elapsed > p.conflict {
				return fmt.Errorf("gave up after %s because other transactions kept changing the same rows: %w", elapsed.Round(time.Second), err)
			}
		case isLost(err):
			s.discard()
			if elapsed > p.outage {
				return fmt.Errorf("gave up after %s without a connection to PostgreSQL: %w", elapsed.Round(time.Second), err)
			}
		default:
			return err
		}
		select {
		case <-time.After(rand.N(pause)):
		case <-ctx.Done():
			return fmt.Errorf("%w, after %w", ctx.Err(), err)
		}
	}
}

// isConflict says that the transaction was rolled back only because of others that ran beside it.
func isConflict(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock timeout (which migrations set)
		return true
	}
	return false
}

// isLost says that there is no working connection, or one to a server that is not the primary any more: nothing was
// committed, and a new connection may help.
func isLost(err error) bool {
	var unfit *unfitError
	var commit *commitError
	if err == nil || errors.As(err, &unfit) || errors.As(err, &commit) {
		return false
	}
	for _, target := range []error{errDemoted, driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, target) {
			return true
		}
	}
	if state := sqlState(err); state != "" {
		switch state {
		case "57P01", "57P02", "57P03", // shutting down, crashed, starting
			"53300", // too many connections
			"25P03": // idle in a transaction for too long: this process stood still
			return true
		}
		return state[:2] == "08" // connection exception
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err)
}
