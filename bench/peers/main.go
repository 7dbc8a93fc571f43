// Command peers measures openecr beside other registries: the same loads against each, in turn, several times, on one
// machine, and prints medians, spread, ratios and goals.
//
//	make bench
//	make bench LOAD=check
//	make bench ZOT=/path/to/zot
//
// It is not a test of behaviour, except that a load that meets an error says so and fails. Client and server share the
// processors, so figures are for the pair; CPU is the server's alone, read from /proc. Linux only.
//
// Read next: load.go for what a load is, loads.go for the list of them, peers.go for who takes part.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

type options struct {
	openecr string         // binary
	clients string         // folder of binaries that tools installed
	zot     string         // binary; empty without
	loads   *regexp.Regexp // which
	rounds  int
	seconds time.Duration // how long a closed loop runs
	results string        // folder
	scratch string        // folder, on the disk that is measured
	large   int           // layers of the large store
	flames  bool          // draw what each load spends its time on
	docs    string        // document whose table is replaced; empty for none
	flame   *flame        // set while a load runs for its graph only
}

func main() {
	if len(os.Args) > 1 {
		if floor, ok := map[string]func([]string) error{"floor": serveFloor, "ask": ask}[os.Args[1]]; ok {
			fail(floor(os.Args[2:]))
			return
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("peers", flag.ExitOnError)
	flags.StringVar(&o.openecr, "openecr", "tmp/openecr", "the binary to measure")
	flags.StringVar(&o.clients, "clients", "", "folder of peers and clients that make tools installed")
	flags.StringVar(&o.zot, "zot", "", "path of a zot binary, which no package registry has")
	loads := flags.String("load", ".", "regular expression: which loads")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each load runs")
	flags.DurationVar(&o.seconds, "time", 3*time.Second, "how long each closed loop runs")
	flags.StringVar(&o.results, "results", "bench/results", "folder for JSON, table, chart and flame graphs")
	flags.BoolVar(&o.flames, "flames", true, "draw a flame graph of each load, after the rounds")
	flags.StringVar(&o.docs, "docs", "", "document whose table is replaced by that of this run")
	flags.StringVar(&o.scratch, "scratch", "tmp/bench", "folder for data, on the disk to be measured")
	flags.IntVar(&o.large, "large", 10_000_000, "layers in the large store")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.loads, err = regexp.Compile("^(" + *loads + ")"); err != nil {
		return o, err
	}
	for _, path := range []*string{&o.openecr, &o.clients, &o.scratch, &o.results} {
		if *path, err = filepath.Abs(*path); err != nil {
			return o, err
		}
	}
	if err := errors.Join(os.MkdirAll(o.scratch, 0o755), os.MkdirAll(o.results, 0o755)); err != nil {
		return o, err
	}
	return o, makeCertificate(o.scratch)
}

// chosen are the loads that the options name, with those that they are compared with.
func (o options) chosen() []load {
	all := allLoads()
	named := func(l load) bool { return o.loads.MatchString(l.name) }
	return slices.DeleteFunc(slices.Clone(all), func(l load) bool {
		return !named(l) && !slices.ContainsFunc(all, func(other load) bool { return other.needs == l.name && named(other) })
	})
}

// run measures every load on every server that takes part in it, the servers in turn, so that what disturbs the
// machine disturbs all of them.
func run(ctx context.Context, o options) error {
	r := newReport(o)
	loads := o.chosen()
	if len(loads) == 0 {
		return errors.New("no load has that name: leave LOAD out to run them all")
	}
	for round := range o.rounds {
		for _, l := range loads {
			for _, p := range l.who(o) {
				if err := ctx.Err(); err != nil {
					return err
				}
				sample, err := measure(ctx, o, l, p)
				if err != nil {
					return fmt.Errorf("load %s on %s: %w", l.name, p.name, err)
				}
				r.add(l.name, p.name, sample)
				fmt.Fprintf(os.Stderr, "round %d  %-12s %-18s %s\n", round+1, l.name, p.name, sample)
			}
		}
	}
	rows := r.rows()
	printTable(os.Stdout, rows)
	if err := r.write(rows); err != nil {
		return err
	}
	if !o.flames {
		return nil
	}
	return drawFlames(ctx, o, loads)
}

// measure gives the load a fresh server, or one that finds what was prepared for it.
func measure(ctx context.Context, o options, l load, p peer) (sample, error) {
	dir, err := os.MkdirTemp(o.scratch, p.name+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	settle()
	return l.run(ctx, o, p, dir)
}
