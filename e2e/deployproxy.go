//go:build e2e

package e2e

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A reverseProxy is a program that deploy/ has a configuration for.
type reverseProxy struct {
	name string
	// configuration turns the file in deploy/ into one for this machine: it returns what is written, by name in a folder
	// of its own. A word that is to be replaced and is not there fails the test.
	configuration func(t *testing.T, p proxySite) map[string]string
	check, run    []string // commands, in that folder
}

// proxySite is what a configuration is filled in with.
type proxySite struct {
	address     string // HOST:PORT to listen on
	backend     string // HOST:PORT of openecr
	certificate string // file: chain and key, PEM
}

var reverseProxies = []reverseProxy{
	{
		name: "nginx",
		configuration: func(t *testing.T, p proxySite) map[string]string {
			return map[string]string{
				"openecr-proxy.conf": readFile(t, "../deploy/nginx/openecr-proxy.conf"),
				"openecr.conf": replaceAll(t, readFile(t, "../deploy/nginx/openecr.conf"),
					"/etc/ssl/registry.example.com/fullchain.pem", p.certificate,
					"/etc/ssl/registry.example.com/privkey.pem", p.certificate,
					"server_name registry.example.com", "server_name "+proxyName,
					"listen 443 ", "listen "+p.address+" ",
					"127.0.0.1:8080", p.backend),
				"nginx.conf": nginxMain,
			}
		},
		check: []string{"/usr/sbin/nginx", "-t", "-p", ".", "-c", "nginx.conf"},
		run:   []string{"/usr/sbin/nginx", "-p", ".", "-c", "nginx.conf"},
	},
	{
		name: "caddy",
		configuration: func(t *testing.T, p proxySite) map[string]string {
			host, port, _ := net.SplitHostPort(p.address)
			return map[string]string{
				"Caddyfile": "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + replaceAll(t, readFile(t, "../deploy/caddy/Caddyfile"),
					"registry.example.com {", proxyName+":"+port+" {\n\tbind "+host+"\n\ttls "+p.certificate+" "+p.certificate,
					"reverse_proxy 127.0.0.1:8080", "reverse_proxy "+p.backend),
			}
		},
		check: []string{"/usr/bin/caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile"},
		run:   []string{"/usr/bin/caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"},
	},
	{
		name: "haproxy",
		configuration: func(t *testing.T, p proxySite) map[string]string {
			return map[string]string{
				"haproxy.cfg": replaceAll(t, readFile(t, "../deploy/haproxy/haproxy.cfg"),
					"bind :443 ", "bind "+p.address+" ",
					"/etc/ssl/registry.example.com.pem", p.certificate,
					"127.0.0.1:8080", p.backend),
			}
		},
		check: []string{"/usr/sbin/haproxy", "-c", "-f", "haproxy.cfg"},
		run:   []string{"/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"},
	},
}

// nginxMain is the file that Debian has around sites, for a process in the foreground with its files in one folder.
const nginxMain = `daemon off;
user root;
pid nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include openecr.conf;
}
`

// replaceAll replaces old by new, pair after pair.
func replaceAll(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q: adapt the test to it", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// start runs the proxy in front of a new server that runs as the head of the configuration says.
func (r reverseProxy) start(t *testing.T) (tlsProxy, *server) {
	t.Helper()
	folder := t.TempDir()
	p := tlsProxy{ca: filepath.Join(folder, "certificate.pem"), hosts: filepath.Join(folder, "hosts")}
	site := proxySite{address: freeAddress(t), certificate: p.ca}
	_, port, _ := net.SplitHostPort(site.address)
	p.url = "https://" + net.JoinHostPort(proxyName, port)
	must(t, os.WriteFile(p.hosts, []byte("127.0.0.1 localhost "+proxyName+"\n"), 0o644))
	writeCertificate(t, p.ca)
	s := startServer(t, "--public-url", p.url, "--trusted-proxies", "127.0.0.1")
	site.backend = s.addr
	for name, content := range r.configuration(t, site) {
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}

	check := exec.Command(r.check[0], r.check[1:]...)
	check.Dir, check.Env = folder, []string{"HOME=" + folder}
	if said, err := check.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(r.check, " "), err, said)
	}
	startListening(t, site.address, folder, r.run...)
	return p, s
}

// startListening runs a program in a folder, and returns when it listens.
func startListening(t *testing.T, address, folder string, argv ...string) {
	t.Helper()
	log := &output{}
	t.Cleanup(func() { log.show(t, argv[0]) })
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, []string{"HOME=" + folder}, log, log
	process := startProcess(t, cmd)
	waitFor(t, 30*time.Second, argv[0]+" to listen", func() bool {
		process.mustRun(t)
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
}

// writeCertificate writes a certificate for the proxy's name and its key into one file.
func writeCertificate(t *testing.T, path string) {
	t.Helper()
	certificate := selfSigned(t, proxyName)
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	must(t, err)
	var text bytes.Buffer
	must(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	must(t, pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	must(t, os.WriteFile(path, text.Bytes(), 0o600))
}
