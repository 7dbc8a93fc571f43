package sqlmeta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// postgresEngine has a pool of connections for all that is done, and one more to a replica for reads that may be old.
type postgresEngine struct {
	primary *pool
	replica *pool         // nil when there is none
	resting atomic.Int64  // the replica is not asked before this time, in unix milliseconds
	turn    chan struct{} // taken by the one update that is repeated
}

const (
	// replicaRest is how long a replica that could not be reached is left alone.
	replicaRest = 5 * time.Second
	// replicaPatience bounds what a slow replica adds to a read that the primary could have answered.
	replicaPatience = 3 * time.Second
)

func (o Options) openPostgres(ctx context.Context) (engine, error) {
	d := postgresDialect()
	connector, size, err := postgresConnector(o.URL, primaryServer)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{turn: make(chan struct{}, 1)}
	if o.Replica != "" {
		replica, size, err := postgresConnector(o.Replica, replicaServer)
		if err != nil {
			return nil, fmt.Errorf("replica %s: %w", nameOfURL(o.Replica), err)
		}
		e.replica = newPool(o.openDB(replica), d, size)
	}
	e.primary = newPool(o.openDB(connector), d, size)
	if err := e.primary.lend(ctx, func(s *session) error {
		return repeat(ctx, s, migrationPatience, func() error { return migrate(ctx, s, migrations()) })
	}); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *postgresEngine) close() error {
	err := e.primary.close()
	if e.replica != nil {
		err = errors.Join(err, e.replica.close())
	}
	return err
}

func (e *postgresEngine) read(ctx context.Context, fn func(*session) error) error {
	return e.primary.lend(ctx, func(s *session) error {
		return repeat(ctx, s, patience, func() error { return fn(s) })
	})
}

// readStale believes the replica only when it answers without any error: it may lack what is there by now.
func (e *postgresEngine) readStale(ctx context.Context, fn func(context.Context, *session) error) bool {
	if e.replica == nil || time.Now().UnixMilli() < e.resting.Load() {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	err := e.replica.lend(limited, func(s *session) error {
		err := fn(limited, s)
		if isLost(err) { // since it was last used, perhaps: connect anew
			s.discard()
			err = fn(limited, s)
		}
		if isLost(err) {
			s.discard()
		}
		return err
	})
	if isLost(err) || limited.Err() != nil && ctx.Err() == nil {
		e.resting.Store(time.Now().Add(replicaRest).UnixMilli())
	}
	return err == nil
}

// update runs at once beside others. After a conflict it waits until it is its turn among those of this node that had
// one: many writers to one repository would otherwise keep failing each other.
func (e *postgresEngine) update(ctx context.Context, fn func(registry.Tx) error) error {
	try := func(p limits) error {
		return e.primary.lend(ctx, func(s *session) error {
			return repeat(ctx, s, p, func() error { return updateOnce(ctx, s, fn) })
		})
	}
	err := try(limits{conflict: 0, outage: patience.outage})
	if !isConflict(err) {
		return err
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
		return try(patience)
	case <-ctx.Done():
		return fmt.Errorf("%w, after %w", ctx.Err(), err)
	}
}

const readOnly = "25006" // SQLSTATE of a write where none is allowed

// errDemoted is a primary that has become a standby under a connection.
var errDemoted = errors.New("the server takes no writes any more")

// commitError is a commit that was asked for and not answered. It hides its cause from repeat: the update may be there,
// and only whoever wants it knows how to find out.
type commitError struct{ cause error }

func (e *commitError) Unwrap() error { return registry.ErrUnsettled }

func (e *commitError) Error() string {
	return "metadata: the connection to PostgreSQL broke during a commit, so the update may have been made or not: " + e.cause.Error()
}

// updateOnce is one attempt. Once fn has run, only the database ends it: what fn did is committed or not whatever
// becomes of the caller.
func updateOnce(ctx context.Context, s *session, fn func(registry.Tx) error) error {
	if err := s.begin(ctx, s.dialect.beginUpdate); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // also when fn panics
			s.rollback()
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	t := &tx{ctx: ctx, session: s}
	defer t.end()
	if err := t.run(fn); err != nil {
		if sqlState(err) == readOnly {
			err = fmt.Errorf("%w: %w", errDemoted, err)
		}
		return err
	}
	ended = true
	_, err := s.exec(ctx, "COMMIT")
	if err == nil || isConflict(err) {
		return err
	}
	s.discard()
	return &commitError{err}
}

// postgresDialect. SERIALIZABLE fails one of two transactions that saw each other's rows change; repeat runs it again.
// Identity columns take numbers from a sequence, which does not give them back.
func postgresDialect() *dialect {
	return &dialect{
		words: strings.NewReplacer(
			"{{blob}}", "BYTEA",
			"{{text}}", `TEXT COLLATE "C"`,
			"{{never reused}}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
			"{{keyed}}", "",
			"{{row number}}", "BIGINT PRIMARY KEY",
			"{{digests}}", "SELECT unnest($2::bytea[])",
			"{{numbers}}", "SELECT unnest($1::bigint[]) AS item",
			"{{texts}}", "SELECT unnest($2::text[]) AS item",
			"{{search index}}", postgresSearchIndex,
			"{{search id}}", "repository_id",
			"{{document}}", "words) VALUES ($1, $2::text::tsvector || $3::text::tsvector)",
			"{{found}}", "words @@ $1::text::tsquery",
		),
		digests:     digestArray,
		list:        func(list any) any { return list },
		searchWords: postgresWords,
		searchMatch: postgresMatch,
		beginView:   []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
		// It waits until no running update can come before what it shows.
		beginSnapshot: []string{
			"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
			"SET LOCAL idle_in_transaction_session_timeout = 0", // it is in nobody's way, however long a copy takes
		},
		beginUpdate: []string{"BEGIN ISOLATION LEVEL SERIALIZABLE"},
		beginMigration: []string{
			"BEGIN ISOLATION LEVEL READ COMMITTED", // what is read after the wait below is of after the wait
			"SET LOCAL lock_timeout = '2s'",
			"SELECT pg_advisory_xact_lock(8027139468432237)", // drawn once
		},
		holds: holdable,
		background: func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 10*time.Second)
		},
		findLayers: findLayersQuery("encode(digest, 'hex')", "string_agg"),
		lastID:     `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)`,
		gaveIDs:    []string{`SELECT setval(pg_get_serial_sequence($1, 'id'), greatest($2::bigint, 1), $2::bigint > 0)`},
	}
}

func digestArray(digests []ref.Digest) any {
	keys := make([][]byte, len(digests))
	for i, d := range digests {
		keys[i] = d.Key()
	}
	return keys
}

// sqlState is the code of an error that the server has answered, "" for any other.
func sqlState(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}
