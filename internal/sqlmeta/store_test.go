package sqlmeta

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func insertSetting(name string) func(registry.Tx) error {
	return func(tx registry.Tx) error { return tx.InsertSetting(name, []byte("v")) }
}

func readSetting(name string) func(registry.Tx) error {
	return func(tx registry.Tx) error { _, err := tx.Setting(name); return err }
}

func TestOpenMakesAFileForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd ?name%20#&é.db")
	s := openStore(t, Options{Path: path})
	if err := s.Update(context.Background(), insertSetting("s")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
}

func TestConnectionsAreSetForDurability(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	for pool, sessions := range map[string]*session{"writing": newSession(sqliteOf(s).writing, sqliteDialect()), "reading": newSession(sqliteOf(s).readers.db, sqliteDialect())} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
			rows, err := sessions.query(context.Background(), "PRAGMA "+pragma)
			if err != nil {
				t.Fatal(err)
			}
			got, err := collect(rows, func(r row, s *string) error { return r.Scan(s) })
			if err != nil || len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %v, want %s; error %v", pool, pragma, got, want, err)
			}
		}
		sessions.close()
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    []string // in the message, besides the path
	}{
		"a folder that is absent": {
			func(t *testing.T, path string) {
				if err := os.Remove(filepath.Dir(path)); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"no such file or directory"},
		},
		"a file that is no database": {
			func(t *testing.T, path string) {
				if err := os.WriteFile(path, []byte(strings.Repeat("not SQLite\n", 1000)), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"not a database"},
		},
		"a newer schema": {
			func(t *testing.T, path string) {
				s := openStore(t, Options{Path: path})
				if _, err := sqliteOf(s).writing.Exec("INSERT INTO schema_version (version, compatible_from) VALUES (7, 7)"); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"schema version 7", fmt.Sprint("up to ", len(migrations())), "newer openecr"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub", "meta.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			c.prepare(t, path)
			s, err := Open(context.Background(), Options{Path: path})
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			for _, part := range append(c.want, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestOpenAtTheSameTimeMakesOneStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := Open(context.Background(), Options{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("they left %v, want only the store; error %v", entries, err)
	}
}

func TestMigrateIsAllOrNothing(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	session := newSession(sqliteOf(s).writing, sqliteDialect())
	defer session.close()
	ctx := context.Background()
	scripts := append(migrations(), migration{"CREATE TABLE second (id BIGINT)", 1}, migration{"CREATE TABLE third (id BIGINT); SELECT nonsense", 1})
	err := migrate(ctx, session, scripts)
	if want := fmt.Sprint("schema version ", len(scripts)); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want one about %s", err, want)
	}
	if err := migrate(ctx, session, scripts[:len(scripts)-1]); err != nil {
		t.Errorf("after the script was mended: %v", err) // "second" is there already if anything stayed
	}
}

func TestCorruptFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := openStore(t, Options{Path: path})
	if err := s.Update(context.Background(), func(tx registry.Tx) error { return fillRepository(tx, 0) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ { // all but the first page
		content[i] = byte(i * 7)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged, err := Open(context.Background(), Options{Path: path})
	if err != nil {
		return // noticed early, which is as good
	}
	defer damaged.Close()
	if _, _, err := damaged.FindLayers(context.Background(), "a1b2c3d4", benchName(0), benchDigests(0, 0)); err == nil || errors.Is(err, registry.ErrAbsent) {
		t.Errorf("FindLayers: error %v, want one about the file", err)
	}
	if err := damaged.Update(context.Background(), insertSetting("s")); err == nil {
		t.Error("Update succeeded")
	}
}

func TestClosedStoreAnswersClearly(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, find := s.FindLayers(context.Background(), "a1b2c3d4", "app", nil)
	for name, err := range map[string]error{
		"Update":     s.Update(context.Background(), insertSetting("s")),
		"View":       s.View(context.Background(), readSetting("s")),
		"FindLayers": find,
	} {
		if !errors.Is(err, errClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestTransactionIsOverWhenItsFunctionIs(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	for name, run := range map[string]func(context.Context, func(registry.Tx) error) error{"View": s.View, "Update": s.Update} {
		var kept registry.Tx
		if err := run(context.Background(), func(tx registry.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Setting("s"); !errors.Is(err, errEnded) {
			t.Errorf("%s: reading later: %v", name, err)
		}
		if err := kept.InsertSetting("s", nil); !errors.Is(err, errEnded) {
			t.Errorf("%s: writing later: %v", name, err)
		}
	}
}

func TestViewEndsWithItsContext(t *testing.T) {
	s := openStore(t, Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	for range 2 * cap(sqliteOf(s).readers.free) { // a reader that was given up must be fit for use again
		ctx, cancel := context.WithCancel(context.Background())
		err := s.View(ctx, func(tx registry.Tx) error {
			cancel()
			return readSetting("s")(tx)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
	if err := s.View(context.Background(), readSetting("s")); !errors.Is(err, registry.ErrAbsent) {
		t.Error(err)
	}
}

// What a killed process has committed is in its log, perhaps not on disk. Whoever opens the store tells of it, so it must
// be safe by then.
func TestOpenMovesAnOldLogIntoTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s := openStore(t, Options{Path: path})
	if err := s.Update(t.Context(), insertSetting("s")); err != nil {
		t.Fatal(err)
	}
	copyTo := func(to string, suffixes ...string) {
		for _, suffix := range suffixes {
			content, err := os.ReadFile(path + suffix)
			if err == nil {
				err = os.WriteFile(to+suffix, content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	killed := filepath.Join(t.TempDir(), "meta.db")
	copyTo(killed, "", "-wal")
	again := openStore(t, Options{Path: killed})
	path = killed
	alone := filepath.Join(t.TempDir(), "meta.db")
	copyTo(alone, "") // without the log
	if err := again.View(t.Context(), readSetting("s")); err != nil {
		t.Error(err)
	}
	if err := openStore(t, Options{Path: alone}).View(t.Context(), readSetting("s")); err != nil {
		t.Errorf("the row is in the log only: %v", err)
	}
}
