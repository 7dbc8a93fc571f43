package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/progress"
)

// copying is what every command that goes through many bytes can be told: backup, restore, migrate, gc and verify.
type copying struct {
	Output string `help:"How to print the report: ${enum}." enum:"table,json" default:"table"`
	Quiet  bool   `short:"q" help:"Show no progress."`
}

type backupCommand struct {
	copying    `embed:""`
	app.Stores `embed:""`
	app.Backup `embed:""`
}

// Run copies the registry, which may be served meanwhile.
func (c *backupCommand) Run() error {
	return runCopy(c.copying, func(ctx context.Context, p app.Progress) (app.BackedUp, error) {
		return c.Backup.Run(ctx, c.Stores, p)
	}, func(w io.Writer, done app.BackedUp) {
		fmt.Fprintf(w, "snapshot\t%s\n", done.Name)
		printReport(w, done.Report)
		if done.Pruned.Count > 0 {
			fmt.Fprintf(w, "removed\t%s\n", tallyText(done.Pruned.Count, done.Pruned.Bytes))
		}
		if !done.MasterKey {
			fmt.Fprintln(w, "master key\tnot in the backup: keep a copy of it elsewhere, nothing else opens the secrets")
		}
	})
}

type restoreCommand struct {
	copying     `embed:""`
	app.Stores  `embed:""`
	app.Restore `embed:""`
}

// Run makes empty stores what a backup holds.
func (c *restoreCommand) Run() error {
	return runCopy(c.copying, func(ctx context.Context, p app.Progress) (app.Restored, error) {
		return c.Restore.Run(ctx, c.Stores, p)
	}, func(w io.Writer, done app.Restored) {
		fmt.Fprintf(w, "snapshot\t%s\n", done.Snapshot)
		printReport(w, done.Report)
	})
}

type migrateCommand struct {
	copying     `embed:""`
	app.Migrate `embed:""`
}

// Run copies the registry to other stores.
func (c *migrateCommand) Run() error {
	return runCopy(c.copying, c.Migrate.Run, func(w io.Writer, done app.Migrated) {
		printReport(w, done.Report)
		if !done.KeyInPlace {
			fmt.Fprintln(w, "master key\tserve the new place with OPENECR_MASTER_KEY set to that of the old one")
		}
		if done.ReadOnly {
			fmt.Fprintln(w, "old place\trefuses pushes from now on: have clients go to the new one")
		}
	})
}

// runCopy shows progress on standard error, where it disturbs no output, until the work is done or the user stops it.
func runCopy[Out any](c copying, do func(context.Context, app.Progress) (Out, error), table func(io.Writer, Out)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out, err := withDisplay(c.Quiet, func(p app.Progress) (Out, error) { return do(ctx, p) })
	if err != nil {
		if ctx.Err() != nil {
			return interrupted{}
		}
		return err
	}
	return printAnswer(c.Output, out, table)
}

func withDisplay[Out any](quiet bool, do func(app.Progress) (Out, error)) (Out, error) {
	w := io.Writer(os.Stderr)
	if quiet {
		w = io.Discard
	}
	display := progress.New(w, isTerminal(os.Stderr))
	defer display.Close()
	return do(display)
}

func printReport(w io.Writer, r app.CopyReport) {
	fmt.Fprintf(w, "layers\t%s\n", tallyText(r.Blobs.Count, r.Blobs.Bytes))
	fmt.Fprintf(w, "copied\t%s\n", tallyText(r.Copied.Count, r.Copied.Bytes))
	if r.Broken.Count > 0 {
		fmt.Fprintf(w, "mended\t%s that an earlier run had copied and that were broken\n", tallyText(r.Broken.Count, r.Broken.Bytes))
	}
	tables := make([]string, 0, len(r.Rows))
	for name := range r.Rows {
		tables = append(tables, name)
	}
	slices.Sort(tables)
	for _, name := range tables {
		if r.Rows[name] > 0 {
			fmt.Fprintf(w, "%s\t%d\n", name, r.Rows[name])
		}
	}
}

func tallyText(count, bytes int64) string {
	return fmt.Sprintf("%d (%s)", count, progress.Bytes(bytes))
}
