package powercut

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Options are what strace must be called with, before its -o FILE and the program.
func Options() []string {
	return []string{"-f", "-qq", "-xx", "-s", strconv.Itoa(longest), "-e", "signal=none", "-e", "trace=" + calls}
}

const (
	longest = 64 << 20 // of a text: a write that is cut short cannot be replayed
	calls   = "open,openat,creat,close,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,fallocate,fchmod,chmod,fchmodat," +
		"fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat," +
		"copy_file_range,splice,sendfile"
)

// Call is a system call. Whatever it did, it did between the lines Begin and End of the trace.
type Call struct {
	Name       string
	Args       []string // as strace prints them
	Result     int64    // negative when it failed
	Begin, End int      // End is Never when the trace ends before
}

// Never is the end of a call that strace did not see end.
const Never = math.MaxInt

// ReadTrace reads what strace with Options wrote down, in the order in which calls began.
func ReadTrace(r io.Reader) ([]*Call, error) {
	t := traceReader{unfinished: make(map[string]*Call)}
	lines := bufio.NewReader(r)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if line == "" && err == io.EOF {
			return t.calls, nil
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if err := t.line(n, strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", n+1, err)
		}
	}
}

type traceReader struct {
	calls      []*Call
	unfinished map[string]*Call // by thread
}

const interrupted = " <unfinished ...>"

// line reads one of
//
//	1825  fsync(9) = 0
//	1825  fsync(9 <unfinished ...>
//	1825  <... fsync resumed>) = 0
func (t *traceReader) line(n int, line string) error {
	thread, rest, ok := strings.Cut(line, " ")
	if !ok {
		return fmt.Errorf("%.40q has no thread", line)
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
		return nil // a thread ended, or got a signal
	}
	if strings.HasPrefix(rest, "<... ") {
		return t.resume(n, thread, rest)
	}
	name, rest, ok := strings.Cut(rest, "(")
	if !ok {
		return fmt.Errorf("%.40q is no call", line)
	}
	c := &Call{Name: name, Begin: n, End: n, Result: -1}
	t.calls = append(t.calls, c)
	if begun, ok := strings.CutSuffix(rest, interrupted); ok {
		c.End, c.Args = Never, splitArgs(begun)
		t.unfinished[thread] = c
		return nil
	}
	return c.finish(rest)
}

func (t *traceReader) resume(n int, thread, rest string) error {
	c := t.unfinished[thread]
	_, rest, ok := strings.Cut(rest, "resumed>")
	if c == nil || !ok {
		return fmt.Errorf("%.40q goes on with nothing", rest)
	}
	delete(t.unfinished, thread)
	c.End = n
	return c.finish(rest)
}

// finish reads arguments that are still to come, and the result.
func (c *Call) finish(rest string) error {
	at := strings.LastIndex(rest, ") ")
	if at < 0 {
		return fmt.Errorf("%s has no end", c.Name)
	}
	if more := splitArgs(rest[:at]); len(more) > 0 {
		c.Args = append(c.Args, more...)
	}
	fields := strings.Fields(rest[at+1:])
	if len(fields) < 2 || fields[0] != "=" {
		return fmt.Errorf("%s has no result", c.Name)
	}
	if fields[1] == "?" { // the program ended in it
		c.End = Never
		return nil
	}
	var err error
	c.Result, err = strconv.ParseInt(fields[1], 0, 64)
	return err
}

// splitArgs cuts at commas outside of brackets and texts.
func splitArgs(s string) []string {
	var args []string
	depth, quoted, begin := 0, false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted // -xx leaves no quote inside a text
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			args, begin = append(args, strings.TrimSpace(s[begin:i])), i+1
		}
	}
	if last := strings.TrimSpace(s[begin:]); last != "" {
		args = append(args, last)
	}
	return args
}

// arg is empty where there is none.
func (c *Call) arg(i int) string {
	if i >= len(c.Args) {
		return ""
	}
	return c.Args[i]
}

// text is what all the texts in an argument say together. A call that writes takes one or several.
func (c *Call) text(i int) ([]byte, error) {
	var all []byte
	parts := strings.Split(c.arg(i), `"`)
	for n, part := range parts {
		if n%2 == 0 {
			if strings.HasPrefix(part, "...") {
				return nil, fmt.Errorf("a text of %s is cut short", c.Name)
			}
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, `\x`, ""))
		if err != nil {
			return nil, fmt.Errorf("a text of %s: %w", c.Name, err)
		}
		all = append(all, b...)
	}
	return all, nil
}

func (c *Call) number(i int) (int64, error) { return strconv.ParseInt(c.arg(i), 0, 64) }

// has says whether an argument names a flag.
func (c *Call) has(flag string) bool {
	for _, arg := range c.Args {
		if !strings.Contains(arg, `"`) && strings.Contains("|"+arg+"|", "|"+flag+"|") {
			return true
		}
	}
	return false
}
