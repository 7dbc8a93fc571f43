package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// A peer is a server that takes part. All of them store on the same disk, speak HTTP without TLS and log as they do by
// default, into a file.
type peer struct {
	name  string
	start func(ctx context.Context, o options, dir string) (*target, error)
}

// A target is a peer that runs.
type target struct {
	*process
	header string // what authorises requests to the registry wire; empty when nothing must
	api    *api   // openecr only
	admin  string // address of openecr's profiles
	flame  *flame // gathers them in a run that is for a flame graph only
}

// name of the repository that all loads use, on every peer: openecr wants an alias in front.
const (
	alias      = "b1e2n3c4"
	repository = "app"
	base       = "/v2/" + alias + "/" + repository
)

func openecr() peer { return peer{"openecr", startOpenecr} }

func openecrTLS() peer {
	return peer{"openecr", func(ctx context.Context, o options, dir string) (*target, error) {
		return startOpenecrWith(ctx, o, dir, true, "--tls-cert", o.scratch+certificateFile, "--tls-key", o.scratch+keyFile)
	}}
}

func startOpenecr(ctx context.Context, o options, dir string) (*target, error) {
	return startOpenecrWith(ctx, o, dir, false)
}

func startOpenecrWith(ctx context.Context, o options, dir string, secure bool, further ...string) (*target, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddr()
	if err != nil {
		return nil, err
	}
	at := origin{addr, secure}
	cmd := exec.CommandContext(ctx, o.openecr, append([]string{"serve", "--addr", addr, "--admin-addr", admin, "--data", filepath.Join(dir, "data"),
		"--create-on-push"}, further...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "OPENECR_ACCOUNT_ID="+account, "OPENECR_ALIAS="+alias,
		"OPENECR_ACCESS_KEY_ID="+key.AccessKeyID, "OPENECR_SECRET_ACCESS_KEY="+key.SecretAccessKey)
	p, err := start(ctx, at, "/v2/", cmd)
	if err != nil {
		return nil, err
	}
	t := &target{process: p, api: newAPI(at), admin: admin, flame: o.flame}
	if t.header, err = t.api.bearer(ctx); err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// registries are the peers that are registries.
func registries(o options) []peer {
	peers := []peer{
		{"distribution", distribution(filepath.Join(o.clients, "registry"))},
		{"docker-registry", distribution("/usr/bin/docker-registry")},
		{"crane", startCrane},
	}
	if o.zot != "" {
		peers = append(peers, peer{"zot", startZot})
	}
	return peers
}

// started runs a server that is made by command from its address.
func started(ctx context.Context, secure bool, dir, path string, command func(addr string) (*exec.Cmd, error)) (*target, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cmd, err := command(addr)
	if err != nil {
		return nil, err
	}
	cmd.Dir = dir
	p, err := start(ctx, origin{addr, secure}, path, cmd)
	if err != nil {
		return nil, err
	}
	return &target{process: p}, nil
}

func distribution(binary string) func(context.Context, options, string) (*target, error) {
	return func(ctx context.Context, _ options, dir string) (*target, error) {
		return started(ctx, false, dir, "/v2/", func(addr string) (*exec.Cmd, error) {
			config := fmt.Sprintf("version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: %s}\n  delete: {enabled: true}\nhttp: {addr: %q}\n", filepath.Join(dir, "data"), addr)
			cmd := exec.CommandContext(ctx, binary, "serve", filepath.Join(dir, "config.yml"))
			cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
			return cmd, os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600)
		})
	}
}

func startCrane(ctx context.Context, o options, dir string) (*target, error) {
	return started(ctx, false, dir, "/v2/", func(addr string) (*exec.Cmd, error) {
		data := filepath.Join(dir, "data")
		return exec.CommandContext(ctx, filepath.Join(o.clients, "crane"), "registry", "serve", "--address", addr, "--disk", data), os.Mkdir(data, 0o755)
	})
}

func startZot(ctx context.Context, o options, dir string) (*target, error) {
	return started(ctx, false, dir, "/v2/", func(addr string) (*exec.Cmd, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		config, err := json.Marshal(map[string]any{
			"distSpecVersion": "1.1.1",
			"storage":         map[string]any{"rootDirectory": filepath.Join(dir, "data")},
			"http":            map[string]any{"address": host, "port": port},
			"log":             map[string]any{"level": "info"},
		})
		if err != nil {
			return nil, err
		}
		return exec.CommandContext(ctx, o.zot, "serve", filepath.Join(dir, "config.json")), os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600)
	})
}

// nginx serves the folder dir/files.
func nginx(secure bool) peer {
	return peer{"nginx", func(ctx context.Context, o options, dir string) (*target, error) {
		encryption := ""
		if secure {
			encryption = fmt.Sprintf(" ssl; ssl_protocols TLSv1.3; ssl_certificate %s; ssl_certificate_key %s", o.scratch+certificateFile, o.scratch+keyFile)
		}
		return started(ctx, secure, dir, "/", func(addr string) (*exec.Cmd, error) {
			config := fmt.Sprintf(`daemon off; user root; worker_processes 2; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush on; server { listen %[2]s%[3]s; root %[1]s/files; } }
`, dir, addr, encryption)
			if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
				return nil, err
			}
			return exec.CommandContext(ctx, "/usr/sbin/nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf")), os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600)
		})
	}}
}

// floor is this program, doing the least that could be done: see floor.go.
func floor() peer {
	return peer{"floor", func(ctx context.Context, _ options, dir string) (*target, error) {
		return started(ctx, false, dir, "/", func(addr string) (*exec.Cmd, error) {
			self, err := os.Executable()
			return exec.CommandContext(ctx, self, "floor", addr, dir), err
		})
	}}
}
