package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Collection is how a server removes by itself what nobody needs.
type Collection struct {
	GCInterval      time.Duration `name:"gc-interval" help:"How often to remove layers and uploads that nobody needs any more, with their bytes. 0: only by openecr gc. Default: ${default}." default:"1h" env:"OPENECR_GC_INTERVAL" placeholder:"DURATION"`
	GCBytesInterval time.Duration `name:"gc-bytes-interval" help:"How often to list all stored bytes and remove those that nothing refers to, which crashes leave. 0: only by openecr gc --bytes. Default: ${default}." default:"24h" env:"OPENECR_GC_BYTES_INTERVAL" placeholder:"DURATION"`
	GCRate          int           `name:"gc-rate" help:"How many things to remove in a second at most. 0: as many as can be. Default: ${default}." default:"200" env:"OPENECR_GC_RATE" placeholder:"N"`
	GCAbandoned     time.Duration `name:"gc-abandoned" help:"How long nobody must have sent anything to an upload until it is abandoned, and removed. Default: ${default}." default:"24h" env:"OPENECR_GC_ABANDONED" placeholder:"DURATION"`
	// For tests: how long an AVAILABLE answer holds, and how old abandoned uploads and bytes without a row must be.
	Lease   time.Duration `hidden:"" env:"OPENECR_LEASE"`
	GCGrace time.Duration `name:"gc-grace" hidden:"" env:"OPENECR_GC_GRACE"`
}

func (c Collection) check() error {
	if c.GCAbandoned < 0 {
		return fmt.Errorf("--gc-abandoned %s is negative: give the time after which an upload is abandoned, as in 24h", c.GCAbandoned)
	}
	if min(c.GCInterval, c.GCBytesInterval, c.Lease, c.GCGrace) < 0 || c.GCRate < 0 {
		return errors.New("--gc-interval, --gc-bytes-interval and --gc-rate must not be negative: 0 turns each off")
	}
	return nil
}

func (c Collection) rules() registry.CollectRules {
	return registry.CollectRules{Rate: c.GCRate, Abandoned: cmp.Or(c.GCGrace, c.GCAbandoned), Grace: c.GCGrace}
}

// lingering are the rules for a store: PostgreSQL may fall back to a standby that lagged or to an earlier point in time,
// so there bytes outlive their rows by as much as bytes that never had one. A file loses nothing that was committed.
func (s Stores) lingering(rules registry.CollectRules) registry.CollectRules {
	if s.onPostgres() {
		rules.Linger = cmp.Or(rules.Grace, postgresLinger)
	}
	return rules
}

const postgresLinger = 24 * time.Hour

// maxFirstCollection is when a server that has started collects at the latest: one that is restarted often would never.
const maxFirstCollection = 5 * time.Minute

// collectInBackground returns when ctx ends. Nodes of a fleet spread out by chance, and the one that comes first works.
func (c Config) collectInBackground(ctx context.Context, r *registry.Registry, log *slog.Logger) {
	if c.GCInterval == 0 {
		return
	}
	next := time.Duration(rand.Float64() * float64(min(c.GCInterval, maxFirstCollection)))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
		c.collectOnce(ctx, r, log)
		next = time.Duration((0.9 + 0.2*rand.Float64()) * float64(c.GCInterval))
	}
}

func (c Config) collectOnce(ctx context.Context, r *registry.Registry, log *slog.Logger) {
	began := time.Now()
	rules := c.lingering(c.rules())
	done, err := r.Collect(ctx, rules)
	if err == nil && c.GCBytesInterval > 0 {
		var strays registry.Collected
		rules.StraysEvery = c.GCBytesInterval
		strays, err = r.CollectStrays(ctx, rules)
		done = done.Plus(strays)
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.Int64("layers", done.Layers.Count), slog.Int64("blobs", done.Blobs.Count), slog.Int64("uploads", done.Uploads.Count),
		slog.Int64("strays", done.Strays.Count), slog.Int64("listed", done.Listed),
		slog.Int64("freed_bytes", Freed(done)), slog.Float64("duration_s", time.Since(began).Seconds()),
	}
	switch {
	case errors.Is(err, registry.ErrJobTaken):
		log.Debug("collection is done elsewhere")
		return
	case ctx.Err() != nil:
		return
	case err != nil:
		level, attrs = slog.LevelWarn, append(attrs, slog.String("error", err.Error()))
	case done == registry.Collected{}:
		level = slog.LevelDebug
	}
	log.LogAttrs(ctx, level, "collected", attrs...)
}

// Collected is the answer of Collect.
type Collected = registry.Collected

// Freed is how many stored bytes a collection gave back. Layers are rows, which free theirs with the last of a blob.
func Freed(c Collected) int64 { return c.Blobs.Bytes + c.Uploads.Bytes + c.Strays.Bytes }

// Collect is a collection at once.
type Collect struct {
	DryRun bool `json:"dryRun" help:"Count what would be removed, and remove nothing."`
	Rate   int  `json:"rate" help:"How many things to remove in a second at most. 0: as many as can be." default:"0" placeholder:"N"`
	Bytes  bool `json:"bytes" help:"List all stored bytes too, and remove those that nothing refers to. This takes as long as there is much stored."`
	// Abandoned is read from the variable that the server reads, too.
	Abandoned time.Duration `json:"abandoned" help:"How long nobody must have sent anything to an upload until it is abandoned, and removed. Default: ${default}." default:"24h" env:"OPENECR_GC_ABANDONED" placeholder:"DURATION"`
	// Grace is for tests.
	Grace time.Duration `json:"grace" hidden:"" env:"OPENECR_GC_GRACE"`
}

func (c Collect) readsOnly() bool { return c.DryRun }

func (c Collect) work(ctx context.Context, a *administration, tell func(registry.Collected)) (registry.Collected, error) {
	if c.Abandoned < 0 {
		return registry.Collected{}, fmt.Errorf("--abandoned %s is negative: give the time after which an upload is abandoned, as in 24h", c.Abandoned)
	}
	if c.Rate < 0 || c.Grace < 0 {
		return registry.Collected{}, fmt.Errorf("--rate %d is negative: 0 is as many as can be", c.Rate)
	}
	var done registry.Collected
	told := time.Now()
	rules := a.data.lingering(registry.CollectRules{DryRun: c.DryRun, Rate: c.Rate, Abandoned: cmp.Or(c.Grace, c.Abandoned), Grace: c.Grace, Progress: func(now registry.Collected) {
		if time.Since(told) > tellInterval {
			told = time.Now()
			tell(done.Plus(now))
		}
	}})
	done, err := a.registry.Collect(ctx, rules)
	if err == nil && c.Bytes {
		var strays registry.Collected
		strays, err = a.registry.CollectStrays(ctx, rules)
		done = done.Plus(strays)
	}
	if errors.Is(err, registry.ErrJobTaken) {
		err = errors.New("a collection or a backup is under way, here or on another node: try again when it has ended (two minutes after it died, if it did)")
	}
	return done, err
}

// tellInterval is how often people want to hear how work goes on.
const tellInterval = 200 * time.Millisecond
