//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// openecr is the binary under test.
var openecr string

// A server is `openecr serve` on a free loopback port. It can be killed, stopped and started again, at the same
// address with the same data folder.
type server struct {
	t        *testing.T
	under    []string // what runs the program, such as strace; nil for nothing
	binary   string   // the program
	data     string   // data folder
	options  []string // options of serve beside --addr and --data
	env      []string // environment beside the test's own
	addr     string   // HOST:PORT it listens on
	url      string   // its public URL
	registry string   // HOST:PORT/ALIAS, what image names start with

	process *process
	log     *output
}

// logLine is one line of the server's log: an access log line if Msg is "request".
type logLine struct {
	Msg       string `json:"msg"`
	RequestID string `json:"request_id"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	BytesIn   int64  `json:"bytes_in"`
	BytesOut  int64  `json:"bytes_out"`
	Operation string `json:"operation"`
	Caller    string `json:"caller"`

	Addr     string `json:"addr"`
	URL      string `json:"url"`
	Registry string `json:"registry"`
}

// startServer starts a server with an empty data folder.
func startServer(t *testing.T, options ...string) *server {
	t.Helper()
	s := newServer(t, t.TempDir(), options...)
	s.start()
	return s
}

// newServer is a server that has yet to start, on the given data folder.
func newServer(t *testing.T, data string, options ...string) *server {
	return &server{t: t, binary: openecr, data: data, options: options, env: dataIn.environment(t, data), addr: "127.0.0.1:0"}
}

// command is the binary with the environment of the server, so that it finds the same data.
func (s *server) command(t *testing.T) tool {
	t.Helper()
	return newTool(t, s.binary).with(s.env...)
}

// start runs the server and returns when it accepts connections.
func (s *server) start() {
	s.t.Helper()
	log := &output{}
	s.log = log
	argv := slices.Concat(s.under, []string{s.binary, "serve", "--addr", s.addr, "--data", s.data, "--admin-addr", "127.0.0.1:0"}, s.options)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"HOME=" + s.data, "PATH=" + os.Getenv("PATH")}, s.env...)
	cmd.Stdout, cmd.Stderr = log, log
	s.t.Cleanup(func() { log.show(s.t, "openecr serve") })
	s.process = startProcess(s.t, cmd)
	waitFor(s.t, 30*time.Second, "openecr serve to accept connections", func() bool {
		s.process.mustRun(s.t)
		serving := s.lines("serving")
		if len(serving) == 0 {
			return false
		}
		s.addr, s.url, s.registry = serving[0].Addr, serving[0].URL, serving[0].Registry
		return true
	})
}

// kill is kill -9.
func (s *server) kill() { s.t.Helper(); s.process.kill(s.t) }

// stop ends the server as an operator does, and returns its requests: the log is complete only now, since a request
// is logged after its answer.
func (s *server) stop() []logLine {
	s.t.Helper()
	s.process.terminate(s.t)
	if code := s.process.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("openecr serve ended with exit status %d after SIGTERM, want 0", code)
	}
	return s.lines("request")
}

// restart is stop and start; it returns the requests before.
func (s *server) restart() []logLine {
	s.t.Helper()
	requests := s.stop()
	s.start()
	return requests
}

// host is the HOST:PORT that clients log in to, alias the part after it.
func (s *server) host() string  { host, _, _ := strings.Cut(s.registry, "/"); return host }
func (s *server) alias() string { _, alias, _ := strings.Cut(s.registry, "/"); return alias }

// environment is what a shell has after `eval "$(openecr env)"`.
func (s *server) environment(t *testing.T) []string {
	t.Helper()
	shell := newTool(t, "sh", "-c", `exports=$("$0" env --data "$1") && eval "$exports" && env`).
		with(s.env...).with("AWS_SESSION_TOKEN=stale", "AWS_PROFILE=stale")
	var env []string
	for line := range strings.Lines(shell.run(t, openecr, s.data)) {
		line = strings.TrimSuffix(line, "\n")
		if (strings.HasPrefix(line, "AWS_") || strings.HasPrefix(line, "OPENECR_")) && !slices.Contains(s.env, line) {
			env = append(env, line)
		}
	}
	return env
}

// file is the content of a file in the data folder.
func (s *server) file(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.data, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// layerBytes is how many bytes of layers the requests carried, on either wire.
func layerBytes(requests []logLine) int64 {
	var n int64
	for _, r := range requests {
		if strings.Contains(r.Path, "/blobs/uploads/") || r.Operation == "UploadLayerPart" {
			n += r.BytesIn
		}
	}
	return n
}

// lines are the lines of the log with this message. What is not JSON (a panic, a complaint of the runtime) is for
// people to read.
func (s *server) lines(msg string) []logLine {
	var lines []logLine
	for text := range strings.Lines(s.log.text()) {
		var line logLine
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == msg {
			lines = append(lines, line)
		}
	}
	return lines
}
