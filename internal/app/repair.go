package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/openecr/openecr/internal/durable"
)

const spoolFolder = "spool"

// repaired is what a start found of a server that was killed or lost its power.
type repaired struct {
	began     time.Time
	process   string // of that server
	logBytes  int64  // of the database's log
	temporary int
	spooled   int
}

// repair does away with what the last server left, where that did not end in order:
//
//	temporary files     of small files in the data folder; removed
//	spooled parts       whose signature was not proven yet; removed
//	the database's log  goes into the database when that is opened (sqlmeta), before anybody is told what it says
//	unfinished uploads  stay, and go on: each at the offset of its row, whatever is stored behind that
//	bytes without row   stay for collection: they are found by listing all, which a start must not wait for
//
// So it takes no longer when more is stored. Nothing is there to repair when it fails half way and is done again.
func (a *App) repair(s Stores) (*repaired, error) {
	r := &repaired{began: time.Now(), process: a.predecessor}
	var err error
	if r.temporary, err = durable.RemoveUnfinished(s.Data); err != nil {
		return nil, fmt.Errorf("remove what a crash has left: %w", err)
	}
	if r.spooled, err = clearSpool(s.file(spoolFolder)); err != nil {
		return nil, fmt.Errorf("clear the spool: %w", err)
	}
	if options, err := s.metadataOptions(); err == nil && options.Path != "" {
		if info, err := os.Stat(options.Path + "-wal"); err == nil {
			r.logBytes = info.Size()
		}
	}
	a.predecessor = ""
	return r, nil
}

// clearSpool makes the folder for parts that are not proven yet, empty. Its files have no names while they are used, so
// one that is there was left by a crash in the instant between.
func clearSpool(dir string) (int, error) {
	left, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return len(left), errors.Join(err, os.RemoveAll(dir), os.Mkdir(dir, 0o700))
}

// tell says what was done, in one line, unless the last server has ended in order.
func (r *repaired) tell(ctx context.Context, log *slog.Logger, now time.Time) {
	if r.process == "" {
		return
	}
	log.WarnContext(ctx, "repaired what a server left that did not end in order", "process", r.process, "database_log_bytes", r.logBytes,
		"temporary_files", r.temporary, "spooled_parts", r.spooled, "duration_ms", now.Sub(r.began).Milliseconds())
}
