package app

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/openecr/openecr/internal/admission"
)

// Overload is how much a server takes on at once. What is more waits for a moment and is then sent away.
type Overload struct {
	MemoryLimit    string   `help:"Memory that the server may use, such as 512MiB: what runs at once, and how large caches and buffers are, follows from it. At least 64MiB. Default: the limit of its cgroup, such as that of a container; where there is none, none." env:"OPENECR_MEMORY_LIMIT" placeholder:"SIZE"`
	MaxConnections int      `help:"Connections of clients at once. For one more the one is closed that has been idle for longest; while none is idle it waits. Default: by memory and open files." env:"OPENECR_MAX_CONNECTIONS" placeholder:"N"`
	MinFreeSpace   string   `help:"Free space of the disks with data, as a size or in percent of the disk, below which uploads are refused; pulls and deletes go on. 0 refuses nothing. Default: 5%, or 1GiB where that is less." env:"OPENECR_MIN_FREE_SPACE" placeholder:"SIZE"`
	Concurrency    []string `help:"How much work of a kind runs at once: KIND=N, where KIND is check, read, write, upload, download, page or token. Default: by memory." env:"OPENECR_CONCURRENCY" placeholder:"KIND=N"`
}

// capacity is what the options of Overload come to.
type capacity struct {
	memory      int64 // 0 is no limit
	places      [numWorks]int64
	connections int
	layerCache  int // bytes
	pageCache   int // bytes, of SQLite's connections together
	s3Buffers   int // of 10 MiB each
	window      int // bytes that an HTTP/2 connection may send ahead
	minFree     freeSpace
}

const (
	// leastMemory is what a server needs to do anything.
	leastMemory = 64 << 20
	// ampleMemory is what the sizes are made for where no limit is known.
	ampleMemory = 4 << 30
	// connectionBytes is what an idle connection holds: buffers of 4 KiB each way, the stack of its goroutine, and what the
	// runtime keeps of it. With TLS there are the buffers of the encryption, and what an HTTP/2 client may send ahead.
	connectionBytes    = 24 << 10
	tlsConnectionBytes = 128 << 10
	s3BufferBytes      = 10 << 20
)

// capacity finds the sizes. Each part of the memory is a fraction of the whole, so that all of them together stay below
// it, with room for the collector, whatever is asked for at once:
//
//	a fifth      connections
//	an eighth    uploads, each with a buffer of 512 KiB
//	an eighth    checks, reads and writes, each with its body and its answer
//	a sixteenth  bodies that have to be in memory as a whole, of which a decoder makes about three times as much
//	a sixteenth  the cache of layers
//	a sixteenth  the page caches of SQLite
func (c Config) capacity() (capacity, error) {
	var k capacity
	var err error
	if k.memory, err = c.memoryLimit(); err != nil {
		return k, err
	}
	if k.minFree, err = parseFreeSpace(c.MinFreeSpace); err != nil {
		return k, fmt.Errorf("--min-free-space: %w", err)
	}
	if c.MaxConnections < 0 {
		return k, fmt.Errorf("--max-connections is %d: it must be at least 1, or 0 for the default", c.MaxConnections)
	}
	m := k.memory
	if m == 0 {
		m = ampleMemory
	}
	part := func(bytesEach, least, most int64) int64 { return min(max(m/bytesEach, least), most) }
	k.places = [numWorks]int64{
		checking:    part(2<<20, 64, 2048),
		reading:     part(4<<20, 32, 512),
		writing:     part(2<<20, 64, 1024),
		uploading:   part(4<<20, 16, 1024),
		downloading: part(512<<10, 128, 8192),
		browsing:    part(16<<20, 8, 64),
		signingIn:   part(2<<20, 64, 1024),
		receiving:   part(16, 8<<20, 256<<20),
	}
	if err := c.choosePlaces(&k.places); err != nil {
		return k, err
	}
	each := int64(connectionBytes)
	if c.scheme() == "https" {
		each = tlsConnectionBytes
	}
	k.connections = c.MaxConnections
	if k.connections == 0 {
		k.connections = int(min(part(5*each, 64, 65536), openFiles()/2)) // a download has a file open too
	}
	k.window = int(min(max(m/8/int64(k.connections), 64<<10), 1<<20))
	k.layerCache = int(part(16, 4<<20, 80<<20)) // at most a million layers
	k.pageCache = int(min(m/16, 8<<20*int64(runtime.GOMAXPROCS(0)+1)))
	k.s3Buffers = int(part(4*s3BufferBytes, 2, 64))
	return k, nil
}

// memoryLimit is 0 for none.
func (c Config) memoryLimit() (int64, error) {
	if c.MemoryLimit == "" {
		return cgroupMemory(os.DirFS("/")), nil
	}
	n, err := parseBytes(c.MemoryLimit)
	if err == nil && n < leastMemory {
		err = fmt.Errorf("%s is too little: give it at least %s", c.MemoryLimit, formatBytes(leastMemory))
	}
	if err != nil {
		return 0, fmt.Errorf("--memory-limit: %w", err)
	}
	return n, nil
}

// openFiles is how many files this process may have open.
func openFiles() int64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int64(limit.Cur)
}

// choosePlaces puts what --concurrency says in the place of the defaults.
func (o Overload) choosePlaces(places *[numWorks]int64) error {
	for _, choice := range o.Concurrency {
		kind, number, _ := strings.Cut(choice, "=")
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || n < 1 {
			return fmt.Errorf("--concurrency %q: write KIND=N with N at least 1", choice)
		}
		w, ok := workNamed(kind)
		if !ok {
			return fmt.Errorf("--concurrency %q: there is no such kind: it is check, read, write, upload, download, page or token", choice)
		}
		places[w] = n
	}
	return nil
}

// boundRuntime has the collector keep the memory of the process below the limit: what the runtime does not see, which is
// SQLite's memory and the kernel's buffers of connections, is left out, and so is an eighth for what comes between two of
// its looks. A GOMEMLIMIT in the environment is stronger, unless --memory-limit is given too.
func (a *App) boundRuntime(c Config, k capacity) {
	if k.memory == 0 || c.MemoryLimit == "" && os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	before := debug.SetMemoryLimit(k.memory - k.memory/8 - int64(k.pageCache))
	a.closers = append(a.closers, func() error {
		debug.SetMemoryLimit(before)
		return nil
	})
	a.log.Info("memory is limited", "bytes", k.memory, "connections", k.connections)
}

// queueOf is how many requests wait for places of which there are so many. Who waits costs a connection, and those are
// counted elsewhere.
func queueOf(places int64) int { return int(max(places, 64)) * 4 }

// newGates makes the gates.
func newGates(k capacity, disks *disks) *gates {
	g := &gates{disks: disks}
	for w, places := range k.places {
		o := admission.Options{Places: places, Queue: queueOf(places), Wait: admissionWait}
		if work(w) == receiving {
			o.Queue = queueOf(64) // its places are bytes
		}
		g.of[w] = admission.New(o)
	}
	return g
}
