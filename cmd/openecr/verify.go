package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/openecr/openecr/internal/app"
)

type verifyCommand struct {
	copying    `embed:""`
	app.Stores `embed:""`
	app.Verify `embed:""`
}

// Run prints each fault as it is found: a line of text, or with --output json an object a line, {"fault": …}, and in the
// end {"verified": …}.
func (c *verifyCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := verifyPrinter{w: os.Stdout, json: c.Output == "json"}
	done, err := withDisplay(c.Quiet, func(p app.Progress) (app.Verified, error) {
		bar := verifyBar{display: p}
		return app.Do(ctx, c.Stores, c.Verify, func(e app.VerifyEvent) {
			if e.Fault != nil {
				out.fault(*e.Fault)
			}
			if e.Progress != nil {
				bar.show(*e.Progress)
			}
		})
	})
	if ctx.Err() != nil {
		return interrupted{}
	}
	if err != nil {
		return verdict{exitNotRead, err.Error()}
	}
	out.summary(done)
	return verdictOf(done)
}

// verifyBar moves with the bytes of the layers that were looked at.
type verifyBar struct {
	display app.Progress
	began   bool
	shown   int64
}

func (b *verifyBar) show(v app.Verified) {
	if v.Blobs.Count == 0 {
		b.display.Stage("verifying rows")
		return
	}
	if !b.began {
		b.began = true
		b.display.Stage("verifying layers")
		b.display.Need(v.Total.Bytes)
	}
	b.display.Done(v.Blobs.Bytes - b.shown)
	b.shown = v.Blobs.Bytes
}

type verifyPrinter struct {
	w    io.Writer
	json bool
}

func (p verifyPrinter) fault(f app.Fault) {
	if p.json {
		_ = json.NewEncoder(p.w).Encode(map[string]app.Fault{"fault": f})
		return
	}
	fmt.Fprintln(p.w, f)
}

func (p verifyPrinter) summary(v app.Verified) {
	if p.json {
		_ = json.NewEncoder(p.w).Encode(map[string]app.Verified{"verified": v})
		return
	}
	fmt.Fprintf(p.w, "%d repositories, %d tags, %d images, %d layers; stored layers %s, of which the bytes of %s were read\n",
		v.Repositories, v.Tags, v.Images, v.Layers, tallyText(v.Blobs.Count, v.Blobs.Bytes), tallyText(v.Read.Count, v.Read.Bytes))
}

// The exit statuses of openecr verify, beside 0.
const (
	exitBroken   = 1
	exitNotRead  = 2
	exitRepaired = 3
)

// verdict is the error that says how it went.
type verdict struct {
	status int
	text   string
}

func (v verdict) Error() string { return v.text }
func (v verdict) ExitCode() int { return v.status }

func verdictOf(v app.Verified) error {
	switch left := v.Broken - v.Repaired; {
	case left > 0:
		return verdict{exitBroken, fmt.Sprintf("broken: %d", left)}
	case v.Unread > 0:
		return verdict{exitNotRead, fmt.Sprintf("could not be looked at: %d", v.Unread)}
	case v.Repaired > 0:
		return verdict{exitRepaired, fmt.Sprintf("broken and out of sight now: %d; push their images again", v.Repaired)}
	}
	return nil
}
