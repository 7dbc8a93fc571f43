package powercut

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cut replays a trace of the folder /d and returns what a cut at its end leaves: files with content, folders with "/".
func cut(t *testing.T, luck Luck, trace ...string) map[string]string {
	t.Helper()
	calls, err := ReadTrace(strings.NewReader(strings.Join(trace, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Replay(calls, "/d", math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := disk.Write(dir, luck); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || name == ".":
			return err
		case entry.IsDir():
			found[name] = "/"
			return nil
		}
		content, err := os.ReadFile(path)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// outcomes are all that many cuts leave, each as text.
func outcomes(t *testing.T, trace ...string) []string {
	t.Helper()
	seen := make(map[string]bool)
	for seed := range uint64(100) {
		seen[fmt.Sprint(cut(t, Some(seed), trace...))] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// x is a text as strace -xx prints it.
func x(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return `"` + b.String() + `"`
}

func open(name string) string {
	return fmt.Sprintf("1 openat(AT_FDCWD, %s, O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3", x(name))
}

func write(text string) string {
	return fmt.Sprintf("1 write(3, %s, %d) = %d", x(text), len(text), len(text))
}

func rename(from, to string) string {
	return fmt.Sprintf("1 renameat(AT_FDCWD, %s, AT_FDCWD, %s) = 0", x(from), x(to))
}

var (
	openFolder = "1 openat(AT_FDCWD, " + x("/d") + ", O_RDONLY|O_CLOEXEC) = 4"
	replace    = []string{open("/d/new"), write("whole"), "1 fsync(3) = 0", rename("/d/new", "/d/name"), openFolder, "1 fsync(4) = 0"}
)

func TestWhatIsSyncedStays(t *testing.T) {
	if got := outcomes(t, replace...); !slices.Equal(got, []string{"map[name:whole]"}) {
		t.Errorf("after a file, a name and their folder were synced there may be %q", got)
	}
}

func TestWhatIsNotSyncedMayGo(t *testing.T) {
	without := func(call string) []string {
		return slices.DeleteFunc(slices.Clone(replace), func(line string) bool { return line == call })
	}
	for _, c := range []struct {
		name  string
		trace []string
		want  []string
	}{
		{"bytes", without("1 fsync(3) = 0"), []string{"map[name:" + strings.Repeat("\x00", 5) + "]", "map[name:]", "map[name:whole]"}},
		{"names", without("1 fsync(4) = 0"), []string{"map[]", "map[name:whole]", "map[new:whole]"}},
		{"bytes after the sync", append(slices.Clone(replace), "1 pwrite64(3, "+x("W")+", 1, 0) = 1"), []string{"map[name:Whole]", "map[name:whole]"}},
		{"a new size", append(slices.Clone(replace), "1 ftruncate(3, 2) = 0"), []string{"map[name:wh]", "map[name:whole]"}},
		{"a sync that failed", append(without("1 fsync(4) = 0"), "1 fsync(4) = -1 EIO (Input/output error)"), []string{"map[]", "map[name:whole]", "map[new:whole]"}},
		{"a sync that did not end", append(without("1 fsync(4) = 0"), "1 fsync(4 <unfinished ...>"), []string{"map[]", "map[name:whole]", "map[new:whole]"}},
		{"a removal", append(slices.Clone(replace), "1 unlink("+x("/d/name")+") = 0"), []string{"map[]", "map[name:whole]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := outcomes(t, c.trace...); !slices.Equal(got, c.want) {
				t.Errorf("there may be %q, want %q", got, c.want)
			}
		})
	}
}

func TestNoneAndAll(t *testing.T) {
	trace := []string{open("/d/a"), write("a")}
	if got := cut(t, None(), trace...); len(got) != 0 {
		t.Errorf("nothing was synced and %v has stayed", got)
	}
	if got := cut(t, All(), trace...); !maps.Equal(got, map[string]string{"a": "a"}) {
		t.Errorf("everything stays, and there is %v", got)
	}
}

// A write that has begun when a sync begins is not promised by it, and neither is one that begins before the sync ends.
func TestSyncPromisesOnlyWhatHadEnded(t *testing.T) {
	trace := []string{
		open("/d/a"), openFolder, "1 fsync(4) = 0",
		"1 pwrite64(3, " + x("1") + ", 1, 0) = 1",
		"2 pwrite64(3, " + x("2") + ", 1, 1 <unfinished ...>",
		"1 fdatasync(3 <unfinished ...>",
		"2 <... pwrite64 resumed>) = 1",
		"3 pwrite64(3, " + x("3") + ", 1, 2) = 1",
		"1 <... fdatasync resumed>) = 0",
	}
	if got := cut(t, None(), trace...); !maps.Equal(got, map[string]string{"a": "1"}) {
		t.Errorf("safe is %q, want only what was written before the sync", got)
	}
}

func TestModesNeedFsync(t *testing.T) {
	base := []string{open("/d/a"), openFolder, "1 fsync(4) = 0", "1 fchmod(3, 0400) = 0"}
	for call, want := range map[string]fs.FileMode{"fdatasync": 0o600, "fsync": 0o400} {
		calls, err := ReadTrace(strings.NewReader(strings.Join(append(slices.Clone(base), "1 "+call+"(3) = 0"), "\n")))
		if err != nil {
			t.Fatal(err)
		}
		disk, err := Replay(calls, "/d", math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := disk.Write(dir, None()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "a"))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("after %s the mode is %v, %v, want %v", call, info.Mode(), err, want)
		}
	}
}

func TestRenameBetweenFoldersIsNeverHalf(t *testing.T) {
	trace := []string{
		"1 mkdirat(AT_FDCWD, " + x("/d/x") + ", 0700) = 0", "1 mkdirat(AT_FDCWD, " + x("/d/y") + ", 0700) = 0", openFolder, "1 fsync(4) = 0",
		open("/d/x/a"), "1 openat(AT_FDCWD, " + x("/d/x") + ", O_RDONLY) = 5", "1 fsync(5) = 0", rename("/d/x/a", "/d/y/a"),
	}
	want := []string{"map[x:/ x/a: y:/]", "map[x:/ y:/ y/a:]"}
	if got := outcomes(t, trace...); !slices.Equal(got, want) {
		t.Errorf("there may be %q, want %q", got, want)
	}
}

func TestAnswersAndSyncsAreToldInOrder(t *testing.T) {
	calls, err := ReadTrace(strings.NewReader(strings.Join(append(slices.Clone(replace), "1 write(9, "+x("done")+", 4) = 4"), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Replay(calls, "/d", math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Sync{{"new", 2, 2}, {".", 5, 5}}; !slices.Equal(disk.Syncs(), want) {
		t.Errorf("syncs %v, want %v", disk.Syncs(), want)
	}
	if want := []Answer{{6, "done"}}; !slices.Equal(disk.Answers(), want) {
		t.Errorf("answers %v, want %v", disk.Answers(), want)
	}
	if early, err := Replay(calls, "/d", 6); err != nil || len(early.Answers()) != 0 {
		t.Errorf("before the answer there are %v, %v", early.Answers(), err)
	}
}

func TestWhatCannotBeReplayedIsAnError(t *testing.T) {
	for _, call := range []string{
		"1 copy_file_range(5, NULL, 3, NULL, 10, 0) = 10",
		"1 fallocate(3, FALLOC_FL_PUNCH_HOLE, 0, 10) = 0",
		"1 symlink(" + x("a") + ", " + x("/d/b") + ") = 0",
		"1 write(3, " + x("abc") + "..., 3) = 3",
	} {
		calls, err := ReadTrace(strings.NewReader(open("/d/a") + "\n" + call))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Replay(calls, "/d", math.MaxInt); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: error %v, want one that names line 2", call, err)
		}
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add(strings.Join(replace, "\n"))
	f.Add("1 fsync(9 <unfinished ...>\n1 <... fsync resumed>) = 0\n1 +++ exited with 0 +++")
	f.Add("1 writev(3, [{iov_base=" + x("a") + ", iov_len=1}], 1) = 1\n1 exit_group(0) = ?")
	f.Fuzz(func(t *testing.T, trace string) {
		calls, err := ReadTrace(strings.NewReader(trace))
		if err != nil {
			return
		}
		disk, err := Replay(calls, "/d", math.MaxInt)
		if err == nil && len(disk.Syncs()) > len(calls) {
			t.Errorf("%d calls synced %d times", len(calls), len(disk.Syncs()))
		}
	})
}
