package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a server that runs, with the processes it started.
type process struct {
	origin
	cmd   *exec.Cmd
	ready time.Duration // from start to the first answer
	ended chan struct{} // closed when it has ended, with err
	err   error
}

// start runs the server and returns once it answers GET path.
func start(ctx context.Context, at origin, path string, cmd *exec.Cmd) (*process, error) {
	log, err := os.Create(filepath.Join(cmd.Dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w (make bench installs the peers)", cmd.Path, err)
	}
	p := &process{origin: at, cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	for {
		select {
		case <-p.ended:
			text, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("%s ended at its start: %w\n%s", cmd.Path, p.err, text)
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if at.answers(path) {
			p.ready = time.Since(began)
			return p, nil
		}
		if time.Since(began) > time.Minute {
			p.stop()
			return nil, fmt.Errorf("%s did not answer within a minute", cmd.Path)
		}
	}
}

var client = http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: trusting()}}

func (o origin) answers(path string) bool {
	answer, err := client.Get(o.url() + path)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode < 500
}

// stop asks the process group to end, and insists after a while.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// family is the process and its children: nginx works in some.
func (p *process) family() []int {
	pids := []int{p.cmd.Process.Pid}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[0], pids[0]))
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// cpu is the processor time that was used so far, in steps of 10 ms.
func (p *process) cpu() (time.Duration, error) {
	var ticks int64
	for _, pid := range p.family() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0, errors.New("unexpected form of /proc/PID/stat")
		}
		for _, f := range fields[11:13] { // utime and stime
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return 0, err
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is a line of /proc/PID/status in MiB, over the family: VmRSS now, VmHWM at its peak.
func (p *process) memory(line string) (float64, error) {
	var kib float64
	for _, pid := range p.family() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		_, rest, found := strings.Cut(string(text), line+":")
		fields := strings.Fields(rest)
		if !found || len(fields) == 0 {
			return 0, fmt.Errorf("/proc/PID/status has no %s", line)
		}
		n, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return 0, err
		}
		kib += n
	}
	return kib / 1024, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// rest lets the server give back what its start has used, and has its peak of memory begin anew. It returns what it
// holds then, in MiB.
func (p *process) rest() (float64, error) {
	time.Sleep(2 * time.Second)
	for _, pid := range p.family() {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
			return 0, err
		}
	}
	return p.memory("VmRSS")
}

// settle has the kernel write what loads before have left, so that it is not counted against the next.
func settle() {
	syscall.Sync()
	time.Sleep(200 * time.Millisecond)
}
