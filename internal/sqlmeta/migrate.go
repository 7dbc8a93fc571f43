package sqlmeta

import (
	"context"
	"embed"
	"errors"
	"fmt"
)

//go:embed schema
var schema embed.FS

// migration makes one version of the schema from the one before.
type migration struct {
	script string

	// compatibleFrom is the oldest version whose openecr may work on this one: while nodes are replaced one by one, the
	// old ones go on.
	compatibleFrom int
}

// migrations lead from an empty database to the present schema: the first makes version 1. One that was released is
// never changed; a new one is added behind it.
//
// Nodes of the version before are at work while a migration runs and for some time after it. So a change takes two
// releases: the first expands (new tables; new columns with a default; compatibleFrom stays), the second, when no node
// of the first's predecessor is left, contracts (drops and constraints; compatibleFrom becomes the version of the
// first). And it holds no lock for long: lock_timeout ends a migration that has to wait for traffic, and it is tried
// again; columns come without a rewrite of their table, constraints as NOT VALID, and data moves in batches of the
// program, not here. An index on a large table needs CREATE INDEX CONCURRENTLY, which PostgreSQL does only outside a
// transaction: the first such index brings a kind of step of its own.
func migrations() []migration {
	return []migration{
		{script("001_init.sql"), 1},
		{script("002_webhooks.sql"), 1},
	}
}

func script(name string) string {
	text, err := schema.ReadFile("schema/" + name)
	if err != nil {
		panic(err) // the binary was built without it
	}
	return string(text)
}

// migrate brings the schema up to date in one transaction: it is done whole or not at all, and of two processes that
// start at once the second waits and then finds nothing to do.
func migrate(ctx context.Context, s *session, steps []migration) error {
	if err := s.begin(ctx, s.dialect.beginMigration); err != nil {
		return err
	}
	if err := migrateInTransaction(ctx, s, steps); err != nil {
		s.rollback()
		return err
	}
	if _, err := s.exec(ctx, "COMMIT"); err != nil {
		s.discard()
		return fmt.Errorf("commit migration: %w", err)
	}
	return nil
}

func migrateInTransaction(ctx context.Context, s *session, steps []migration) error {
	err := s.script(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, compatible_from BIGINT NOT NULL)")
	if err != nil {
		return err
	}
	version, err := acceptableVersion(ctx, s, steps)
	if err != nil {
		return err
	}
	for ; version < len(steps); version++ {
		if err := s.script(ctx, steps[version].script); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
		}
		_, err := s.exec(ctx, "INSERT INTO schema_version (version, compatible_from) VALUES ($1, $2)", version+1, steps[version].compatibleFrom)
		if err != nil {
			return err
		}
	}
	return nil
}

// acceptableVersion is the schema version, which a newer openecr may have made too new for this one.
func acceptableVersion(ctx context.Context, s *session, steps []migration) (int, error) {
	version, compatibleFrom, err := schemaVersion(ctx, s)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if version > len(steps) && compatibleFrom > len(steps) {
		return 0, fmt.Errorf("it has schema version %d, this openecr knows versions up to %d: start the newer openecr that wrote it, or restore a backup made before", version, len(steps))
	}
	return version, nil
}

// schemaVersion is 0 for an empty database.
func schemaVersion(ctx context.Context, s *session) (version, compatibleFrom int, err error) {
	rows, err := s.query(ctx, "SELECT version, compatible_from FROM schema_version ORDER BY version DESC LIMIT 1")
	if err != nil {
		return 0, 0, err
	}
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&version, &compatibleFrom))
	}
	return version, compatibleFrom, errors.Join(err, rows.Err(), rows.Close())
}
