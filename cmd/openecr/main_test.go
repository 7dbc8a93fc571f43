package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/openecr/openecr/internal/app"
)

// TestMain makes the test binary the program itself when it is told to be.
func TestMain(m *testing.M) {
	if os.Getenv("BE_OPENECR") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command is openecr as a process of its own, with nothing in its environment but env.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append([]string{"BE_OPENECR=1", "GORACE=atexit_sleep_ms=0"}, env...) // the race detector waits a second otherwise
	cmd.Dir = t.TempDir()
	return cmd
}

// run runs openecr to its end.
func run(t *testing.T, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := command(t, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestVersion(t *testing.T) {
	stdout, stderr, status := run(t, nil, "version")
	if stdout != "openecr dev\n" || stderr != "" || status != 0 {
		t.Errorf("%d %q %q", status, stdout, stderr)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // in what it says
	}{
		{[]string{"serve", "--adr", "127.0.0.1:0"}, "unknown flag --adr"},
		{[]string{"env", "--addr", "127.0.0.1:0"}, "unknown flag --addr"},
		{[]string{"version", "x"}, "unexpected argument x"},
		{[]string{"sreve"}, "unexpected argument sreve"},
		{[]string{"serve", "--data"}, "--data"},
		{nil, "expected one of"},
	} {
		_, stderr, status := run(t, nil, c.args...)
		if status == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: %d %s", c.args, status, stderr)
		}
	}
}

func TestServeThatCannotStart(t *testing.T) {
	for name, c := range map[string]struct {
		env, args []string
		want      string
	}{
		"flag":        {nil, []string{"--trusted-proxies", "x"}, `--trusted-proxies: "x" is neither an IP address nor a network like 10.0.0.0/8`},
		"environment": {[]string{"OPENECR_TRUSTED_PROXIES=x"}, nil, `--trusted-proxies: "x" is neither an IP address nor a network like 10.0.0.0/8`},
		"account":     {[]string{"OPENECR_ACCESS_KEY_ID=x"}, nil, "OPENECR_ACCESS_KEY_ID and OPENECR_SECRET_ACCESS_KEY go together: set both or neither"},
		"flag before environment": {[]string{"OPENECR_METADATA=sqlite:x.db"}, []string{"--metadata", "x", "--data", "data"},
			"--metadata is neither sqlite:PATH nor postgres://USER@HOST:PORT/DATABASE: write one of them"},
	} {
		stdout, stderr, status := run(t, c.env, append([]string{"serve", "--addr", "127.0.0.1:0"}, c.args...)...)
		if stdout != "" || stderr != "openecr: "+c.want+"\n" || status != 1 {
			t.Errorf("%s: %d %q %q", name, status, stdout, stderr)
		}
	}
}

func TestServeEndsWellOnATerminationSignal(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	cmd := command(t, nil, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--data", data)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	var messages []string
	log := bufio.NewScanner(stderr)
	for log.Scan() {
		var line struct{ Msg string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Errorf("a log line that is no JSON: %s", log.Text())
		}
		messages = append(messages, line.Msg)
		if line.Msg == "serving" {
			must(t, cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(messages, " "); got != "serving stopping" {
		t.Errorf("logged %s", got)
	}
	if stdout.Len() != 0 {
		t.Errorf("a pipe gets %q on standard output", stdout.String())
	}

	env, _, status := run(t, []string{"OPENECR_DATA=" + data}, "env")
	if status != 0 || !strings.Contains(env, "\nexport AWS_ENDPOINT_URL_ECR_PUBLIC='http://127.0.0.1:") {
		t.Errorf("%d %s", status, env)
	}
}

func TestWelcomeSaysWhatToTypeNext(t *testing.T) {
	var text strings.Builder
	printWelcome(&text, app.Info{URL: "https://r.example", Registry: "r.example/a1b2c3d4", Alias: "a1b2c3d4"}, "/my data")
	for _, line := range []string{
		"openecr serves at https://r.example\n",
		`  eval "$(openecr env --data '/my data')"` + "\n",
		"docker login --username AWS --password-stdin r.example\n",
		"  docker push r.example/a1b2c3d4/hello:1\n",
		"--endpoint-url https://r.example)",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("no %q in\n%s", line, text.String())
		}
	}
	text.Reset()
	printWelcome(&text, app.Info{Registry: "x/a", Alias: "a"}, defaultData)
	if !strings.Contains(text.String(), `eval "$(openecr env)"`) {
		t.Errorf("with the default folder:\n%s", text.String())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
