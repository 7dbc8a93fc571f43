package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/durable"
)

// Folder is where backups of one registry lie:
//
//	DIR/
//	  blobs/                          the bytes of all snapshots, as package blobfs keeps them
//	  metadata-20260301T120000Z.db    all rows of one instant, a SQLite store
//	  metadata-20260301T120000Z.json  what that is; without it there is no snapshot
//	  master.key                      only where it was asked for
//
// A snapshot changes no more once it has its description, and shares bytes with the others. Its rows name where in
// blobs/ its bytes lie, so a copy of the .db file and the folder could be served as they are.
type Folder string

// Snapshot describes one backup.
type Snapshot struct {
	Name     string `json:"-"`        // "20260301T120000Z"
	Identity string `json:"registry"` // of which registry
	SHA256   string `json:"sha256"`   // of the .db file
	Report
}

const (
	nameFormat  = "20060102T150405Z"
	namePrefix  = "metadata-"
	description = ".json"
)

// Blobs is the folder of bytes.
func (f Folder) Blobs() string { return filepath.Join(string(f), "blobs") }

// MasterKey is the file that holds it, where there is one.
func (f Folder) MasterKey() string { return filepath.Join(string(f), "master.key") }

// Partial is the store that becomes the next snapshot. One that is there belongs to a backup that did not come to its end.
func (f Folder) Partial() string { return filepath.Join(string(f), "unfinished.db") }

// Rows is the .db file of a snapshot.
func (f Folder) Rows(name string) string { return filepath.Join(string(f), namePrefix+name+".db") }

func (f Folder) describes(name string) string {
	return filepath.Join(string(f), namePrefix+name+description)
}

// Snapshots are all of them, the oldest first.
func (f Folder) Snapshots() ([]Snapshot, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	var snapshots []Snapshot
	for _, entry := range entries {
		name, isDescription := strings.CutSuffix(entry.Name(), description)
		name, ours := strings.CutPrefix(name, namePrefix)
		if !isDescription || !ours {
			continue
		}
		snapshot, err := f.read(name)
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, snapshot)
	}
	slices.SortFunc(snapshots, func(a, b Snapshot) int { return strings.Compare(a.Name, b.Name) })
	return snapshots, nil
}

func (f Folder) read(name string) (Snapshot, error) {
	content, err := os.ReadFile(f.describes(name))
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Name: name}
	if err := json.Unmarshal(content, &s); err != nil {
		return Snapshot{}, fmt.Errorf("%s is damaged: %w", f.describes(name), err)
	}
	return s, nil
}

// Find is the snapshot of that name, the newest one for none.
func (f Folder) Find(name string) (Snapshot, error) {
	snapshots, err := f.Snapshots()
	if err != nil {
		return Snapshot{}, err
	}
	if len(snapshots) == 0 {
		return Snapshot{}, fmt.Errorf("%s holds no finished backup", f)
	}
	if name == "" {
		return snapshots[len(snapshots)-1], nil
	}
	names := make([]string, len(snapshots))
	for i, s := range snapshots {
		if s.Name == name {
			return s, nil
		}
		names[i] = s.Name
	}
	return Snapshot{}, fmt.Errorf("%s has no snapshot %s, but %s", f, name, strings.Join(names, ", "))
}

// CopyRows copies the .db file of a snapshot to a path and fails if it is not what was written: stores change their
// files even when they are only read, and bring them to the present schema.
func (f Folder) CopyRows(s Snapshot, path string) error {
	from, err := os.Open(f.Rows(s.Name))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), from)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != s.SHA256 {
		return fmt.Errorf("%s is damaged: its SHA-256 is %s, and %s was written: take another snapshot", f.Rows(s.Name), got, s.SHA256)
	}
	return nil
}

// Finish makes the unfinished store, which must be closed, a snapshot. The order: its bytes durable, its name, the folder,
// then the description in the same way. A crash before the description leaves a .db file that nobody asks for.
func (f Folder) Finish(s Snapshot) (Snapshot, error) {
	for at := s.At; ; at = at.Add(time.Second) { // there may be two backups within one
		s.Name = at.UTC().Format(nameFormat)
		if _, err := os.Stat(f.Rows(s.Name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	var err error
	if s.SHA256, err = syncAndSum(f.Partial()); err != nil {
		return s, err
	}
	if err := errors.Join(os.Rename(f.Partial(), f.Rows(s.Name)), durable.SyncFolder(string(f))); err != nil {
		return s, err
	}
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, err
	}
	return s, durable.WriteFile(f.describes(s.Name), append(content, '\n'))
}

// Remove takes away a snapshot: first what makes it one. Its bytes may belong to others.
func (f Folder) Remove(s Snapshot) error {
	return errors.Join(os.Remove(f.describes(s.Name)), os.Remove(f.Rows(s.Name)), durable.SyncFolder(string(f)))
}

func syncAndSum(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}
