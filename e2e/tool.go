//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A tool is a client program with the arguments and the environment that all its calls share.
type tool struct {
	argv []string
	env  []string
}

// newTool has a home folder of its own, so that no configuration or login of the machine takes part.
func newTool(t *testing.T, argv ...string) tool {
	t.Helper()
	home := t.TempDir()
	logins := filepath.Join(home, "auth.json") // of skopeo and podman
	must(t, os.WriteFile(logins, []byte("{}"), 0o600))
	return tool{argv: argv, env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8",
		"HOME=" + home, "REGISTRY_AUTH_FILE=" + logins}}
}

// with is the tool with more of the environment set.
func (c tool) with(env ...string) tool {
	c.env = slices.Concat(c.env, env)
	return c
}

// withHosts is the tool as a machine sees it whose /etc/hosts is the file hosts.
func (c tool) withHosts(hosts string) tool {
	c.argv = append([]string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts}, c.argv...)
	return c
}

// result is what a call printed, and how it ended.
type result struct {
	stdout, stderr string
	err            error
}

// try is a call that may fail. It has two minutes.
func (c tool) try(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.argv[0], slices.Concat(c.argv[1:], args)...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.env, strings.NewReader(stdin), &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // a child may hold the pipes after the deadline
	err := cmd.Run()
	return result{stdout.String(), stderr.String(), err}
}

// run is a call that must succeed; it returns what was printed on stdout.
func (c tool) run(t *testing.T, args ...string) string {
	t.Helper()
	return c.runWithInput(t, "", args...)
}

func (c tool) runWithInput(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := c.try(t, stdin, args...)
	if r.err != nil {
		t.Fatalf("%s %s: %v\n%s%s", strings.Join(c.argv, " "), strings.Join(args, " "), r.err, r.stdout, r.stderr)
	}
	return r.stdout
}

// fails is a call that must not succeed; it returns what was printed on stderr.
func (c tool) fails(t *testing.T, args ...string) string {
	t.Helper()
	r := c.try(t, "", args...)
	if r.err == nil {
		t.Fatalf("%s %s: succeeded, want a failure\n%s", strings.Join(c.argv, " "), strings.Join(args, " "), r.stdout)
	}
	return r.stderr
}
