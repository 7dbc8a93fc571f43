package app

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// repairsOf starts and ends a server and returns what it says about repairs.
func repairsOf(t *testing.T, c Config) []map[string]any {
	t.Helper()
	var log bytes.Buffer
	a, err := New(t.Context(), c, slog.New(slog.NewJSONHandler(&log, nil)))
	must(t, err)
	must(t, a.Close())
	var lines []map[string]any
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		must(t, json.Unmarshal([]byte(text), &line))
		if strings.Contains(text, "repaired") {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestStartRepairsWhatACrashLeft(t *testing.T) {
	c := newConfig(t)
	a, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	must(t, err)
	crashed := newConfig(t) // a copy of the folder while it is used is what a kill leaves
	must(t, os.MkdirAll(crashed.Data, 0o700))
	must(t, os.CopyFS(crashed.Data, regularFiles{os.DirFS(c.Data)}))
	must(t, a.Close())
	for _, mode := range []string{masterKeyFile, CredentialsFile} {
		must(t, os.Chmod(crashed.file(mode), 0o600)) // CopyFS lets the group read
	}
	for _, left := range []string{".credentials.unfinished-1", ".openecr.db.unfinished-2-wal", "spool/part-3"} {
		must(t, os.WriteFile(crashed.file(left), []byte("half"), 0o600))
	}

	lines := repairsOf(t, crashed)
	if len(lines) != 1 {
		t.Fatalf("the start after a crash said %v, want one line", lines)
	}
	if line := lines[0]; line["temporary_files"] != 2.0 || line["spooled_parts"] != 1.0 || line["database_log_bytes"].(float64) <= 0 || line["process"] == "" {
		t.Errorf("it said %v, want 2 temporary files, 1 part and the bytes of the log", line)
	}
	left, err := filepath.Glob(filepath.Join(crashed.Data, ".*"))
	must(t, err)
	parts, err := filepath.Glob(filepath.Join(crashed.Data, "spool", "part-*"))
	must(t, err)
	if len(left)+len(parts) > 0 {
		t.Errorf("%v and %v are still there", left, parts)
	}
	if lines := repairsOf(t, crashed); len(lines) != 0 {
		t.Errorf("the start after an orderly end said %v", lines)
	}
}

// regularFiles leaves out the socket.
type regularFiles struct{ fs.FS }

func (f regularFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	var kept []fs.DirEntry
	for _, entry := range all {
		if entry.IsDir() || entry.Type().IsRegular() {
			kept = append(kept, entry)
		}
	}
	return kept, err
}

// A command that runs between a crash and the next start does not hide the crash from it.
func TestCommandsLeaveTheRepairToTheServer(t *testing.T) {
	c := newConfig(t)
	repairsOf(t, c)
	must(t, os.WriteFile(c.file(lockFile), []byte("12345\n"), 0o600))
	command := new(App)
	must(t, command.lockData(c.Stores))
	must(t, command.Close())
	if lines := repairsOf(t, c); len(lines) != 1 || lines[0]["process"] != "12345" {
		t.Errorf("the start after a crash and a command said %v", lines)
	}
}

func TestRepairTakesNoLongerWithMoreStored(t *testing.T) {
	c := newConfig(t)
	repairsOf(t, c)
	for i := range 2000 {
		must(t, os.WriteFile(filepath.Join(c.Data, "blobs", "00", strings.Repeat("0", 26)+time.Unix(int64(i), 0).Format("150405")), nil, 0o600))
	}
	a := &App{}
	must(t, a.lockData(c.Stores))
	listed := testing.AllocsPerRun(1, func() {
		_, err := a.repair(c.Stores)
		must(t, err)
	})
	must(t, a.Close())
	if listed > 500 {
		t.Errorf("a repair made %v allocations beside 2,000 stored layers, as if it had looked at them", listed)
	}
}
