//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A memoryGroup is a cgroup with a limit, of version 1 or 2. Where the machine lets nobody make one, it has no folder: then
// the server is told its limit, and only its resident memory is watched.
type memoryGroup struct {
	dir    string
	limit  int64
	usage  string // the file that says how much is used, caches included
	events string // the file with the count of processes that the kernel has killed
}

// newMemoryGroup makes a cgroup of that many bytes.
func newMemoryGroup(t *testing.T, limit int64) memoryGroup {
	t.Helper()
	name := fmt.Sprintf("openecr-load-%d", os.Getpid())
	var reasons []string
	for _, g := range []struct{ parent, limit, usage, events string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control"},
		{"/sys/fs/cgroup", "memory.max", "memory.current", "memory.events"},
	} {
		_ = os.WriteFile(filepath.Join(g.parent, "cgroup.subtree_control"), []byte("+memory"), 0) // of version 2, where it may not be on
		dir := filepath.Join(g.parent, name)
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			t.Cleanup(func() { removeGroup(t, dir) })
			err = os.WriteFile(filepath.Join(dir, g.limit), []byte(strconv.FormatInt(limit, 10)), 0)
		}
		if err == nil {
			return memoryGroup{dir, limit, filepath.Join(dir, g.usage), filepath.Join(dir, g.events)}
		}
		reasons = append(reasons, err.Error())
	}
	t.Logf("NO CGROUP: this machine has no memory controller that can be used (%s), so the kernel enforces nothing: the server is told its limit, and its resident memory must stay below it", strings.Join(reasons, "; "))
	return memoryGroup{limit: limit}
}

// removeGroup waits for the last process to be gone.
func removeGroup(t *testing.T, dir string) {
	var err error
	for range 100 {
		if err = os.Remove(dir); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("removing the cgroup: %v", err)
}

// start starts the server as a member of the group from its first moment.
func (g memoryGroup) start(t *testing.T, s *server) {
	t.Helper()
	if g.dir == "" {
		s.options = append(s.options, "--memory-limit", strconv.FormatInt(g.limit, 10))
		s.start()
		return
	}
	script := filepath.Join(t.TempDir(), "start")
	must(t, os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\necho $$ > %s/cgroup.procs\nexec %s \"$@\"\n", g.dir, s.binary), 0o755))
	s.binary = script
	s.start()
	s.binary = openecr // commands run outside
}

// used is how much the group uses, 0 where there is none.
func (g memoryGroup) used() int64 {
	content, _ := os.ReadFile(g.usage)
	n, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	return n
}

// killed is how many processes the kernel has killed for their memory.
func (g memoryGroup) killed(t *testing.T) string {
	t.Helper()
	if g.dir == "" {
		return "0"
	}
	content, err := os.ReadFile(g.events)
	must(t, err)
	for line := range strings.Lines(string(content)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n
		}
	}
	t.Fatalf("%s does not count kills:\n%s", g.events, content)
	return ""
}

// residentMemory is what the process holds: all of it, and without pages that are files.
func residentMemory(t *testing.T, pid int) (all, anonymous int64) {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		n, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			all = n << 10
		case "RssAnon:":
			anonymous = n << 10
		}
	}
	return all, anonymous
}
