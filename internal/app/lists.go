package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const (
	// downloadsInterval is how long downloads are only counted in memory: what a crash loses at most.
	downloadsInterval = 5 * time.Second
	// lastFlush bounds the write of downloads at a shutdown.
	lastFlush = 10 * time.Second
	// pruneInterval is how often days of downloads are dropped that are too old.
	pruneInterval = 24 * time.Hour
)

// keepLists does what visitors' pages need beside the requests themselves. It returns when ctx ends; the last downloads are
// written by flushLast, after the last pull.
func keepLists(ctx context.Context, r *registry.Registry, log *slog.Logger) {
	report := func(err error) {
		if err != nil && ctx.Err() == nil {
			log.Warn("lists are not up to date", "error", err.Error())
		}
	}
	report(r.IndexUnlisted(ctx))
	ticks := time.NewTicker(downloadsInterval)
	defer ticks.Stop()
	var pruned time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			report(r.FlushDownloads(ctx))
			report(r.FlushEvents(ctx))
			if now.Sub(pruned) >= pruneInterval {
				report(r.PruneDownloads(ctx))
				pruned = now
			}
		}
	}
}

func flushLast(r *registry.Registry) error {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	return errors.Join(r.FlushDownloads(ctx), r.FlushEvents(ctx))
}
