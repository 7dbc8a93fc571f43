package blobfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/openecr/openecr/internal/registry"
)

// Whoever asks while a folder is being synced cannot rely on that sync; all who do share the next.
func TestFolderIsSyncedOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFolderSync()
		dir := filepath.Join(t.TempDir(), "folder")
		f.syncing <- struct{}{} // as if one were under way
		var waiting sync.WaitGroup
		errs := make([]error, 10)
		for i := range errs {
			waiting.Go(func() { errs[i] = f.sync(dir) })
		}
		synctest.Wait()
		round := f.next
		<-f.syncing
		waiting.Wait()
		for _, err := range errs {
			if !errors.Is(err, fs.ErrNotExist) || err != round.err { //nolint:errorlint // the very same: from one sync
				t.Errorf("one of those who waited heard %v, want what the one sync failed with", err)
			}
		}
		if f.next != nil {
			t.Error("somebody still waits")
		}
		if err := errors.Join(os.Mkdir(dir, 0o700), f.sync(dir)); err != nil {
			t.Errorf("the next sync: %v", err)
		}
	})
}

func TestPutsThatComeTogetherShareAFolder(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := registry.NewLocator()
	stored, _, err := s.Put(t.Context(), first, strings.NewReader(""))
	if err != nil || stored != s.putTo+first[2:] {
		t.Errorf("stored under %s, %v, want %s in folder %s", stored, err, first, s.putTo)
	}
	used := map[string]int{stored[:2]: 1}
	for range 3*sharedPuts - 1 {
		used[s.putFolder()]++
	}
	for folder, n := range used {
		if n%sharedPuts != 0 {
			t.Errorf("folder %s was left after %d blobs", folder, n)
		}
	}
}

func TestFailedPutLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.putFolder()
	if err := errors.Join(s.makeAllFolders(), os.RemoveAll(filepath.Join(dir, s.putTo))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Put(t.Context(), registry.NewLocator(), strings.NewReader("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put into a folder that is gone: %v", err)
	}
	if _, _, err := s.Put(t.Context(), "../x", strings.NewReader("x")); err == nil {
		t.Error("Put under a path")
	}
}
