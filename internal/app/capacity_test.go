package app

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1000000": 1000000, "512MiB": 512 << 20, "512mib": 512 << 20, "512M": 512 << 20, "1.5G": 3 << 29, "10 GB": 1e10, "7kB": 7000, "3B": 3, "2T": 2 << 40,
	} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1Q", "NaN", "Inf", "1e30", "9000000T", "1 2", "five"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1 << 20: "1.0 MiB", 5 << 29: "2.5 GiB", 1 << 40: "1.0 TiB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestMemoryOfTheCgroup(t *testing.T) {
	const unlimited = "9223372036854771712\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no cgroups", nil, 0},
		{"version 2", map[string]string{"proc/self/cgroup": "0::/system.slice/openecr.service\n", "sys/fs/cgroup/system.slice/openecr.service/memory.max": "268435456\n"}, 256 << 20},
		{"version 2 without a limit", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		{"a limit further up", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "1000\n"}, 1000},
		{"the least of two", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "500\n", "sys/fs/cgroup/a/memory.max": "1000\n"}, 500},
		{"version 1", map[string]string{"proc/self/cgroup": "5:cpu:/\n4:memory:/docker/ab\n0::/\n", "sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes": "1073741824\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited}, 1 << 30},
		{"version 1 with several controllers", map[string]string{"proc/self/cgroup": "4:cpu,memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "7000\n"}, 7000},
		{"version 1 without a limit", map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited}, 0},
		{"a container that sees its own cgroup at the mount", map[string]string{"proc/self/cgroup": "4:memory:/docker/ab\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000\n"}, 2000},
		{"what nobody understands", map[string]string{"proc/self/cgroup": "memory\n4:memory\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "many\n"}, 0},
	} {
		root := fstest.MapFS{}
		for name, content := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(content)}
		}
		if got := cgroupMemory(root); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// What may be held at once is less than the memory, whatever it is.
func TestSizesFitIntoTheMemory(t *testing.T) {
	for _, memory := range []string{"128MiB", "256MiB", "1GiB", "64GiB"} {
		for _, tls := range []string{"", tlsSelfSigned} {
			k, err := Config{Overload: Overload{MemoryLimit: memory}, Transport: Transport{TLS: tls}}.capacity()
			must(t, err)
			each := int64(connectionBytes)
			if tls != "" {
				each = tlsConnectionBytes
			}
			held := int64(k.connections)*each + k.places[uploading]*512<<10 + k.places[receiving]*3 +
				(k.places[checking]+k.places[reading]+k.places[writing])*128<<10 + int64(k.layerCache+k.pageCache)
			if held > k.memory-24<<20 {
				t.Errorf("%s %s: %s may be held: %+v", memory, tls, formatBytes(held), k)
			}
		}
	}
	k, err := Config{Overload: Overload{MemoryLimit: "256MiB"}}.capacity()
	must(t, err)
	if k.connections < 2000 || k.window < 64<<10 || k.s3Buffers*s3BufferBytes > 64<<20 {
		t.Errorf("%+v", k)
	}
}

func TestOptionsOfOverload(t *testing.T) {
	k, err := Config{Overload: Overload{MaxConnections: 7, MinFreeSpace: "2GiB", Concurrency: []string{"upload=3", "page=1"}}}.capacity()
	must(t, err)
	if k.connections != 7 || k.minFree != (freeSpace{bytes: 2 << 30}) || k.places[uploading] != 3 || k.places[browsing] != 1 || k.places[downloading] < 100 {
		t.Errorf("%+v", k)
	}
	for want, o := range map[string]Overload{
		`--memory-limit: "much" is no number of bytes: write one like 512MiB or 10GiB`:                             {MemoryLimit: "much"},
		`--memory-limit: 1MiB is too little: give it at least 64.0 MiB`:                                            {MemoryLimit: "1MiB"},
		`--max-connections is -1: it must be at least 1, or 0 for the default`:                                     {MaxConnections: -1},
		`--min-free-space: "101%" is not between 0% and 100%`:                                                      {MinFreeSpace: "101%"},
		`--min-free-space: "-5" is no number of bytes: write one like 512MiB or 10GiB`:                             {MinFreeSpace: "-5"},
		`--concurrency "upload": write KIND=N with N at least 1`:                                                   {Concurrency: []string{"upload"}},
		`--concurrency "upload=0": write KIND=N with N at least 1`:                                                 {Concurrency: []string{"upload=0"}},
		`--concurrency "body=5": there is no such kind: it is check, read, write, upload, download, page or token`: {Concurrency: []string{"body=5"}},
		`--concurrency "x=99999999999": write KIND=N with N at least 1`:                                            {Concurrency: []string{"x=99999999999"}},
	} {
		c := newConfig(t)
		c.Overload = o
		if got := refusal(t, c); got != want {
			t.Errorf("%s", got)
		}
	}
}

func TestCollectorKeepsTheLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	c := newConfig(t)
	c.MemoryLimit = "512MiB"
	a := open(t, c)
	if got := debug.SetMemoryLimit(-1); got < 350<<20 || got > 448<<20 {
		t.Errorf("%s for Go of 512 MiB", formatBytes(got))
	}
	must(t, a.Close())
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("%d after the server, %d before", got, before)
	}

	t.Setenv("GOMEMLIMIT", "1GiB") // which the runtime has read at its start, or not
	c.MemoryLimit = ""
	openClose(t, c)
	a = &App{}
	if a.boundRuntime(c, capacity{memory: 1 << 30}); len(a.closers) > 0 || debug.SetMemoryLimit(-1) != before {
		t.Error("GOMEMLIMIT was overruled by a cgroup")
	}
}

func TestFreeSpace(t *testing.T) {
	for text, want := range map[string]int64{"": 50, "0": 0, "10": 10, "25%": 250, "0%": 0, "1GiB": 1 << 30} {
		f, err := parseFreeSpace(text)
		must(t, err)
		if got := f.of(1000); got != want {
			t.Errorf("%q of 1000: %d, want %d", text, got, want)
		}
	}
	if f, _ := parseFreeSpace(""); f.of(math.MaxInt64/2) != 1<<30 {
		t.Error("the default grows with the disk")
	}
	free, total, err := statfs(t.TempDir())
	if err != nil || free <= 0 || total < free {
		t.Errorf("%d of %d are free, %v", free, total, err)
	}
	if _, _, err := statfs("/nowhere"); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func TestWhatMustBeAKindIsNamed(t *testing.T) {
	for _, name := range strings.Split("check,read,write,upload,download,page,token", ",") {
		if w, ok := workNamed(name); !ok || fmt.Sprint(w) != name {
			t.Errorf("%s is %v", name, w)
		}
	}
}
