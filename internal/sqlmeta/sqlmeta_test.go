package sqlmeta

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMeta(t *testing.T) {
	registrytest.TestMeta(t, func(t *testing.T) (registry.Meta, func() registry.Meta) {
		path := filepath.Join(t.TempDir(), "meta.db")
		s := openStore(t, Options{Path: path})
		return s, func() registry.Meta {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			s = openStore(t, Options{Path: path})
			return s
		}
	})
}

// openStore also closes the store, at the end of the test.
func openStore(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// sqliteOf is the inside of a store on SQLite.
func sqliteOf(s *Store) *sqliteEngine { return s.engine.(*sqliteEngine) }
