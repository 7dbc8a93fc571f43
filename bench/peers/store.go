package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
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
		return "", err
	}
	if s.others > 0 {
		if err := fillOthers(ctx, path, s.others); err != nil {
			return "", fmt.Errorf("fill the large store: %w", err)
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600)
}

func (s store) fill(ctx context.Context, path string) error {
	meta, err := sqlmeta.Open(ctx, sqlmeta.Options{Path: path})
	if err != nil {
		return err
	}
	defer meta.Close()
	now := time.Now().UTC().Truncate(time.Millisecond)
	for r := range s.repositories {
		err := meta.Update(ctx, func(tx registry.Tx) error {
			id, err := tx.InsertRepository(registry.Repository{Account: account, Name: repositoryName(r), CreatedAt: now})
			for n := 0; err == nil && n < layersEach; n++ {
				d := layerDigest(r, n)
				if err = tx.InsertBlob(registry.Blob{Digest: d, Size: 1 << 20, Locator: d.Hex()[:32], CreatedAt: now}); err == nil {
					err = tx.InsertLayer(id, registry.Layer{Digest: d, Size: 1 << 20, MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", KeepUntil: now.AddDate(1, 0, 0)})
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillOthers writes rows as the program would, without it: one by one they would take most of an hour.
func fillOthers(ctx context.Context, path string, n int) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	const step = 500_000
	until := time.Now().AddDate(1, 0, 0).UnixMilli()
	for _, statement := range []string{"PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000", "PRAGMA temp_store = MEMORY"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for done := 0; done < n; done += step {
		for _, statement := range []string{
			"CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < $1) SELECT CAST(x'01' || randomblob(32) AS BLOB) AS digest, i FROM n ORDER BY 1",
			"INSERT INTO blob (digest, size, locator, created_at) SELECT digest, 1048576, lower(hex(randomblob(16))), 0 FROM fresh WHERE $1 > 0",
			"INSERT INTO layer (repository_id, digest, size, media_type, keep_until) SELECT (SELECT min(id) FROM repository) + i % 1000, digest, 1048576, 'application/vnd.oci.image.layer.v1.tar+gzip', $1 FROM fresh ORDER BY 1, 2",
			"DROP TABLE fresh",
		} {
			arguments := []any{until}
			switch statement[:4] {
			case "CREA":
				arguments[0] = min(step, n-done)
			case "DROP":
				arguments = nil
			}
			if _, err := db.ExecContext(ctx, statement, arguments...); err != nil {
				return err
			}
		}
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}
