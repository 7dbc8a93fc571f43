//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/enginetest"
)

// stores is where the servers of this run keep their data, as OPENECR_STORES says: METADATA+BLOBS, of sqlite or postgres
// and files or s3. Servers on one data folder share one database and one bucket; every other has its own.
type stores struct {
	postgres *enginetest.Cluster // nil for SQLite in the data folder
	s3       *enginetest.Gateway // nil for files in the data folder

	mu   sync.Mutex
	made map[string][]string // environment by data folder
}

// dataIn is set by TestMain.
var dataIn stores

// start starts the engines that are asked for.
func (s *stores) start(t testing.TB, kinds string) error {
	metadata, blobs, _ := strings.Cut(kinds, "+")
	if kinds == "" {
		metadata, blobs = "sqlite", "files"
	}
	switch metadata {
	case "sqlite":
	case "postgres":
		s.postgres = enginetest.Postgres(t)
	default:
		return fmt.Errorf("OPENECR_STORES %q: metadata is in sqlite or postgres", kinds)
	}
	switch blobs {
	case "files":
	case "s3":
		s.s3 = enginetest.S3(t)
	default:
		return fmt.Errorf("OPENECR_STORES %q: blobs are in files or s3", kinds)
	}
	s.made = make(map[string][]string)
	return nil
}

// environment makes a server with that data folder use the stores of the run.
func (s *stores) environment(t testing.TB, data string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if env, ok := s.made[data]; ok {
		return env
	}
	var env []string
	if s.postgres != nil {
		// Nodes of a fleet share these by their environment.
		env = append(env, "OPENECR_METADATA="+s.postgres.Database(t), "OPENECR_MASTER_KEY="+strings.Repeat("5a", 32),
			"OPENECR_ACCESS_KEY_ID=AKIAENDTOENDTESTS000", "OPENECR_SECRET_ACCESS_KEY=secret-of-the-end-to-end-tests")
	}
	if s.s3 != nil {
		env = append(append(env, "OPENECR_BLOBS="+s.s3.Blobs(t)), s.s3.Env()...)
	}
	s.made[data] = env
	return env
}

// wholeRun is the test that engines of the whole run belong to: they end after the last test.
type wholeRun struct {
	testing.TB
	cleanups []func()
}

func (r *wholeRun) Helper()                   {}
func (r *wholeRun) Context() context.Context  { return context.Background() }
func (r *wholeRun) Cleanup(fn func())         { r.cleanups = append(r.cleanups, fn) }
func (r *wholeRun) Error(args ...any)         { fmt.Fprintln(os.Stderr, append([]any{"e2e:"}, args...)...) }
func (r *wholeRun) Fatal(args ...any)         { r.Error(args...); r.end(); os.Exit(1) }
func (r *wholeRun) Fatalf(f string, a ...any) { r.Fatal(fmt.Sprintf(f, a...)) }

func (r *wholeRun) TempDir() string {
	dir, err := os.MkdirTemp("", "openecr-e2e-")
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// end gives back what the engines use, the last first.
func (r *wholeRun) end() {
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		fn := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		fn()
	}
}
