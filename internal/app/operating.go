package app

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/telemetry"
)

// Operating is how a server is watched, what it writes down and how it ends.
type Operating struct {
	LogLevel      string        `help:"What to log: ${enum}; openecr log-level changes it later." enum:"debug,info,warn,error" default:"info" env:"OPENECR_LOG_LEVEL"`
	LogFormat     string        `help:"How to log: ${enum}. auto is text on a terminal and json elsewhere." enum:"auto,text,json" default:"auto" env:"OPENECR_LOG_FORMAT"`
	Traces        string        `help:"OpenTelemetry receiver (OTLP over HTTP) for traces of all requests, such as http://127.0.0.1:4318. The variables OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS hold too. Default: no traces." env:"OPENECR_TRACES" placeholder:"URL"`
	ShutdownDelay time.Duration `help:"How long to go on serving after the signal to stop, with /readyz failing, so that load balancers notice. Default: ${default}." default:"0s" env:"OPENECR_SHUTDOWN_DELAY" placeholder:"DURATION"`
	// Level is of the logger that Logger makes; it is not an option.
	Level *slog.LevelVar `kong:"-"`
}

// Logger makes the log of a server.
func (o *Operating) Logger(w io.Writer, terminal bool) (*slog.Logger, error) {
	level, err := parseLevel(cmp.Or(o.LogLevel, "info"))
	if err != nil {
		return nil, err
	}
	o.Level = new(slog.LevelVar)
	o.Level.Set(level)
	options := &slog.HandlerOptions{Level: o.Level}
	if o.LogFormat == "text" || o.LogFormat != "json" && terminal {
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return slog.New(newRequestLines(w, options)), nil
}

// watch makes the observer of all requests.
func (a *App) watch(ctx context.Context, c Config) (*telemetry.Observer, error) {
	o, err := telemetry.New(ctx, telemetry.Options{
		Version:     c.Version,
		Traces:      c.Traces,
		Undelivered: func(err error) { a.log.Warn("traces were not delivered", "error", err.Error()) },
		IsOperation: isOperationOn,
	})
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() error {
		if err := o.Close(); err != nil { // no reason to say that the server has failed
			a.log.Warn("the last traces were not delivered", "error", err.Error())
		}
		return nil
	})
	return o, nil
}

// isOperationOn tells names of operations from a client's own words, which must not become labels. All surfaces but STS
// take the names from tables of theirs.
func isOperationOn(wire, name string) bool {
	return wire != "sts" || name == "GetCallerIdentity" || name == "GetServiceBearerToken"
}

// watchStore has the observer read what the metadata store knows of its connections and of uploads.
func watchStore(o *telemetry.Observer, s stores) {
	o.WatchPools(func() []telemetry.Pool {
		var pools []telemetry.Pool
		for _, p := range s.meta.Pools() {
			pools = append(pools, telemetry.Pool(p))
		}
		return pools
	})
	o.WatchUploads(func(ctx context.Context) (n int, err error) {
		err = s.meta.View(ctx, func(tx registry.Tx) (err error) {
			n, err = tx.CountUploads()
			return err
		})
		return n, err
	})
}

// watchOverload has the observer read how much is done at once, and how much room is left.
func (a *App) watchOverload(o *telemetry.Observer, g *gates, d *disks, size capacity) {
	o.WatchWork(func() []telemetry.Work {
		var all []telemetry.Work
		for w, gate := range g.of {
			use := gate.Use()
			all = append(all, telemetry.Work{Kind: work(w).String(), Places: use.Places, Inside: use.Inside, Waiting: use.Waiting, Refused: use.Refused})
		}
		return all
	})
	o.WatchRoom(func() telemetry.Room {
		var room telemetry.Room
		room.MemoryLimit, room.MaxConnections = size.memory, size.connections
		room.Connections, room.Evicted = a.connections.use()
		for _, disk := range *d {
			disk.take(0)
			room.Disks = append(room.Disks, telemetry.Disk{Holds: disk.name, Free: disk.free.Load(), Least: disk.least.Load()})
		}
		return room
	})
}
