//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// A warmAWS runs Debian's AWS CLI without loading it for each command line, which takes most of its time:
// testdata/warm_aws.py loads it and forks.
type warmAWS struct {
	args []string // before those of each call
	env  []string
	idle chan *warmProcess
}

// A warmProcess runs one command line at a time.
type warmProcess struct {
	requests *json.Encoder
	answers  *json.Decoder
}

// newWarmAWS has as many processes as there are processors in the smallest machine that runs the tests.
func newWarmAWS(t *testing.T, cold awsCLI) warmAWS {
	t.Helper()
	w := warmAWS{args: cold.argv[1:], env: cold.env, idle: make(chan *warmProcess, 2)}
	for range cap(w.idle) {
		cmd := exec.Command("/usr/bin/python3", "testdata/warm_aws.py")
		cmd.Env, cmd.Stderr = w.env, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		stdin, err := cmd.StdinPipe()
		must(t, err)
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() { stopWarm(t, cmd, stdin) })
		w.idle <- &warmProcess{requests: json.NewEncoder(stdin), answers: json.NewDecoder(stdout)}
	}
	return w
}

// stopWarm ends the process by ending its input.
func stopWarm(t *testing.T, cmd *exec.Cmd, stdin io.Closer) {
	t.Helper()
	must(t, stdin.Close())
	if err := cmd.Wait(); err != nil {
		t.Errorf("warm_aws.py: %v", err)
	}
}

// outcome is what the command line gives with more of the environment set.
func (w warmAWS) outcome(t *testing.T, env, args []string) outcome {
	t.Helper()
	process := <-w.idle
	defer func() { w.idle <- process }()
	must(t, process.requests.Encode(map[string][]string{"args": slices.Concat(w.args, args), "env": slices.Concat(w.env, env)}))
	var o outcome
	must(t, process.answers.Decode(&o))
	return o
}
