package sqlmeta

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

// watcher sees all statements of a store. Its lock also orders what the test does in fail.
type watcher struct {
	mu         sync.Mutex
	statements []string
	fail       func(query string) error // nil: nothing fails
}

func (w *watcher) options(t *testing.T) Options {
	return Options{
		Path: filepath.Join(t.TempDir(), "meta.db"),
		WrapConnector: func(c driver.Connector) driver.Connector {
			return registrytest.WatchStatements(c, w.watch)
		},
	}
}

func (w *watcher) watch(query string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements = append(w.statements, query)
	if w.fail != nil {
		return w.fail(query)
	}
	return nil
}

// take returns what was seen since the last take, and lets fail decide from now on.
func (w *watcher) take(fail func(query string) error) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.statements
	w.statements, w.fail = nil, fail
	return seen
}

func TestFindLayersIsOneStatement(t *testing.T) {
	var w watcher
	s := openStore(t, w.options(t))
	if err := s.Update(context.Background(), func(tx registry.Tx) error { return fillRepository(tx, 0) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		repository ref.RepositoryName
		digests    []ref.Digest
		found      int
	}{
		{"hit", benchName(0), benchDigests(0, 0), benchLayers},
		{"miss", benchName(0), benchDigests(0, 1000), 0},
		{"no digests", benchName(0), nil, 0},
		{"no repository", benchName(1), benchDigests(0, 0), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.take(nil)
			_, layers, _ := s.FindLayers(context.Background(), "a1b2c3d4", c.repository, c.digests)
			if len(layers) != c.found {
				t.Errorf("found %d layers, want %d", len(layers), c.found)
			}
			if seen := w.take(nil); len(seen) != 1 {
				t.Errorf("%d statements instead of one:\n%s", len(seen), strings.Join(seen, "\n"))
			}
		})
	}
}

// Statements that look up keys must not read whole tables, or all there is of a repository, as the registry grows.
func TestQueriesSearchIndexes(t *testing.T) {
	var w watcher
	s := openStore(t, w.options(t))
	ctx := context.Background()
	run := func(fn func(tx registry.Tx) error) {
		t.Helper()
		if err := s.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	run(func(tx registry.Tx) error { return fillRepository(tx, 0) })
	w.take(nil)
	image, digests := benchImage(1), benchDigests(0, 0)
	run(func(tx registry.Tx) error {
		for _, fn := range []func() error{
			func() error { return tx.InsertImage(1, image) },
			func() error { return tx.PutTag(1, registry.Tag{Name: "t", Image: image.Digest}) },
			func() error { _, err := tx.Aliases("123456789012"); return err },
			func() error { _, err := tx.Repository("a1b2c3d4", benchName(0)); return err },
			func() error { _, err := tx.Repositories("123456789012", "", 10); return err },
			func() error { _, err := tx.Layers(1, digests); return err },
			func() error { return tx.KeepLayers(1, digests, image.PushedAt) },
			func() error { _, err := tx.Images(1, image.Digest, 10); return err },
			func() error { _, err := tx.ImagesByDigest(1, digests); return err },
			func() error { _, err := tx.ImageParents(1, image.Digest); return err },
			func() error { _, err := tx.Tags(1, "a", 10); return err },
			func() error { _, err := tx.TagsOf(1, digests); return err },
			func() error { return tx.DeleteImage(1, image.Digest, image.PushedAt) },
			func() error { return tx.DeleteRepository(1) },
		} {
			if err := fn(); err != nil {
				return err
			}
		}
		return nil
	})
	if _, _, err := s.FindLayers(ctx, "a1b2c3d4", benchName(0), digests); err == nil {
		t.Fatal("the repository was not deleted")
	}
	for _, query := range w.take(nil) {
		for _, step := range explain(t, s, query) {
			wholeTable := strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "json_each") && !strings.Contains(step, "SCAN search VIRTUAL TABLE INDEX 0:=") // by row number
			wholeRepository := strings.HasSuffix(step, "(repository_id=?)") && strings.Contains(query, " AND ")
			if wholeTable || wholeRepository {
				t.Errorf("%s:\n%s", step, query)
			}
		}
	}
}

// Collection reads what is garbage, and nothing of what is not: no index of it holds rows that are in use.
func TestCollectionSearchesIndexesOfGarbage(t *testing.T) {
	var w watcher
	s := openStore(t, w.options(t))
	now := time.UnixMilli(1)
	err := s.Update(t.Context(), func(tx registry.Tx) error {
		if err := fillRepository(tx, 0); err != nil {
			return err
		}
		w.take(nil)
		_, err := tx.ExpiredLayers(now, 10)
		_, _, unused := tx.DeleteUnusedBlobs(10)
		_, released := tx.ReleasedBytes(now, 10)
		_, abandoned := tx.AbandonedUploads(now, registry.Upload{}, 10)
		_, named := tx.LocatorNamed("ab")
		_, counted := tx.Garbage(now, now)
		return errors.Join(err, unused, released, abandoned, named, counted, tx.ForgetBytes("ab"))
	})
	if err != nil {
		t.Fatal(err)
	}
	garbage := regexp.MustCompile(`^(SCAN unused_blob|SCAN layer USING (COVERING )?INDEX layer_keep_until)`)
	queries := 0
	for _, query := range w.take(nil) {
		for _, step := range explain(t, s, query) {
			queries++
			if strings.HasPrefix(step, "SCAN") && !garbage.MatchString(step) && !strings.HasPrefix(step, "SCAN named") {
				t.Errorf("%s:\n%s", step, query)
			}
		}
	}
	if queries < 8 {
		t.Errorf("%d steps were looked at", queries)
	}
}

// explain returns the steps of SQLite's plan for a query.
func explain(t *testing.T, s *Store, query string) []string {
	t.Helper()
	if strings.Contains(query, "SAVEPOINT") || !strings.Contains(query, " ") {
		return nil // transaction control has no plan
	}
	rows, err := sqliteOf(s).readers.db.Query("EXPLAIN QUERY PLAN "+query, make([]any, placeholders(query))...)
	if err != nil {
		t.Fatalf("%v:\n%s", err, query)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// placeholders is the greatest n of the $n in a query.
func placeholders(query string) int {
	for n := 9; n > 0; n-- {
		if strings.Contains(query, "$"+string(rune('0'+n))) {
			return n
		}
	}
	return 0
}

func TestUnpackLayersRefusesWhatIsMalformed(t *testing.T) {
	whole := "01" + strings.Repeat("ab", 32) + " 12 0 3 a/b"
	if layers, err := unpackLayers(whole + whole); err != nil || len(layers) != 2 {
		t.Fatalf("%d layers, error %v", len(layers), err)
	}
	for name, s := range map[string]string{
		"cut in the key":        whole[:10],
		"cut in the media type": whole[:len(whole)-1],
		"rubbish behind":        whole + "x",
		"key not hexadecimal":   "zz" + whole[2:],
		"key of no algorithm":   "09" + whole[2:],
		"size not a number":     strings.Replace(whole, " 12 ", " x ", 1),
		"length negative":       strings.Replace(whole, " 3 ", " -3 ", 1),
		"length too great":      strings.Replace(whole, " 3 ", " 9223372036854775807 ", 1),
	} {
		if layers, err := unpackLayers(s); err == nil {
			t.Errorf("%s: %v", name, layers)
		}
	}
}
