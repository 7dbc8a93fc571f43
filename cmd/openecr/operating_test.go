package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
)

// serveFlags are the options of openecr serve.
func serveFlags(t testing.TB) []*kong.Flag {
	t.Helper()
	parser, err := kong.New(new(commands))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Name == "serve" {
			return command.Flags
		}
	}
	t.Fatal("no command serve")
	return nil
}

func TestCheckBeforeTheFirstStartChangesNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	stdout, stderr, status := run(t, nil, "serve", "--check", "--data", data)
	want := "ok    options: they fit together\n" +
		"ok    certificate: none: the server speaks plain HTTP\n" +
		"ok    metadata: there is no metadata yet: the first start makes it\n" +
		"ok    layers: folder " + data + "/blobs is made by the first start\n"
	if stdout != want || stderr != "" || status != 0 {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
}

// served runs a server on data until it serves, lets do look, and ends it.
func served(t *testing.T, data string, do func()) {
	t.Helper()
	cmd := command(t, nil, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--data", data)
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	log := bufio.NewScanner(stderr)
	for log.Scan() {
		var line struct{ Msg string }
		must(t, json.Unmarshal(log.Bytes(), &line))
		if line.Msg == "serving" {
			do()
			must(t, cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	must(t, cmd.Wait())
}

func TestCheckOfData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	good := "ok    options: they fit together\n" +
		"ok    certificate: none: the server speaks plain HTTP\n" +
		"ok    metadata: schema version 2\n" +
		"ok    master key: it opens the secrets\n" +
		"ok    layers: folder " + data + "/blobs is there\n"
	check := func(when string) {
		t.Helper()
		if stdout, stderr, status := run(t, nil, "serve", "--check", "--data", data); stdout != good || stderr != "" || status != 0 {
			t.Errorf("%s: %d\n%s%s", when, status, stdout, stderr)
		}
	}
	served(t, data, func() { check("beside a server") })
	check("after a server")

	for name, c := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"options":            {nil, []string{"--trusted-proxies=x", "--max-images=-1"}, "FAIL  options: --trusted-proxies: \"x\" is neither an IP address nor a network like 10.0.0.0/8\nFAIL  options: --max-images is -1: it must be at least 1, or 0 for the default\n"},
		"traces":             {nil, []string{"--traces=x"}, "FAIL  options: --traces must be the http:// or https:// address"},
		"certificate":        {nil, []string{"--tls-cert=c.pem", "--tls-key=k.pem"}, "FAIL  certificate: certificate c.pem with key k.pem cannot be used: "},
		"another master key": {[]string{"OPENECR_MASTER_KEY=" + strings.Repeat("00", 32)}, nil, "FAIL  master key: the master key does not open this data: "},
		"blobs elsewhere":    {nil, []string{"--blobs=file:/nowhere/blobs"}, "FAIL  layers: there is metadata but no folder /nowhere/blobs: mount it, or say with --blobs where the layers are\n"},
	} {
		stdout, stderr, status := run(t, c.env, append([]string{"serve", "--check", "--data", data}, c.args...)...)
		if status != 1 || !strings.Contains(stdout, c.want) || stderr != "openecr: a server could not start: 1 of 5 checks have failed\n" {
			t.Errorf("%s: %d\n%s%s", name, status, stdout, stderr)
		}
	}
	must(t, os.Remove(filepath.Join(data, "master.key")))
	if stdout, _, status := run(t, nil, "serve", "--check", "--data", data); status != 1 || !strings.Contains(stdout, "FAIL  master key: the secrets in this data are sealed and ") {
		t.Errorf("master key lost: %d\n%s", status, stdout)
	}
	if _, err := os.Stat(filepath.Join(data, "master.key")); !os.IsNotExist(err) {
		t.Error("the check has made a master key")
	}
}

func TestLogLevelOfARunningServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	served(t, data, func() {
		for _, c := range []struct {
			args []string
			want string
		}{
			{nil, "info\n"},
			{[]string{"debug"}, "debug\n"},
			{[]string{"WARN"}, "warn\n"},
			{[]string{"--output=json"}, "{\n  \"level\": \"warn\"\n}\n"},
			{[]string{"info"}, "info\n"},
		} {
			if stdout, stderr, status := run(t, nil, append([]string{"log-level", "--data", data}, c.args...)...); stdout != c.want || status != 0 {
				t.Errorf("%v: %d %s%s", c.args, status, stdout, stderr)
			}
		}
		if _, stderr, status := run(t, nil, "log-level", "--data", data, "loud"); status != 1 || stderr != "openecr: log level \"loud\" must be debug, info, warn or error\n" {
			t.Errorf("%d %s", status, stderr)
		}
	})
	if _, stderr, status := run(t, nil, "log-level", "--data", data); status != 1 || stderr != "openecr: no server runs on this data: start one with --log-level\n" {
		t.Errorf("without a server: %d %s", status, stderr)
	}
}
