package powercut

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Luck decides about every change that is not safe.
type Luck struct {
	keep bool
	rng  *rand.Rand // nil when all changes have the same luck
}

// None lets nothing survive but what is safe.
func None() Luck { return Luck{} }

// All lets everything survive: what killing the program leaves.
func All() Luck { return Luck{keep: true} }

// Some draws for each file and folder whether nothing, everything or a mixture survives. The same seed draws the same.
func Some(seed uint64) Luck { return Luck{rng: rand.New(rand.NewPCG(seed, seed))} }

// Write makes the folder what the disk may hold after a cut, by that luck. It must be there and empty. Of a mixture:
//
//	a write      whole, not at all, only some of its sectors, or its length with nothing but zeros
//	a new size   yes or no
//	a name       those up to any one of its folder
func (d *Disk) Write(folder string, luck Luck) error {
	w := &writer{luck: luck, until: make(map[*node]int)}
	return w.folder(folder, d.top)
}

type writer struct {
	luck  Luck
	until map[*node]int // how many changes of a folder survive
}

// outcome is what happens to all of a node's unsafe changes.
type outcome int

const (
	lost outcome = iota
	kept
	mixed
)

func (l Luck) draw() outcome {
	switch {
	case l.rng != nil:
		return outcome(l.rng.IntN(3))
	case l.keep:
		return kept
	default:
		return lost
	}
}

func (w *writer) folder(path string, n *node) error {
	for name, entry := range w.entries(n) {
		at := filepath.Join(path, name)
		var err error
		if entry.entries == nil {
			err = w.file(at, entry)
		} else if err = os.Mkdir(at, 0o700); err == nil {
			err = w.folder(at, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) entries(n *node) map[string]*node {
	entries := make(map[string]*node)
	for _, c := range n.changes {
		if !w.survives(c) {
			continue
		}
		for name, to := range c.names {
			if to == nil {
				delete(entries, name)
			} else {
				entries[name] = to
			}
		}
	}
	return entries
}

func (w *writer) survives(c *change) bool {
	if c.with != nil {
		return w.survives(c.with)
	}
	until, drawn := w.until[c.of]
	if !drawn {
		switch w.luck.draw() {
		case kept:
			until = len(c.of.changes)
		case mixed:
			until = w.luck.rng.IntN(len(c.of.changes) + 1)
		}
		w.until[c.of] = until
	}
	return c.safe || c.index < until
}

func (w *writer) file(path string, n *node) error {
	var content []byte
	mode := fs.FileMode(0o600)
	drawn := w.luck.draw()
	for _, c := range n.changes {
		o := drawn
		if c.safe {
			o = kept
		} else if o == mixed {
			o = w.luck.draw()
		}
		switch {
		case o == lost || c.names != nil:
		case c.mode != 0:
			mode = fs.FileMode(c.mode).Perm()
		case c.resize:
			content = grown(content, c.offset)[:c.offset]
		default:
			content = grown(content, c.offset+int64(len(c.data)))
			w.bytes(content, c, o)
		}
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func grown(content []byte, size int64) []byte {
	if more := size - int64(len(content)); more > 0 {
		content = append(content, make([]byte, more)...)
	}
	return content
}

// bytes is a write, or the sectors of it that survive a mixture: none of them when only the length does.
func (w *writer) bytes(content []byte, c *change, o outcome) {
	if o != mixed {
		copy(content[c.offset:], c.data)
		return
	}
	const sector = 512
	share := w.luck.rng.IntN(3) // of two
	end := c.offset + int64(len(c.data))
	for at := c.offset; at < end; {
		next := min(end, at-at%sector+sector)
		if w.luck.rng.IntN(2) < share {
			copy(content[at:next], c.data[at-c.offset:])
		}
		at = next
	}
}
