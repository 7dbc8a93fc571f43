//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// docker is a docker client with an engine of its own: another engine stands for another machine.
type docker struct {
	tool
}

// startDocker starts a docker engine on this machine.
func startDocker(t *testing.T) docker {
	t.Helper()
	return startDockerOn(t, func(c tool) tool { return c })
}

// startDockerOn starts Debian's docker engine on a machine that machine turns a tool's into. The engine is told to do
// without bridge, overlay file system and service manager.
func startDockerOn(t *testing.T, machine func(tool) tool) docker {
	t.Helper()
	dir := shortTempDir(t) // a socket's path is short
	t.Cleanup(func() {
		// A container on this machine's network leaves a mount; without one there is nothing to undo.
		_ = syscall.Unmount(filepath.Join(dir, "exec", "netns", "default"), syscall.MNT_DETACH)
	})
	socket := "unix://" + filepath.Join(dir, "docker.sock")
	engine := machine(newTool(t, "/usr/sbin/dockerd", "--host", socket,
		"--bridge=none", "--iptables=false", "--storage-driver=vfs",
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "docker.pid")))
	log := &output{}
	t.Cleanup(func() { log.show(t, "dockerd") })
	cmd := exec.Command(engine.argv[0], engine.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = engine.env, log, log
	process := startProcess(t, cmd)
	t.Cleanup(func() { process.terminate(t) }) // SIGTERM lets the engine stop its containerd and unmount

	d := docker{newTool(t, "/usr/bin/docker", "--host", socket)}
	waitFor(t, 30*time.Second, "dockerd to answer", func() bool {
		process.mustRun(t)
		return d.try(t, "", "version").err == nil
	})
	return d
}

// login signs in with the password that the AWS CLI would fetch.
func (d docker) login(t *testing.T, password, host string) {
	t.Helper()
	d.runWithInput(t, password, "login", "--username", "AWS", "--password-stdin", host)
}

// load takes an image of a layout into the engine, under the given name.
func (d docker) load(t *testing.T, l layout, image descriptor, name string) {
	t.Helper()
	d.run(t, "load", "--quiet", "--input", l.dockerArchive(image, name))
}

// imageID is the digest of an image's configuration, which names the digest of each of its layers: equal IDs are
// equal images, and the engine has checked the bytes it pulled against them.
func (d docker) imageID(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(d.run(t, "image", "inspect", "--format", "{{.Id}}", name))
}

// pushedDigest is the digest of the manifest under which the engine knows an image in a repository.
func (d docker) pushedDigest(t *testing.T, name string) string {
	t.Helper()
	reference := strings.TrimSpace(d.run(t, "image", "inspect", "--format", "{{index .RepoDigests 0}}", name))
	_, digest, _ := strings.Cut(reference, "@")
	return digest
}

func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e")
	must(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing what dockerd left: %v", err)
		}
	})
	return dir
}
