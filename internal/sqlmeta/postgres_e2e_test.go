//go:build e2e

package sqlmeta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestMetaOnPostgres(t *testing.T) {
	cluster := enginetest.Postgres(t)
	registrytest.TestMeta(t, func(t *testing.T) (registry.Meta, func() registry.Meta) {
		o := Options{URL: cluster.Database(t)}
		s := openStore(t, o)
		return s, func() registry.Meta {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			s = openStore(t, o)
			return s
		}
	})
}

func TestFindLayersIsOneStatementOnPostgres(t *testing.T) {
	var w watcher
	o := w.options(t)
	o.Path, o.URL = "", enginetest.Postgres(t).Database(t)
	s := openStore(t, o)
	if err := s.Update(t.Context(), func(tx registry.Tx) error { return fillRepository(tx, 0) }); err != nil {
		t.Fatal(err)
	}
	w.take(nil)
	_, layers, err := s.FindLayers(t.Context(), "a1b2c3d4", benchName(0), benchDigests(0, 0))
	if err != nil || len(layers) != benchLayers {
		t.Errorf("found %d layers, error %v", len(layers), err)
	}
	if seen := w.take(nil); len(seen) != 1 {
		t.Errorf("%d statements instead of one:\n%s", len(seen), strings.Join(seen, "\n"))
	}
}

// Each of two updates makes a setting unless the other's is there. Run side by side both would; one is run again instead.
func TestConflictingUpdatesAreRunAgain(t *testing.T) {
	url := enginetest.Postgres(t).Database(t)
	nodes := []*Store{openStore(t, Options{URL: url}), openStore(t, Options{URL: url})}
	var haveRead, done sync.WaitGroup
	haveRead.Add(2)
	var runs atomic.Int32
	for i, names := range [][2]string{{"left", "right"}, {"right", "left"}} {
		done.Go(func() {
			first := true
			err := nodes[i].Update(t.Context(), func(tx registry.Tx) error {
				runs.Add(1)
				_, err := tx.Setting(names[1])
				if first {
					first = false
					haveRead.Done()
					haveRead.Wait()
				}
				if !errors.Is(err, registry.ErrAbsent) {
					return err
				}
				return tx.InsertSetting(names[0], []byte("v"))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if got := stored(t, nodes[0], "left", "right"); got != "left" && got != "right" {
		t.Errorf("stored %q, want one of them", got)
	}
	if n := runs.Load(); n < 3 {
		t.Errorf("%d runs, want one more for the one that came second", n)
	}
}

// Clients of a node do not notice that PostgreSQL is restarted or crashes, but for an update whose commit was under way;
// and what was acknowledged stays.
func TestOutageIsRiddenOut(t *testing.T) {
	cluster := enginetest.Postgres(t)
	for name, down := range map[string]func(){"restart": cluster.Stop, "crash": cluster.Kill} {
		t.Run(name, func(t *testing.T) {
			url := cluster.Database(t)
			s := openStore(t, Options{URL: url})
			ctx, stop := context.WithCancel(t.Context())
			var mu sync.Mutex
			var acknowledged []string
			progress := make(chan struct{}, 1000)
			var workers sync.WaitGroup
			for g := range 8 {
				workers.Go(func() {
					for i := 0; ctx.Err() == nil; i++ {
						name := fmt.Sprint(g, ".", i)
						err := s.Update(context.Background(), insertSetting(name))
						var unknown *commitError
						if errors.As(err, &unknown) {
							continue
						}
						if err != nil {
							t.Errorf("update: %v", err)
							return
						}
						if err := s.View(context.Background(), readSetting(name)); err != nil {
							t.Errorf("view: %v", err)
							return
						}
						mu.Lock()
						acknowledged = append(acknowledged, name)
						mu.Unlock()
						select {
						case progress <- struct{}{}:
						default:
						}
					}
				})
			}
			await := func(n int) {
				for range n {
					select {
					case <-progress:
					case <-time.After(time.Minute):
						t.Fatal("no progress for a minute")
					}
				}
			}
			await(100)
			down()
			cluster.Start()
			for len(progress) > 0 {
				<-progress
			}
			await(100)
			stop()
			workers.Wait()
			if got := stored(t, openStore(t, Options{URL: url}), acknowledged...); got != strings.Join(acknowledged, " ") {
				t.Errorf("of %d acknowledged settings %d are stored", len(acknowledged), len(strings.Fields(got)))
			}
		})
	}
}

func TestOutageThatLastsIsAnError(t *testing.T) {
	cluster := enginetest.Postgres(t)
	s := openStore(t, Options{URL: cluster.Database(t)})
	cluster.Stop()
	for name, call := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error { return s.Update(ctx, insertSetting("s")) },
		"view":   func(ctx context.Context) error { return s.View(ctx, readSetting("s")) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want one about its context", name, err)
		} else if strings.Contains(err.Error(), enginetest.PostgresPassword) {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	short := limits{outage: time.Millisecond}
	err := s.engine.(*postgresEngine).primary.lend(t.Context(), func(reader *session) error {
		return repeat(t.Context(), reader, short, func() error { return reader.view(t.Context(), reader.dialect.beginView, readSetting("s")) })
	})
	if err == nil || !strings.Contains(err.Error(), "without a connection to PostgreSQL") {
		t.Errorf("error %v, want one about the connection", err)
	}
	cluster.Start()
	if err := s.Update(t.Context(), insertSetting("s")); err != nil {
		t.Errorf("once it is back: %v", err)
	}
}

// The answer to a commit gets lost: whether the update is there nobody knows, so it is neither repeated nor acknowledged.
func TestUnansweredCommitIsAnError(t *testing.T) {
	cluster := enginetest.Postgres(t)
	for name, pass := range map[string]bool{"after it reached the server": true, "before": false} {
		t.Run(name, func(t *testing.T) {
			url := cluster.Database(t)
			p := startProxy(t, url)
			s := openStore(t, Options{URL: p.url + "?pool_max_conns=2"})
			for i := range 4 { // prepares every statement on both connections
				if err := s.Update(t.Context(), insertSetting(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			runs := 0
			p.cutAtCommit(pass)
			err := s.Update(t.Context(), func(tx registry.Tx) error {
				runs++
				return tx.InsertSetting("s", []byte("v"))
			})
			var unknown *commitError
			if !errors.As(err, &unknown) || runs != 1 {
				t.Errorf("error %v after %d runs, want one about the commit after one run", err, runs)
			}
			p.cutNothing()
			want := ""
			if pass {
				want = "s"
			}
			if got := stored(t, openStore(t, Options{URL: url}), "s"); got != want {
				t.Errorf("stored %q, want %q", got, want)
			}
			if err := s.Update(t.Context(), insertSetting("next")); err != nil {
				t.Errorf("the next update: %v", err)
			}
		})
	}
}

// A connection that breaks anywhere else costs nothing but another run.
func TestBrokenConnectionIsReplaced(t *testing.T) {
	cluster := enginetest.Postgres(t)
	s := openStore(t, Options{URL: cluster.Database(t)})
	for name, run := range map[string]func(context.Context, func(registry.Tx) error) error{"View": s.View, "Update": s.Update} {
		runs := 0
		err := run(t.Context(), func(tx registry.Tx) error {
			runs++
			if _, err := tx.Setting("s"); !errors.Is(err, registry.ErrAbsent) {
				return err
			}
			if runs == 1 {
				cluster.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'openecr'")
			}
			_, err := tx.Accounts()
			return err
		})
		if err != nil || runs != 2 {
			t.Errorf("%s: %d runs, error %v", name, runs, err)
		}
	}
	cluster.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'openecr'")
	if _, _, err := s.FindLayers(t.Context(), "a", "b", nil); !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("FindLayers: %v", err)
	}
}

func TestCancelledReadsLeaveAWorkingStore(t *testing.T) {
	s := openStore(t, Options{URL: enginetest.Postgres(t).Database(t) + "?pool_max_conns=2"})
	for range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.View(ctx, func(tx registry.Tx) error {
			cancel()
			return readSetting("s")(tx)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	}
	if err := s.View(t.Context(), readSetting("s")); !errors.Is(err, registry.ErrAbsent) {
		t.Error(err)
	}
}

// BenchmarkPostgres pushes images of ten layers each, from one and from many goroutines, and says how often a
// transaction had to be run again.
func BenchmarkPostgres(b *testing.B) {
	cluster := enginetest.Postgres(b)
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openStore(b, Options{URL: cluster.Database(b)})
			fill(b, s, 1)
			var pushed, runs atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n := pushed.Add(1); n <= int64(b.N); n = pushed.Add(1) {
						if err := s.Update(context.Background(), func(tx registry.Tx) error {
							runs.Add(1)
							return benchPush(tx, n)
						}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(runs.Load())/float64(b.N), "runs/op")
		})
	}
}
