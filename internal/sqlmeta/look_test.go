package sqlmeta

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func TestLookReadsBesideAServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := openStore(t, Options{Path: path})
	if _, err := registry.EnsureSetting(t.Context(), s, "name", []byte("value")); err != nil {
		t.Fatal(err)
	}
	looked, schema, err := Look(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer looked.Close()
	if want := (Schema{len(migrations()), len(migrations())}); schema != want {
		t.Errorf("schema %v", schema)
	}
	if value, err := registry.FindSetting(t.Context(), looked, "name"); err != nil || string(value) != "value" {
		t.Errorf("%q, %v", value, err)
	}
	if _, err := registry.EnsureSetting(t.Context(), looked, "other", nil); err == nil || !strings.Contains(err.Error(), "not to be changed") {
		t.Errorf("an update: %v", err)
	}
}

func TestLookMakesNothing(t *testing.T) {
	dir := t.TempDir()
	absent, empty := filepath.Join(dir, "absent.db"), filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{absent, empty} {
		if _, _, err := Look(t.Context(), Options{Path: path}); !errors.Is(err, ErrNoStore) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

func TestLookRefusesWhatOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := openStore(t, Options{Path: path})
	if _, err := sqliteOf(s).writing.Exec("INSERT INTO schema_version (version, compatible_from) VALUES (7, 7)"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Look(t.Context(), Options{Path: path}); err == nil || !strings.Contains(err.Error(), "schema version 7") {
		t.Error(err)
	}
	if err := os.WriteFile(path+".txt", []byte(strings.Repeat("not SQLite\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Look(t.Context(), Options{Path: path + ".txt"}); err == nil || errors.Is(err, ErrNoStore) {
		t.Error(err)
	}
}

func TestPoolTellsItsUse(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	size := s.Pools()[0].Max
	lent, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, size+1)
	view := func(tx registry.Tx) error {
		_, err := tx.CountUploads()
		lent <- struct{}{}
		<-release
		return err
	}
	for range size {
		go func() { done <- s.View(context.Background(), view) }()
		<-lent
	}
	if use := s.Pools()[0]; use.Name != "read" || use.InUse != size || use.Idle != 0 || use.Waits != 0 {
		t.Errorf("all in use: %+v", use)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.View(ctx, view) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("one too many: %v", err)
	}
	close(release)
	for range size {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if use := s.Pools()[0]; use.InUse != 0 || use.Idle != size {
		t.Errorf("none in use: %+v", use)
	}
}
