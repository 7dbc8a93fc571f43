package auth

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestParseMasterKey(t *testing.T) {
	var want [32]byte
	for i := range want {
		want[i] = byte(255 - i) // makes both characters in which the two base64 alphabets differ
	}
	for name, text := range map[string]string{
		"hex":                hex.EncodeToString(want[:]),
		"upper-case hex":     strings.ToUpper(hex.EncodeToString(want[:])),
		"base64":             base64.StdEncoding.EncodeToString(want[:]),
		"unpadded base64":    base64.RawStdEncoding.EncodeToString(want[:]),
		"base64url":          base64.URLEncoding.EncodeToString(want[:]),
		"unpadded base64url": base64.RawURLEncoding.EncodeToString(want[:]),
		"with a line end":    base64.StdEncoding.EncodeToString(want[:]) + "\n",
	} {
		if got, err := ParseMasterKey(text); err != nil || got != want {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
	for _, text := range []string{"", "secret", strings.Repeat("ab", 31), strings.Repeat("zz", 32), strings.Repeat("ab", 33),
		base64.StdEncoding.EncodeToString(want[:31]), base64.StdEncoding.EncodeToString(append(want[:], 0))} {
		_, err := ParseMasterKey(text)
		if err == nil {
			t.Errorf("%q is taken for a master key", text)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func FuzzParseMasterKey(f *testing.F) {
	f.Add(strings.Repeat("ab", 32))
	f.Add(strings.Repeat("A", 43) + "=")
	f.Add("_-+/")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseMasterKey(text)
		if err != nil {
			return
		}
		if again, err := ParseMasterKey(hex.EncodeToString(key[:])); err != nil || again != key {
			t.Errorf("%q gives %x, and that %x, %v", text, key, again, err)
		}
	})
}

func TestMasterKeyFileIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := LoadOrCreateMasterKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if first == [32]byte{} {
		t.Error("the key is all zeros")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v, want 0600", info.Mode())
	}
	second, err := LoadOrCreateMasterKey(path)
	if err != nil || second != first {
		t.Errorf("the second load gives another key: %v", err)
	}
	onlyFile(t, path)
}

func TestMasterKeyFileOfARaceIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	keys := make([][32]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := LoadOrCreateMasterKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, key := range keys[1:] {
		if key != keys[0] {
			t.Fatal("two callers have different keys")
		}
	}
	onlyFile(t, path)
}

func TestMasterKeyFileIsRefusedAndLeftAlone(t *testing.T) {
	good := strings.Repeat("ab", 32)
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"readable by the group", good, 0o640, "chmod 600"},
		{"writable by all", good, 0o602, "chmod 600"},
		{"empty", "", 0o600, "32 bytes"},
		{"too short", good[:62], 0o600, "32 bytes"},
		{"too long", good + "ab", 0o600, "32 bytes"},
		{"far too long", good + strings.Repeat(" ", 1000), 0o600, "more than a key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateMasterKey(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v, want one with %q and the path", err, tt.want)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != tt.text {
				t.Errorf("the file now holds %q, %v", got, err)
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		if _, err := LoadOrCreateMasterKey(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("in no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "absent", "master.key")
		if _, err := LoadOrCreateMasterKey(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want one with the path", err)
		}
	})
}

// onlyFile wants no temporary file left beside the key.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, %v, want only the key file", entries, err)
	}
}
