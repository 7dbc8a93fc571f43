//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/enginetest"
)

// The fleet of deploy/compose/fleet.yaml, with its environment and its load balancer: what was pushed through all nodes is
// there when one of them is not any more.
func TestComposeFleet(t *testing.T) {
	address := freeAddress(t)
	nodes := startComposedNodes(t, "http://"+address)
	startComposedBalancer(t, address, nodes)
	s := nodes[0]
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 4, 32<<20)
	d := startDocker(t)
	d.load(t, l, made, image)
	d.login(t, aws.password(t), s.host())
	d.run(t, "push", image)
	d.run(t, "image", "rm", image)

	for _, node := range nodes[1:] {
		if n := len(node.stop()); n == 0 {
			t.Errorf("node %s got no request", node.addr)
		}
	}
	d.run(t, "pull", image)
	if got, want := d.imageID(t, image), made.config(l); got != want {
		t.Errorf("pulled image %s, pushed %s", got, want)
	}
}

// startComposedNodes runs the nodes of the file over a database and a bucket of this machine.
func startComposedNodes(t *testing.T, publicURL string) []*server {
	t.Helper()
	s3 := enginetest.S3(t)
	replaced := map[string]string{
		"OPENECR_PUBLIC_URL":      publicURL,
		"OPENECR_TRUSTED_PROXIES": "127.0.0.1",
		"OPENECR_METADATA":        enginetest.Postgres(t).Database(t),
		"OPENECR_BLOBS":           s3.Blobs(t),
		"OPENECR_MASTER_KEY":      strings.Repeat("0", 64),
	}
	for _, assignment := range s3.Env() {
		name, value, _ := strings.Cut(assignment, "=")
		replaced[name] = value
	}
	project := readCompose(t, "fleet.yaml")
	var nodes []*server
	for _, name := range []string{"node1", "node2", "node3"} {
		environment := project.Services[name].Environment
		for name, value := range replaced {
			if environment[name] == "" {
				t.Fatalf("the fleet has no %s", name)
			}
			environment[name] = value
		}
		node := newServer(t, t.TempDir())
		for name, value := range environment {
			node.env = append(node.env, name+"="+value)
		}
		nodes = append(nodes, node)
	}
	for _, node := range nodes {
		node.start()
	}
	return nodes
}

// startComposedBalancer runs nginx with the configuration of the fleet.
func startComposedBalancer(t *testing.T, address string, nodes []*server) {
	t.Helper()
	folder := t.TempDir()
	site := replaceAll(t, readFile(t, "../deploy/compose/nginx.conf"), "listen 80;", "listen "+address+";",
		"node1:8080", nodes[0].addr, "node2:8080", nodes[1].addr, "node3:8080", nodes[2].addr)
	for name, content := range map[string]string{
		"nginx.conf": nginxMain, "openecr.conf": site, "openecr-proxy.conf": readFile(t, "../deploy/nginx/openecr-proxy.conf"),
	} {
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	startListening(t, address, folder, "/usr/sbin/nginx", "-p", ".", "-c", "nginx.conf")
}
