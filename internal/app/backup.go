package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/durable"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

// Backup copies a registry, which may be served meanwhile, into a folder beside its earlier backups. Layers that one of
// them has are not copied again.
type Backup struct {
	Copying       `embed:""`
	To            string `required:"" help:"Folder for backups of this registry. It is made when it is not there." placeholder:"DIR"`
	WithMasterKey bool   `help:"Put the master key into the folder: whoever has the folder then has all secrets. Without it, keep OPENECR_MASTER_KEY or master.key elsewhere: the backup opens with nothing else."`
	Keep          int    `help:"Remove all but so many of the newest snapshots, and the layers that only those had." placeholder:"N"`
}

// BackedUp is what a backup has made.
type BackedUp struct {
	Name string `json:"snapshot"`
	transfer.Snapshot
	MasterKey bool           `json:"withMasterKey"`
	Pruned    registry.Tally `json:"pruned"` // layers that no snapshot needs any more
}

// Run returns once the snapshot is durable. Interrupted, it leaves none, and the next one goes on with the layers.
//
// A snapshot of the metadata taken before the layers would name some that collection takes meanwhile; one taken after
// them, some that are not there. So the layers are copied while there are many, the last few while the snapshot is open
// (see transfer.Copy), and collection waits until all is done.
func (b Backup) Run(ctx context.Context, s Stores, p transfer.Progress) (done BackedUp, err error) {
	options, err := b.options(p)
	if err == nil && b.Keep < 0 {
		err = errors.New("--keep must not be below 0")
	}
	if err != nil {
		return done, err
	}
	from, err := openSource(ctx, s)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	target := new(end)
	defer func() { err = errors.Join(err, target.Close()) }()
	err = target.app.lockData(Stores{Data: b.To})
	var inUse *inUseError
	if errors.As(err, &inUse) {
		return done, fmt.Errorf("folder %s is in use by another openecr (process %s): let that backup end, or choose a folder that is for backups only", b.To, inUse.holder)
	}
	if err != nil {
		return done, err
	}
	if _, err := durable.RemoveUnfinished(b.To); err != nil {
		return done, fmt.Errorf("remove what an interrupted backup has left: %w", err)
	}
	folder := transfer.Folder(b.To)
	if b.WithMasterKey {
		_, key, err := keyOf(ctx, from.meta, s.MasterKey, s.file(masterKeyFile))
		if err == nil {
			err = writeFile(folder.MasterKey(), masterKeyText(key))
		}
		if err != nil {
			return done, err
		}
		done.MasterKey = true
	}
	if done.Snapshot, err = takeSnapshot(ctx, from, folder, options); err != nil {
		return done, err
	}
	done.Name = done.Snapshot.Name
	if b.Keep > 0 {
		p.Stage("removing old snapshots")
		done.Pruned, err = prune(ctx, folder, b.Keep)
	}
	return done, err
}

// takeSnapshot copies into the unfinished store of the folder and makes it a snapshot.
func takeSnapshot(ctx context.Context, from *end, folder transfer.Folder, o transfer.Options) (transfer.Snapshot, error) {
	identity, err := transfer.Identity(ctx, from.meta)
	if err != nil {
		return transfer.Snapshot{}, err
	}
	known, err := openNewest(ctx, folder, identity)
	if err != nil {
		return transfer.Snapshot{}, err
	}
	if known != nil {
		defer known.Close()
		o.Known = known
	}
	snapshot := transfer.Snapshot{Identity: identity}
	snapshot.Report, err = copyToFolder(ctx, from, folder, o)
	if err != nil {
		return transfer.Snapshot{}, err
	}
	return folder.Finish(snapshot)
}

func copyToFolder(ctx context.Context, from *end, folder transfer.Folder, o transfer.Options) (_ transfer.Report, err error) {
	to := &end{owned: true}
	defer func() { err = errors.Join(err, to.Close()) }()
	if to.meta, err = sqlmeta.Open(ctx, sqlmeta.Options{Path: folder.Partial()}); err != nil {
		return transfer.Report{}, err
	}
	to.app.closers = append(to.app.closers, to.meta.Close)
	if to.blobs, err = blobfs.Open(folder.Blobs()); err != nil {
		return transfer.Report{}, err
	}
	return copyRegistry(ctx, from, to, o)
}

// openNewest is the newest snapshot of a registry; nil when there is none yet.
func openNewest(ctx context.Context, folder transfer.Folder, identity string) (registry.Meta, error) {
	snapshots, err := folder.Snapshots()
	if err != nil || len(snapshots) == 0 {
		return nil, err
	}
	newest := snapshots[len(snapshots)-1]
	if newest.Identity != identity {
		return nil, fmt.Errorf("%s holds backups of another registry: choose a folder for each", folder)
	}
	return openSnapshot(ctx, folder, newest, string(folder))
}

// openSnapshot opens a copy of its rows, made in the folder scratch, and with it goes the copy.
func openSnapshot(ctx context.Context, folder transfer.Folder, s transfer.Snapshot, scratch string) (registry.Meta, error) {
	dir, err := os.MkdirTemp(scratch, durable.Unfinished("rows"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "rows.db")
	if err := folder.CopyRows(s, path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	meta, err := sqlmeta.Open(ctx, sqlmeta.Options{Path: path})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &scratchMeta{meta, dir}, nil
}

// scratchMeta is a store whose folder goes when it is closed.
type scratchMeta struct {
	registry.Meta
	dir string
}

func (m *scratchMeta) Close() error { return errors.Join(m.Meta.Close(), os.RemoveAll(m.dir)) }

// prune keeps the newest snapshots. Layers go last: a crash in between leaves some that the next prune takes.
func prune(ctx context.Context, folder transfer.Folder, keep int) (registry.Tally, error) {
	snapshots, err := folder.Snapshots()
	if err != nil {
		return registry.Tally{}, err
	}
	for len(snapshots) > keep {
		if err := folder.Remove(snapshots[0]); err != nil {
			return registry.Tally{}, err
		}
		snapshots = snapshots[1:]
	}
	needed := make(map[string]bool)
	for _, s := range snapshots {
		if err := addLocators(ctx, folder, s, needed); err != nil {
			return registry.Tally{}, err
		}
	}
	return removeOthers(ctx, folder, needed)
}

func addLocators(ctx context.Context, folder transfer.Folder, s transfer.Snapshot, to map[string]bool) (err error) {
	meta, err := openSnapshot(ctx, folder, s, string(folder))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, meta.Close()) }()
	for blob, err := range transfer.BlobsOf(ctx, meta) {
		if err != nil {
			return err
		}
		to[blob.Locator] = true
	}
	return nil
}

func removeOthers(ctx context.Context, folder transfer.Folder, needed map[string]bool) (registry.Tally, error) {
	var removed registry.Tally
	blobs, err := blobfs.Open(folder.Blobs())
	if err != nil {
		return removed, err
	}
	for stored, err := range blobs.List(ctx) {
		if err != nil {
			return removed, err
		}
		if needed[stored.Locator] {
			continue
		}
		if err := blobs.Delete(ctx, stored.Locator); err != nil {
			return removed, err
		}
		removed.Count++
		removed.Bytes += stored.Size
	}
	return removed, nil
}

// Restore makes an empty pair of stores, of whatever kind, the registry that a backup holds.
type Restore struct {
	Copying  `embed:""`
	From     string `required:"" help:"Folder of openecr backup." placeholder:"DIR"`
	Snapshot string `help:"Which snapshot of the folder: 20260301T120000Z. Default: the newest." placeholder:"NAME"`
}

// Restored is what a restore has made.
type Restored struct {
	Snapshot string `json:"snapshot"`
	transfer.Report
}

// Run goes on where it was interrupted when it is run again with the same options.
func (r Restore) Run(ctx context.Context, s Stores, p transfer.Progress) (done Restored, err error) {
	options, err := r.options(p)
	if err != nil {
		return done, err
	}
	folder := transfer.Folder(r.From)
	snapshot, err := folder.Find(r.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return done, fmt.Errorf("there is no backup folder %s", r.From)
	}
	if err != nil {
		return done, err
	}
	to, err := openTarget(ctx, s)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	meta, err := openSnapshot(ctx, folder, snapshot, s.Data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, meta.Close()) }()
	blobs, err := blobfs.Open(folder.Blobs())
	if err != nil {
		return done, err
	}
	from := &end{meta: meta, blobs: blobs}
	report, err := copyWithKeys(ctx, from, to, options, s.file(masterKeyFile), folder.MasterKey())
	report.At = snapshot.At // not of the restore
	return Restored{snapshot.Name, report}, err
}
