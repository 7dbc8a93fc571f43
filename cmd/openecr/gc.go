package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/progress"
)

type gcCommand struct {
	copying     `embed:""`
	app.Stores  `embed:""`
	app.Collect `embed:""`
}

// Run also prints what was removed before something failed.
func (c *gcCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done, err := withDisplay(c.Quiet || !isTerminal(os.Stderr), func(p app.Progress) (app.Collected, error) {
		return app.Do(ctx, c.Stores, c.Collect, func(now app.Collected) {
			p.Stage(fmt.Sprintf("%d layers, %d uploads, %d of %d stored bytes without a row; %s free", now.Layers.Count, now.Uploads.Count, now.Strays.Count, now.Listed, progress.Bytes(app.Freed(now))))
		})
	})
	if ctx.Err() != nil {
		return interrupted{}
	}
	if err != nil && done == (app.Collected{}) {
		return err
	}
	return errors.Join(printAnswer(c.Output, done, c.table), err)
}

func (c *gcCommand) table(w io.Writer, done app.Collected) {
	verb := "removed"
	if c.DryRun {
		verb = "would be removed"
	}
	row := func(what string, count, bytes int64) {
		fmt.Fprintf(w, "%s\t%s %s\n", what, tallyText(count, bytes), verb)
	}
	row("layers that no image needs", done.Layers.Count, done.Layers.Bytes)
	row("stored layers that no repository needs", done.Blobs.Count, done.Blobs.Bytes)
	row("uploads that were abandoned", done.Uploads.Count, done.Uploads.Bytes)
	if c.Bytes {
		row("stored bytes that nothing refers to", done.Strays.Count, done.Strays.Bytes)
	}
}
