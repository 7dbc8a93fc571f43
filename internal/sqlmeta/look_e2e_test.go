//go:build e2e

package sqlmeta

import (
	"errors"
	"testing"

	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/registry"
)

func TestLookAtPostgres(t *testing.T) {
	o := Options{URL: enginetest.Postgres(t).Database(t)}
	if _, _, err := Look(t.Context(), o); !errors.Is(err, ErrNoStore) {
		t.Errorf("an empty database: %v", err)
	}
	s := openStore(t, o)
	if _, err := registry.EnsureSetting(t.Context(), s, "name", []byte("value")); err != nil {
		t.Fatal(err)
	}
	looked, schema, err := Look(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer looked.Close()
	if schema.Version != schema.Newest {
		t.Errorf("schema %v", schema)
	}
	if value, err := registry.FindSetting(t.Context(), looked, "name"); err != nil || string(value) != "value" {
		t.Errorf("%q, %v", value, err)
	}
	if use := s.Pools(); len(use) != 1 || use[0].Name != "primary" || use[0].Idle == 0 {
		t.Errorf("pools %+v", use)
	}
}
