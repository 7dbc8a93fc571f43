package registry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

const (
	// DownloadDays is how long downloads are kept by day and tag. Totals are kept for good.
	DownloadDays = 400
	// maxPending bounds the downloads that wait to be written, as pairs of a tag and a day. Where more tags than that are
	// pulled between two flushes, pulls of further ones count for their repository alone.
	maxPending = 10_000
	// addedAtOnce and deletedAtOnce bound how long other updates wait for these.
	addedAtOnce   = 500
	deletedAtOnce = 5000
)

// downloadCounter counts in memory, so that no pull waits for a write.
type downloadCounter struct {
	mu      sync.Mutex
	pending map[downloadKey]int64
}

type downloadKey struct {
	repository int64
	tag        ref.Tag
	day        time.Time
}

func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

func (c *downloadCounter) add(repository int64, tag ref.Tag, day time.Time, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := downloadKey{repository, tag, day}
	if _, ok := c.pending[key]; !ok && len(c.pending) >= maxPending {
		key.tag = ""
		if _, ok := c.pending[key]; !ok && len(c.pending) >= 2*maxPending {
			return // 10,000 repositories between two flushes: something is wrong with the store, and memory is bounded
		}
	}
	if c.pending == nil {
		c.pending = make(map[downloadKey]int64)
	}
	c.pending[key] += n
}

func (c *downloadCounter) take() []Download {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Download, 0, len(c.pending))
	for key, n := range c.pending {
		list = append(list, Download{Repository: key.repository, Tag: key.tag, Day: key.day, Count: n})
	}
	c.pending = nil
	return list
}

// FlushDownloads writes the downloads that were counted since the last call: whoever runs a Registry calls it every few
// seconds and at the end. A crash loses those of one interval. What cannot be written now is written the next time.
func (r *Registry) FlushDownloads(ctx context.Context) error {
	pending := r.downloads.take()
	for len(pending) > 0 {
		n := min(len(pending), addedAtOnce)
		if err := r.meta.Update(ctx, func(tx Tx) error { return tx.AddDownloads(pending[:n]) }); err != nil {
			for _, d := range pending {
				r.downloads.add(d.Repository, d.Tag, d.Day, d.Count)
			}
			if KindOf(err) == ReadOnly {
				return nil // they wait for the end of that
			}
			return fmt.Errorf("write downloads: %w", err)
		}
		pending = pending[n:]
	}
	return nil
}

// PruneDownloads forgets days before the last DownloadDays.
func (r *Registry) PruneDownloads(ctx context.Context) error {
	before := dayOf(r.now()).AddDate(0, 0, -DownloadDays)
	for {
		var deleted int
		err := r.meta.Update(ctx, func(tx Tx) error {
			n, err := tx.DeleteDownloadDays(before, deletedAtOnce)
			deleted = n
			return err
		})
		if err != nil || deleted < deletedAtOnce {
			return err
		}
	}
}
