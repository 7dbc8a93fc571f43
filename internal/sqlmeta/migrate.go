package sqlmeta

import (
	"context"
	"embed"
	"errors"
	"fmt"
)

//go:embed schema
var schema embed.FS

// migrations are the scripts that lead from an empty database to the present schema: the first makes version 1. One
// that was released is never changed; a new one is added behind it.
func migrations() []string {
	return []string{
		script("001_init.sql"),
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
func migrate(ctx context.Context, s *session, scripts []string) error {
	if _, err := s.exec(ctx, s.dialect.beginUpdate); err != nil {
		return fmt.Errorf("begin migration: %w", err)
	}
	if err := migrateInTransaction(ctx, s, scripts); err != nil {
		s.rollback()
		return err
	}
	if _, err := s.exec(ctx, "COMMIT"); err != nil {
		s.discard()
		return fmt.Errorf("commit migration: %w", err)
	}
	return nil
}

func migrateInTransaction(ctx context.Context, s *session, scripts []string) error {
	if err := s.script(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)"); err != nil {
		return err
	}
	var version int
	rows, err := s.query(ctx, "SELECT coalesce(max(version), 0) FROM schema_version")
	if err != nil {
		return err
	}
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&version))
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version > len(scripts) {
		return fmt.Errorf("it has schema version %d, this openecr knows versions up to %d: start the newer openecr that wrote it, or restore a backup made before", version, len(scripts))
	}
	for ; version < len(scripts); version++ {
		if err := s.script(ctx, scripts[version]); err != nil {
			return fmt.Errorf("migrate to schema version %d: %w", version+1, err)
		}
		if _, err := s.exec(ctx, "INSERT INTO schema_version (version) VALUES ($1)", version+1); err != nil {
			return err
		}
	}
	return nil
}
