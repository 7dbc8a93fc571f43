package push

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// noteLifetime is how long a note is kept that nobody takes up. Services forget uploads earlier than that.
const noteLifetime = 7 * 24 * time.Hour

// state is what a process needs to go on with the upload of another. The API cannot list uploads, so it is noted here.
type state struct {
	UploadID string `json:"uploadId"`
	PartSize int64  `json:"partSize"`
	Offset   int64  `json:"offset"` // how many bytes the service has confirmed
}

// A note is the file that holds the state of one upload, while this process has it for itself:
//
//	DIR/SHA256(endpoint, repository, digest).json    mode 0600, locked while in use
//
// Notes are only a help: one that cannot be read or written costs time, not correctness, because the service says where
// an upload stands and compares the digest at its end. So there are no errors here. A nil note remembers nothing.
type note struct {
	path string
	file *os.File // nil until there is something to note
}

// openNote is the note for a blob; nil when notes are off or another process is uploading the same layer.
func (p *Pusher) openNote(b Blob) *note {
	if p.o.ResumeDir == "" {
		return nil
	}
	key := sha256.Sum256([]byte(strings.Join([]string{p.client.Endpoint(), string(p.o.Repository), b.Digest.String()}, "\n")))
	n := &note{path: filepath.Join(p.o.ResumeDir, hex.EncodeToString(key[:])+".json")}
	if err := n.lock(os.O_RDWR); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return n
}

func (n *note) lock(flags int) error {
	f, err := os.OpenFile(n.path, flags, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return err
	}
	n.file = f
	return nil
}

// read gives the state that was noted, if there is one.
func (n *note) read() (s state, ok bool) {
	if n == nil || n.file == nil {
		return state{}, false
	}
	content := make([]byte, 1024)
	size, _ := n.file.ReadAt(content, 0) // it ends before the buffer does
	return s, json.Unmarshal(content[:size], &s) == nil
}

// write notes the state.
func (n *note) write(s state) {
	if n == nil {
		return
	}
	if n.file == nil {
		_ = os.MkdirAll(filepath.Dir(n.path), 0o700)
		if n.lock(os.O_RDWR|os.O_CREATE) != nil {
			return
		}
	}
	if content, err := json.Marshal(s); err == nil {
		_ = n.file.Truncate(0)
		_, _ = n.file.WriteAt(content, 0)
	}
}

// remove forgets the state.
func (n *note) remove() {
	if n != nil && n.file != nil {
		_ = os.Remove(n.path)
		n.close()
	}
}

// close lets other processes have the note.
func (n *note) close() {
	if n != nil && n.file != nil {
		n.file.Close()
		n.file = nil
	}
}

// removeOldNotes forgets uploads that nobody has taken up for so long that the service has forgotten them too.
func removeOldNotes(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && filepath.Ext(e.Name()) == ".json" && now.Sub(info.ModTime()) > noteLifetime {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
