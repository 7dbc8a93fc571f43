package app

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// cgroupMemory is the memory that the kernel gives to this process's cgroup, 0 when it sets no limit. root is the root of
// the file system.
//
// A container may see its own cgroup as the root of the mount while /proc names it by its path on the host, so what is
// not found below the mount is looked for at the mount itself. Every folder on the way up may set a limit: the least one
// holds.
func cgroupMemory(root fs.FS) int64 {
	membership, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // not Linux
	}
	least := int64(math.MaxInt64)
	for line := range strings.Lines(string(membership)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy, controllers, path
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			least = min(least, leastLimit(root, "sys/fs/cgroup", fields[2], "memory.max"))
		case strings.Contains(","+fields[1]+",", ",memory,"):
			least = min(least, leastLimit(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	const unlimited = 1 << 60 // version 1 says the largest multiple of a page that there is
	if least >= unlimited {
		return 0
	}
	return least
}

func leastLimit(root fs.FS, mount, group, file string) int64 {
	least := int64(math.MaxInt64)
	for group = path.Join("/", group); ; group = path.Dir(group) {
		if content, err := fs.ReadFile(root, path.Join(mount, group, file)); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil && n > 0 { // "max" is none
				least = min(least, n)
			}
		}
		if group == "/" {
			return least
		}
	}
}
