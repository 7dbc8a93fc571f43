package blobfs

import (
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/openecr/openecr/internal/durable"
)

// sharedPuts is how many blobs in a row Put gives the same folder, so that those which come together share its sync. It is
// little enough that folders stay about equally full.
const sharedPuts = 256

// folderSync makes the entries of one folder durable. Whoever asks while that is under way waits for the next time,
// together with all others who do.
type folderSync struct {
	syncing chan struct{} // has an element while the folder is synced

	mu   sync.Mutex
	next *folderRound // the sync that has not begun, nil when nobody waits for one
}

func newFolderSync() *folderSync { return &folderSync{syncing: make(chan struct{}, 1)} }

// folderRound is one sync for all who asked before it began.
type folderRound struct {
	done chan struct{}
	err  error
}

// sync returns once the entries are durable that the folder had when it was called.
func (f *folderSync) sync(path string) error {
	f.mu.Lock()
	round := f.next
	if round != nil {
		f.mu.Unlock()
		<-round.done
		return round.err
	}
	round = &folderRound{done: make(chan struct{})}
	f.next = round
	f.mu.Unlock()

	f.syncing <- struct{}{}
	f.mu.Lock()
	f.next = nil // an entry that is made from now on may be too late for this round
	f.mu.Unlock()
	round.err = durable.SyncFolder(path)
	<-f.syncing
	close(round.done)
	return round.err
}

// syncFolder makes the entry of a blob durable.
func (s *Store) syncFolder(locator string) error {
	i, err := strconv.ParseUint(locator[:2], 16, 8)
	if err != nil {
		return err
	}
	return s.folders[i].sync(filepath.Join(s.dir, locator[:2]))
}

// putFolder is where the next blob goes that comes as a whole.
func (s *Store) putFolder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.puts%sharedPuts == 0 {
		s.putTo = folder(rand.IntN(lastFolder + 1)) //nolint:gosec // which folder is no secret
	}
	s.puts++
	return s.putTo
}
