package powercut

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Disk is what the kernel holds of a folder at one moment of a trace, and what of it is safe from a power cut:
//
//	bytes, sizes   after fsync or fdatasync of the file, for what had ended before that began
//	modes          after fsync of the file
//	names          after fsync of their folder
//
// The name of a file is not safe because the file was synced, nor the other way round. Names in one folder survive in the
// order in which they changed, as journals have it; bytes in any mixture.
type Disk struct {
	root    string
	top     *node
	handles map[string]*handle // by descriptor, as strace prints it
	syncs   []Sync
	answers []Answer
}

// node is a file or a folder, with its changes in order.
type node struct {
	path    string
	entries map[string]*node // of a folder, as it is now
	size    int64            // of a file, as it is now
	changes []*change
}

type change struct {
	of          *node
	index       int // among the changes of the node
	ended, safe bool

	// Of a file one of these.
	data   []byte // at offset
	offset int64
	resize bool // to offset
	mode   int64

	// Of a folder: what each name leads to then, nil for nothing.
	names map[string]*node
	with  *change // in another folder, one half of a rename: this one happens exactly when that does
}

type handle struct {
	node   *node
	at     int64
	append bool
}

// Sync is an fsync or fdatasync that has succeeded, of a file or folder below the root.
type Sync struct {
	Path       string
	Begin, End int // lines of the trace
}

// Answer is a text that was written elsewhere than to a file below the root, such as to a socket.
type Answer struct {
	Begin int
	Text  string
}

// Replay does what a trace says up to a line. The program must have found root as an empty folder, or its parent as one.
func Replay(trace []*Call, root string, until int) (*Disk, error) {
	top := &node{path: ".", entries: make(map[string]*node)}
	d := &Disk{root: filepath.Clean(root), top: top, handles: make(map[string]*handle)}
	finish := make(map[*Call]func())
	for _, s := range stepsOf(trace) {
		if s.line >= until {
			break
		}
		if !s.begins {
			if end := finish[s.call]; end != nil {
				end()
			}
			continue
		}
		end, err := d.begin(s.call)
		if err != nil {
			return nil, fmt.Errorf("line %d of the trace, %s: %w", s.line+1, s.call.Name, err)
		}
		finish[s.call] = end
	}
	return d, nil
}

// Syncs and Answers are in the order in which they ended and began.
func (d *Disk) Syncs() []Sync     { return d.syncs }
func (d *Disk) Answers() []Answer { return d.answers }

type step struct {
	line   int
	begins bool
	call   *Call
}

func stepsOf(trace []*Call) []step {
	var steps []step
	for _, c := range trace {
		steps = append(steps, step{c.Begin, true, c})
		if c.End != Never {
			steps = append(steps, step{c.End, false, c})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.line, b.line) })
	return steps
}

// begin does what a call may have done from its first line on, and returns what holds once it has ended.
func (d *Disk) begin(c *Call) (end func(), err error) {
	if c.Name == "close" { // its number may be given again before it ends
		delete(d.handles, c.arg(0))
		return nil, nil
	}
	if c.Result < 0 && c.End != Never {
		return nil, nil
	}
	switch c.Name {
	case "open", "creat":
		return d.open(c, "AT_FDCWD", 0)
	case "openat":
		return d.open(c, c.arg(0), 1)
	case "lseek":
		return d.seek(c)
	case "write", "writev", "pwrite64", "pwritev", "pwritev2":
		return d.write(c)
	case "ftruncate", "truncate", "fallocate":
		return d.resize(c)
	case "fchmod", "chmod", "fchmodat":
		return d.chmod(c)
	case "fsync", "fdatasync":
		return d.sync(c), nil
	case "mkdir":
		return d.mkdir(c, "AT_FDCWD", 0)
	case "mkdirat":
		return d.mkdir(c, c.arg(0), 1)
	case "unlink", "rmdir":
		return d.remove(c, "AT_FDCWD", 0)
	case "unlinkat":
		return d.remove(c, c.arg(0), 1)
	case "rename":
		return d.rename(c, "AT_FDCWD", 0, "AT_FDCWD", 1)
	case "renameat", "renameat2":
		return d.rename(c, c.arg(0), 1, c.arg(2), 3)
	case "link":
		return d.link(c, "AT_FDCWD", 0, "AT_FDCWD", 1)
	case "linkat":
		return d.link(c, c.arg(0), 1, c.arg(2), 3)
	case "sync_file_range":
		return nil, nil // it promises nothing
	case "copy_file_range", "splice":
		return nil, d.refuse(c.arg(2))
	case "sendfile":
		return nil, d.refuse(c.arg(0))
	default:
		return nil, fmt.Errorf("the rules for it are not known")
	}
}

// refuse is for calls that may move bytes where this package does not follow them.
func (d *Disk) refuse(to string) error {
	if d.handles[to] != nil {
		return fmt.Errorf("it writes to %s, which is not replayed", d.handles[to].node.path)
	}
	return nil
}

// change notes a step of a node. It has happened for sure once the returned function is called.
func (n *node) change(c change) (*change, func()) {
	c.of, c.index = n, len(n.changes)
	n.changes = append(n.changes, &c)
	return &c, func() { c.ended = true }
}

// name gives a folder new entries, now and for a cut.
func (n *node) name(names map[string]*node, with *change) (*change, func()) {
	for name, to := range names {
		if to == nil {
			delete(n.entries, name)
		} else {
			n.entries[name] = to
		}
	}
	return n.change(change{names: names, with: with})
}

// place finds the folder that a path leads to, and the last name in it. It is nil for what is not below the root.
func (d *Disk) place(c *Call, folder string, arg int) (in *node, name string, err error) {
	text, err := c.text(arg)
	if err != nil {
		return nil, "", err
	}
	path := string(text)
	in = d.top
	if h := d.handles[folder]; h != nil && !filepath.IsAbs(path) {
		in = h.node
	} else {
		var below bool
		if path, below = strings.CutPrefix(filepath.Clean(path), d.root); !below || path != "" && path[0] != '/' {
			return nil, "", nil
		}
	}
	path = strings.Trim(filepath.Clean("/"+path), "/")
	dir, name := filepath.Split(path)
	for _, step := range strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }) {
		if in = in.entries[step]; in == nil {
			return nil, "", nil // it is of a kind that is not followed, such as a socket's
		}
	}
	return in, name, nil
}

// at is what a place holds; the folder itself has no name.
func (n *node) at(name string) *node {
	if n == nil || name == "" {
		return n
	}
	return n.entries[name]
}

func (d *Disk) open(c *Call, folder string, arg int) (func(), error) {
	in, name, err := d.place(c, folder, arg)
	if err != nil {
		return nil, err
	}
	opened := in.at(name)
	var changed []func()
	switch {
	case in == nil:
	case c.has("O_TMPFILE"):
		opened = &node{path: filepath.Join(in.path, name, "unnamed")}
	case opened == nil && (c.Name == "creat" || c.has("O_CREAT")):
		opened = &node{path: filepath.Join(in.path, name)}
		_, ended := in.name(map[string]*node{name: opened}, nil)
		changed = append(changed, ended)
	case opened != nil && (c.Name == "creat" || c.has("O_TRUNC")):
		opened.size = 0
		_, ended := opened.change(change{resize: true})
		changed = append(changed, ended)
	}
	return func() {
		for _, ended := range changed {
			ended()
		}
		if opened != nil {
			d.handles[fmt.Sprint(c.Result)] = &handle{node: opened, append: c.has("O_APPEND")}
		}
	}, nil
}

func (d *Disk) seek(c *Call) (func(), error) {
	if h := d.handles[c.arg(0)]; h != nil {
		return func() { h.at = c.Result }, nil
	}
	return nil, nil
}

func (d *Disk) write(c *Call) (func(), error) {
	data, err := c.text(1)
	if err != nil {
		return nil, err
	}
	if c.End != Never {
		data = data[:min(int64(len(data)), c.Result)] // it may have come short
	}
	h := d.handles[c.arg(0)]
	if h == nil {
		d.answers = append(d.answers, Answer{c.Begin, string(data)})
		return nil, nil
	}
	at := h.at
	switch {
	case c.Name[0] == 'p':
		if at, err = c.number(3); err != nil {
			return nil, err
		}
	case h.append:
		at = h.node.size
	}
	if c.Name[0] != 'p' {
		h.at = at + int64(len(data))
	}
	h.node.size = max(h.node.size, at+int64(len(data)))
	_, ended := h.node.change(change{data: data, offset: at})
	return ended, nil
}

func (d *Disk) resize(c *Call) (func(), error) {
	n, err := d.subject(c)
	if n == nil {
		return nil, err
	}
	size, err := c.number(1)
	if c.Name == "fallocate" {
		if c.arg(1) != "0" {
			return nil, fmt.Errorf("with the mode %s it is not replayed", c.arg(1))
		}
		offset, offsetErr := c.number(2)
		length, lengthErr := c.number(3)
		size, err = max(n.size, offset+length), errors.Join(offsetErr, lengthErr)
	}
	if err != nil {
		return nil, err
	}
	n.size = size
	_, ended := n.change(change{resize: true, offset: size})
	return ended, nil
}

func (d *Disk) chmod(c *Call) (func(), error) {
	n, err := d.subject(c)
	if n == nil {
		return nil, err
	}
	mode := c.arg(1)
	if c.Name == "fchmodat" {
		mode = c.arg(2)
	}
	var bits int64
	if _, err := fmt.Sscanf(mode, "%o", &bits); err != nil {
		return nil, err
	}
	_, ended := n.change(change{mode: bits})
	return ended, nil
}

// subject is the node that a call names by descriptor or path; nil when it is not below the root.
func (d *Disk) subject(c *Call) (*node, error) {
	if h := d.handles[c.arg(0)]; h != nil && c.Name != "fchmodat" {
		return h.node, nil
	}
	var in *node
	var name string
	var err error
	switch c.Name {
	case "truncate", "chmod":
		in, name, err = d.place(c, "AT_FDCWD", 0)
	case "fchmodat":
		in, name, err = d.place(c, c.arg(0), 1)
	}
	return in.at(name), err
}

func (d *Disk) sync(c *Call) func() {
	h := d.handles[c.arg(0)]
	if h == nil {
		return nil
	}
	var covered []*change
	for _, change := range h.node.changes {
		if change.ended && (change.mode == 0 || c.Name == "fsync") {
			covered = append(covered, change)
		}
	}
	return func() {
		for _, change := range covered {
			change.safe = true
			if change.with != nil {
				change.with.safe = true
			}
		}
		d.syncs = append(d.syncs, Sync{h.node.path, c.Begin, c.End})
	}
}

func (d *Disk) mkdir(c *Call, folder string, arg int) (func(), error) {
	in, name, err := d.place(c, folder, arg)
	if in == nil || name == "" {
		return nil, err
	}
	made := &node{path: filepath.Join(in.path, name), entries: make(map[string]*node)}
	_, ended := in.name(map[string]*node{name: made}, nil)
	return ended, nil
}

func (d *Disk) remove(c *Call, folder string, arg int) (func(), error) {
	in, name, err := d.place(c, folder, arg)
	if in.at(name) == nil {
		return nil, err
	}
	_, ended := in.name(map[string]*node{name: nil}, nil)
	return ended, nil
}

func (d *Disk) rename(c *Call, oldFolder string, oldArg int, newFolder string, newArg int) (func(), error) {
	from, old, err := d.place(c, oldFolder, oldArg)
	if moved := from.at(old); moved == nil || err != nil {
		return nil, err
	}
	to, name, err := d.place(c, newFolder, newArg)
	if to == nil {
		return nil, cmp.Or(err, fmt.Errorf("it moves %s out of the root", from.at(old).path))
	}
	moved := from.at(old)
	if from == to {
		_, ended := to.name(map[string]*node{name: moved, old: nil}, nil)
		return ended, nil
	}
	target, targetEnded := to.name(map[string]*node{name: moved}, nil)
	_, sourceEnded := from.name(map[string]*node{old: nil}, target)
	return func() { targetEnded(); sourceEnded() }, nil
}

func (d *Disk) link(c *Call, oldFolder string, oldArg int, newFolder string, newArg int) (func(), error) {
	from, old, err := d.place(c, oldFolder, oldArg)
	linked := from.at(old)
	if linked == nil || err != nil {
		return nil, err
	}
	to, name, err := d.place(c, newFolder, newArg)
	if to == nil {
		return nil, err
	}
	_, ended := to.name(map[string]*node{name: linked}, nil)
	return ended, nil
}
