package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

const (
	layersEach = 1000 // layers in each repository of a store
	batch      = 100  // digests of a call, the most it takes
)

// A store is a data folder of openecr with many layers, made once and kept in the scratch folder. The bytes of the
// layers are not there: checks do not touch them.
type store struct {
	repositories int // with layers that calls ask for
	others       int // layers beside those
}

var (
	storeThousand = store{repositories: 1}
	storeMillion  = store{repositories: 1000}
)

func storeLarge(o options) store {
	return store{repositories: 1000, others: max(0, o.large-1000*layersEach)}
}

func layerDigest(r, n int) ref.Digest {
	var seed [16]byte
	binary.BigEndian.PutUint64(seed[:8], uint64(r))
	binary.BigEndian.PutUint64(seed[8:], uint64(n))
	return ref.DigestBytes(ref.SHA256, seed[:])
}

func repositoryName(r int) ref.RepositoryName {
	return ref.RepositoryName(fmt.Sprintf("repository-%d", r))
}

// folder is where a server finds the store. It is made if it is not there.
func (s store) folder(ctx context.Context, o options) (string, error) {
	dir := filepath.Join(o.scratch, fmt.Sprintf("store-%d-%d", s.repositories*layersEach, s.others))
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	t, err := startOpenecr(ctx, o, dir) // makes the account
	if err != nil {
		return "", err
	}
	t.stop()
	path := filepath.Join(dir, "data", "openecr.db")
	fmt.Fprintf(os.Stderr, "making a store of %d layers\n", s.repositories*layersEach+s.others)
	if err := s.fill(ctx, path); err != nil {
		return "", fmt.Errorf("fill the store: %w", err)
	}
	return dir, os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600)
}

// fill makes the repositories as the program does, and their layers as rows, without it: one by one they would take most
// of an hour.
func (s store) fill(ctx context.Context, path string) error {
	if err := s.makeRepositories(ctx, path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000", "PRAGMA temp_store = MEMORY", "CREATE TEMP TABLE fresh (digest BLOB, repository INTEGER)"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	indexes, err := dropIndexes(ctx, db)
	if err != nil {
		return err
	}
	const step = 2_000_000
	for first := 0; first < s.repositories*layersEach; first += step {
		known := knownLayers(first, min(first+step, s.repositories*layersEach))
		if err := insertFresh(ctx, db, "INSERT INTO fresh SELECT unhex(value ->> 0), value ->> 1 FROM json_each($1)", known); err != nil {
			return err
		}
	}
	for done := 0; done < s.others; done += step {
		random := "INSERT INTO fresh WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < $1) SELECT CAST(x'01' || randomblob(32) AS BLOB), i % 1000 FROM n"
		if err := insertFresh(ctx, db, random, min(step, s.others-done)); err != nil {
			return err
		}
	}
	for _, statement := range indexes {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// dropIndexes drops those of the tables that are filled and returns what makes them again, which is quicker than to keep
// them while rows come in another order.
func dropIndexes(ctx context.Context, db *sql.DB) (statements []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('blob', 'layer') AND sql IS NOT NULL")
	if err != nil {
		return nil, err
	}
	var drop []string
	for rows.Next() {
		var name, create string
		err = errors.Join(err, rows.Scan(&name, &create))
		drop, statements = append(drop, "DROP INDEX "+name), append(statements, create)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, strings.Join(drop, ";"))
	return statements, err
}

func (s store) makeRepositories(ctx context.Context, path string) error {
	meta, err := sqlmeta.Open(ctx, sqlmeta.Options{Path: path})
	if err != nil {
		return err
	}
	defer meta.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	return meta.Update(ctx, func(tx registry.Tx) error {
		for r := range s.repositories {
			if _, err := tx.InsertRepository(registry.Repository{Account: account, Name: repositoryName(r), CreatedAt: now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// knownLayers are those that calls ask for, as JSON: digest and number of the repository.
func knownLayers(first, end int) string {
	var b []byte
	for i := first; i < end; i++ {
		b = fmt.Appendf(b, `,["%x",%d]`, layerDigest(i/layersEach, i%layersEach).Key(), i/layersEach)
	}
	b[0] = '['
	return string(append(b, ']'))
}

// insertFresh makes layers of what the statement puts into the table fresh, in the order of the tables that they go to.
func insertFresh(ctx context.Context, db *sql.DB, statement string, argument any) error {
	if _, err := db.ExecContext(ctx, statement, argument); err != nil {
		return err
	}
	until := time.Now().AddDate(1, 0, 0).UnixMilli()
	_, err := db.ExecContext(ctx, `
		INSERT INTO blob (digest, size, locator, created_at) SELECT digest, 1048576, lower(hex(randomblob(16))), 0 FROM fresh ORDER BY digest;
		INSERT INTO layer (repository_id, digest, size, media_type, keep_until)
			SELECT first.id + repository, digest, 1048576, 'application/vnd.oci.image.layer.v1.tar+gzip', `+strconv.FormatInt(until, 10)+`
			FROM fresh, (SELECT min(id) AS id FROM repository) AS first ORDER BY 1, 2;
		DELETE FROM fresh`)
	return err
}
