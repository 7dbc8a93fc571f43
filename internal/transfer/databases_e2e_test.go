//go:build e2e

package transfer_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

// TestCopyBetweenDatabases goes from each database to each, so what a copy went through once must have come back.
func TestCopyBetweenDatabases(t *testing.T) {
	cluster := enginetest.Postgres(t)
	databases := map[string]func(*testing.T) *store{
		"sqlite": func(t *testing.T) *store {
			return openStore(t, sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
		},
		"postgres": func(t *testing.T) *store { return openStore(t, sqlmeta.Options{URL: cluster.Database(t)}) },
	}
	for from, open := range databases {
		for to, openOther := range databases {
			t.Run(from+" to "+to, func(t *testing.T) {
				source, target := open(t), openOther(t)
				source.fill()
				want := source.dump()
				if _, err := transfer.Copy(t.Context(), source.pair(), target.pair(), transfer.Options{Parallel: 4}); err != nil {
					t.Fatal(err)
				}
				target.equals(want)
				created := target.addRepository("new")
				if created.ID <= 3 {
					t.Errorf("a new repository has the id %d, and 3 were given before the copy", created.ID)
				}
			})
		}
	}
}

// TestSnapshotAfterTheSwitchIsTheLastWord: whatever update was acknowledged, however late, is in a snapshot that was begun
// once the store was switched to read-only.
func TestSnapshotAfterTheSwitchIsTheLastWord(t *testing.T) {
	s := openStore(t, sqlmeta.Options{URL: enginetest.Postgres(t).Database(t)})
	s.fillRoot()
	acknowledged := 0
	for round := range 40 {
		names := make(chan ref.RepositoryName, 1000)
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ; i++ {
					name := ref.RepositoryName(fmt.Sprintf("r%d-%d-%d", round, w, i))
					_, err := s.registry.CreateRepository(t.Context(), owner, name, registry.Catalog{}, nil)
					if registry.KindOf(err) == registry.ReadOnly {
						return
					}
					if err == nil {
						names <- name
					}
				}
			})
		}
		for range 4 {
			<-names
			acknowledged++
		}
		if _, err := s.registry.SetReadOnly(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		inSnapshot := 0
		err := s.meta.Snapshot(t.Context(), func(tx registry.Tx) (err error) {
			inSnapshot, err = tx.CountRepositories(owner.Account, 1_000_000)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		writers.Wait()
		acknowledged += len(names)
		if inSnapshot < acknowledged {
			t.Fatalf("round %d: %d updates were acknowledged, %d are in the snapshot", round, acknowledged, inSnapshot)
		}
		acknowledged = inSnapshot
		if _, err := s.registry.SetReadOnly(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
}
