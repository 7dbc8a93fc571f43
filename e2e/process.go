//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a running program that leads a process group of its own, so that stopping it stops its children too.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the program has ended and all its output is written
}

// startProcess starts cmd. When the test ends, what is left of it is killed.
func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v (make tools installs what the tests use)", cmd.Path, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the exit status is in cmd.ProcessState
		close(p.exited)
	}()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// kill ends the whole group at once, as a power cut would.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.wait(t)
}

// terminate asks the program to end and waits until it has.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
}

// mustRun ends the test if the program has ended.
func (p *process) mustRun(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
		t.Fatalf("%s ended: %v", p.cmd.Path, p.cmd.ProcessState)
	default:
	}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("sending %v to %s: %v", s, p.cmd.Path, err)
	}
}

func (p *process) wait(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s has not ended after 30 s", p.cmd.Path)
	}
}

// output takes what a running program writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// show prints the end of the output if the test has failed.
func (o *output) show(t *testing.T, program string) {
	const most = 4 << 10
	if text := o.text(); t.Failed() {
		t.Logf("%s said:\n%s", program, text[max(0, len(text)-most):])
	}
}

// waitFor asks again and again until done says yes, and ends the test if that takes longer than limit.
func waitFor(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}
