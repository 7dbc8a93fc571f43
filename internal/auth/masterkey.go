package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openecr/openecr/internal/durable"
)

// ParseMasterKey reads a master key from the environment or a file: 32 bytes, as 64 hex digits or in base64 (standard
// or URL alphabet, padding optional). The error never shows the key.
func ParseMasterKey(s string) (key [32]byte, err error) {
	s = strings.TrimSpace(s)
	var raw []byte
	if len(s) == hex.EncodedLen(len(key)) {
		raw, err = hex.DecodeString(s)
	} else {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
		raw, err = base64.RawStdEncoding.DecodeString(s)
	}
	if err != nil || len(raw) != len(key) {
		return key, errors.New("a master key must be 32 bytes, written as 64 hex digits or in base64")
	}
	return [32]byte(raw), nil
}

// LoadOrCreateMasterKey reads the master key from a file, and makes the file with a new random key if there is none.
// The file holds one line of base64, fit for OPENECR_MASTER_KEY. A file that anyone but its owner may touch, or
// that does not hold exactly a key, is refused and left alone.
//
// When it returns a new key, file and folder are synced: nothing can be sealed under a key that a power cut takes away.
// Whether an old store should have had a file is for the caller to know; see ErrWrongMasterKey.
func LoadOrCreateMasterKey(path string) ([32]byte, error) {
	key, err := loadMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	rand.Read(key[:]) // never fails: it ends the program instead
	err = durable.CreateFile(path, []byte(base64.StdEncoding.EncodeToString(key[:])+"\n"))
	if errors.Is(err, fs.ErrExist) {
		err = durable.SyncFolder(filepath.Dir(path)) // another process was quicker: its key is as good
	}
	if err != nil {
		return [32]byte{}, fmt.Errorf("create master key file %s: %w", path, err)
	}
	return loadMasterKey(path)
}

func loadMasterKey(path string) (key [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return key, fmt.Errorf("read master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key, fmt.Errorf("read master key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return key, fmt.Errorf("master key %s is not a regular file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return key, fmt.Errorf("master key file %s has mode %04o, so others may use it: make it yours alone with chmod 600", path, perm)
	}
	const longest = 128 // with room for white space that an editor left
	text, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err != nil {
		return key, fmt.Errorf("read master key: %w", err)
	}
	if len(text) > longest {
		return key, fmt.Errorf("master key file %s holds more than a key", path)
	}
	key, err = ParseMasterKey(string(text))
	if err != nil {
		return key, fmt.Errorf("master key file %s: %w", path, err)
	}
	return key, nil
}
