package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

// fakeDisk is a disk of 1000 bytes of which 100 have to be free.
type fakeDisk struct {
	disk
	left  int64
	asked int
	fails error
}

func newFakeDisk(name string, free int64) *fakeDisk {
	f := &fakeDisk{left: free}
	f.disk.name, f.disk.min = name, freeSpace{percent: 10}
	f.disk.space = func(string) (int64, int64, error) {
		f.asked++
		return f.left, 1000, f.fails
	}
	return f
}

func TestDiskIsAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk("layers", 500)
		var at sync.WaitGroup
		for range 100 {
			at.Go(func() {
				if !d.take(1) {
					t.Error("there is room")
				}
			})
		}
		at.Wait()
		if d.asked != 1 || d.free.Load() != 401 && d.free.Load() != 500 {
			t.Errorf("asked %d times, %d are free", d.asked, d.free.Load())
		}
		time.Sleep(time.Second)
		if d.take(0); d.asked != 2 {
			t.Errorf("asked %d times after a second", d.asked)
		}
	})
}

func TestDiskFillsFasterThanItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeDisk("layers", 500)
		for d.take(50) {
			d.left -= 50
		}
		if d.left < 100-50 || d.left > 100+50 {
			t.Errorf("stopped with %d bytes left", d.left)
		}
		asked := d.asked
		for range 100 {
			if d.take(1) {
				t.Fatal("there is room again")
			}
		}
		if d.asked > asked+1 {
			t.Errorf("a full disk was asked %d times in no time", d.asked-asked)
		}
		d.left = 400 // somebody has deleted something
		time.Sleep(time.Second)
		if !d.take(1) {
			t.Error("there is room, and nobody has noticed")
		}
		// The estimate does not know of deletions: when it says full, the disk is asked before anybody is refused.
		d.left = 900
		if !d.take(350) {
			t.Error("refused without asking")
		}
	})
}

func TestDiskThatCannotBeAskedHasRoom(t *testing.T) {
	d := newFakeDisk("data", 0)
	d.fails = errors.New("gone")
	if !d.take(1 << 40) {
		t.Error("refused")
	}
}

func TestNearlyFullDiskRefusesWhatAddsToIt(t *testing.T) {
	for _, c := range []struct {
		free             int64
		layers, metadata bool // are taken
	}{{500, true, true}, {100, true, true}, {99, false, true}, {50, false, true}, {49, false, false}, {0, false, false}} {
		full := newFakeDisk("data", c.free)
		both := &disks{&newFakeDisk("layers", 1000).disk, &full.disk}
		for adds, want := range map[addition]bool{nothing: true, metadata: c.metadata, layers: c.layers} {
			err := both.admit(adds)
			if (err == nil) != want {
				t.Errorf("%d free, adding %d: %v", c.free, adds, err)
			}
			if err != nil && registry.KindOf(err) != registry.NoRoom {
				t.Error(err)
			}
		}
		if low := strings.Join(both.low(), ","); (low == "data") != !c.layers {
			t.Errorf("%d free: low are %q", c.free, low)
		}
	}
}

func TestUploadStopsBeforeTheDiskIsFull(t *testing.T) {
	d := newFakeDisk("layers", 500)
	blobs := (&disks{&newFakeDisk("data", 0).disk, &d.disk}).guard(registrytest.NewMemBlobs(t))
	u := registry.Unfinished{Locator: registry.NewLocator()}
	sent := strings.NewReader(strings.Repeat("x", 1000))
	_, err := blobs.Append(t.Context(), u, iotest.OneByteReader(&filling{sent, d}), nil)
	if registry.KindOf(err) != registry.NoRoom {
		t.Errorf("error %v", err)
	}
	if d.left < 98 || d.left > 101 {
		t.Errorf("stopped with %d bytes left", d.left)
	}
	d.left = 500 // the store cuts off what has failed
	if _, err := blobs.Append(t.Context(), u, strings.NewReader("small"), nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if b := registrytest.NewMemBlobs(t); (&disks{&newFakeDisk("data", 0).disk}).guard(b) != registry.Blobs(b) {
		t.Error("a store without a folder is guarded")
	}
}

// filling uses up the disk as it is read.
type filling struct {
	io.Reader
	disk *fakeDisk
}

func (f *filling) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	f.disk.left -= int64(n)
	return n, err
}

func TestReadinessTellsOfDisksThatAreLow(t *testing.T) {
	d := newFakeDisk("layers", 20)
	ready := &readiness{lowDisks: (&disks{&d.disk}).low}
	w := httptest.NewRecorder()
	ready.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
	if want := "ok\nUploads are refused: less is free than --min-free-space where these are kept: layers.\n"; w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
