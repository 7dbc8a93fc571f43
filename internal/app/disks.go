package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/openecr/openecr/internal/registry"
)

// freeSpace is how much of a disk has to be free: the lesser of both, as far as each is set. The zero value is nothing.
type freeSpace struct {
	bytes   int64
	percent float64
}

// parseFreeSpace reads --min-free-space.
func parseFreeSpace(s string) (freeSpace, error) {
	if s == "" {
		return freeSpace{bytes: 1 << 30, percent: 5}, nil
	}
	if number, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(number, 64)
		if err != nil || !(percent >= 0 && percent < 100) {
			return freeSpace{}, fmt.Errorf("%q is not between 0%% and 100%%", s)
		}
		return freeSpace{percent: percent}, nil
	}
	n, err := parseBytes(s)
	return freeSpace{bytes: n}, err
}

func (f freeSpace) of(total int64) int64 {
	part := int64(f.percent / 100 * float64(total))
	switch {
	case f.bytes == 0:
		return part
	case f.percent == 0:
		return f.bytes
	}
	return min(f.bytes, part)
}

// disks keep from filling up. A full disk fails more than uploads: the database cannot commit a delete on it, so
// nothing could be made better. So bytes of layers are refused while less than the minimum is free, and what adds metadata
// while less than half of it is.
type disks []*disk

// disk is the file system that a folder is on. Free space is asked once a second at most, and in between what is written
// is taken off.
type disk struct {
	name  string // what is kept there: "data", "layers"
	path  string
	min   freeSpace
	space func(path string) (free, total int64, err error) // statfs, but in tests

	free    atomic.Int64 // an estimate
	least   atomic.Int64 // what has to be free
	mu      sync.Mutex   // held while free space is asked
	asked   atomic.Int64 // when it was, in Unix nanoseconds; 0 for never
	hadRoom atomic.Bool  // what the answer was
}

// watchDisks watches the folders of the data: what is given up, spooled and journaled is in the data folder, wherever layers
// and metadata are.
func watchDisks(s Stores, min freeSpace) *disks {
	r := &disks{}
	add := func(name, path string) {
		*r = append(*r, &disk{name: name, path: path, min: min, space: statfs})
	}
	add("data", cmp.Or(s.Data, "."))
	if path, err := s.blobsPath(); err == nil {
		add("layers", path)
	}
	if path, ok := strings.CutPrefix(s.Metadata, "sqlite:"); ok {
		add("metadata", filepath.Dir(path))
	}
	for _, d := range *r {
		d.ask()
	}
	return r
}

func statfs(path string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	block := int64(s.Bsize) //nolint:unconvert // it has 32 bits on other systems
	return int64(s.Bavail) * block, int64(s.Blocks) * block, nil
}

// take says whether n bytes may be written, and takes them off.
func (d *disk) take(n int64) bool {
	d.free.Add(-n)
	if d.isStale() {
		d.mu.Lock()
		if d.isStale() {
			d.ask()
		}
		d.mu.Unlock()
	}
	return d.free.Load() >= d.least.Load()
}

// isStale is that the disk has to be asked again. One that seems to have just become full is asked at once, because the
// estimate does not know what was deleted.
func (d *disk) isStale() bool {
	return time.Now().UnixNano()-d.asked.Load() >= int64(time.Second) || d.hadRoom.Load() && d.free.Load() < d.least.Load()
}

// ask finds out what is free. A disk that cannot be asked is taken to have room: writing to it will tell.
func (d *disk) ask() {
	free, total, err := d.space(d.path)
	if err != nil {
		free, total = 1<<62, 0
	}
	d.free.Store(free)
	d.least.Store(d.min.of(total))
	d.hadRoom.Store(free >= d.least.Load())
	d.asked.Store(time.Now().UnixNano())
}

// hasHalf is whether half of the minimum is free.
func (d *disk) hasHalf() bool { return d.take(0) || d.free.Load() >= d.least.Load()/2 }

// admit refuses what would add to a disk that is nearly full.
func (m *disks) admit(adds addition) error {
	if adds == nothing {
		return nil
	}
	for _, d := range *m {
		if adds == layers && !d.take(0) || adds == metadata && !d.hasHalf() {
			return errNoRoom
		}
	}
	return nil
}

var errNoRoom = &registry.Error{Kind: registry.NoRoom, Message: "The disk of this registry is nearly full, so it takes no uploads: ask whoever runs it to make room. Pulls and deletes go on."}

// low is the disks with too little room, for the operator.
func (m *disks) low() (names []string) {
	for _, d := range *m {
		if !d.take(0) {
			names = append(names, d.name)
		}
	}
	return names
}

// guard has uploads stop before the disk of the layers is full, in the middle of a part too. Only layers in a folder need
// that.
func (m *disks) guard(b registry.Blobs) registry.Blobs {
	for _, d := range *m {
		if d.name == "layers" {
			return &roomyBlobs{b, d}
		}
	}
	return b
}

type roomyBlobs struct {
	registry.Blobs
	disk *disk
}

func (b *roomyBlobs) Append(ctx context.Context, u registry.Unfinished, r io.Reader, allot registry.Allot) (registry.Unfinished, error) {
	next, err := b.Blobs.Append(ctx, u, &roomyReader{r, b.disk}, allot)
	if err != nil {
		b.disk.asked.Store(0) // what has failed is cut off again
	}
	return next, err
}

// roomyReader yields bytes as long as the disk has room for them.
type roomyReader struct {
	io.Reader
	disk *disk
}

func (r *roomyReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 && !r.disk.take(int64(n)) {
		return n, errNoRoom
	}
	return n, err
}
