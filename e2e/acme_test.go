//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const acmeName = "acme.openecr.test"

// An authority is pebble, Let's Encrypt's ACME server for tests, which finds every domain on this machine.
type authority struct {
	directory string // URL
	ca        string // file: the certificates to trust to talk to it
	address   string
	roots     string // URL of the certificate that its certificates lead to
	process   *process
}

// newAuthority takes ports, but does not run yet: openecr and pebble each have to know the other's.
func newAuthority(t *testing.T) *authority {
	t.Helper()
	address, management := freeAddress(t), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	return &authority{
		directory: "https://localhost:" + port + "/dir",
		ca:        filepath.Join(t.TempDir(), "ca.pem"),
		address:   address,
		roots:     "https://" + strings.Replace(management, "127.0.0.1", "localhost", 1) + "/roots/0",
	}
}

// prepare writes the certificate of the authority's own address, and returns the files of it and its key.
func (a *authority) prepare(t *testing.T) (cert, key string) {
	t.Helper()
	certificate := selfSigned(t, "localhost")
	private, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	must(t, err)
	key = filepath.Join(filepath.Dir(a.ca), "key.pem")
	must(t, os.WriteFile(a.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return a.ca, key
}

// start runs the authority, which checks domains on these ports.
func (a *authority) start(t *testing.T, cert, key string, tlsPort, httpPort int) {
	t.Helper()
	dir := filepath.Dir(a.ca)
	config, hosts := filepath.Join(dir, "pebble.json"), filepath.Join(dir, "hosts")
	management := strings.TrimSuffix(strings.TrimPrefix(a.roots, "https://"), "/roots/0")
	must(t, os.WriteFile(config, toJSON(t, map[string]any{"pebble": map[string]any{
		"listenAddress": a.address, "managementListenAddress": management,
		"certificate": cert, "privateKey": key, "tlsPort": tlsPort, "httpPort": httpPort,
	}}), 0o600))
	must(t, os.WriteFile(hosts, []byte("127.0.0.1 localhost "+acmeName+"\n"), 0o644))
	pebble := newClient(t, "pebble").with("PEBBLE_VA_NOSLEEP=1").withHosts(hosts)
	cmd := exec.Command(pebble.argv[0], append(pebble.argv[1:], "-config", config)...)
	log := &output{}
	cmd.Env, cmd.Stdout, cmd.Stderr = pebble.env, log, log
	t.Cleanup(func() { log.show(t, "pebble") })
	a.process = startProcess(t, cmd)
	waitFor(t, 30*time.Second, "pebble to accept connections", func() bool {
		a.process.mustRun(t)
		return strings.Contains(log.text(), "ACME directory available at")
	})
}

// trusted are the certificates of the authority's root, which is made at each start.
func (a *authority) trusted(t *testing.T) *x509.CertPool {
	t.Helper()
	own, err := os.ReadFile(a.ca)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	answer, err := client.Get(a.roots)
	must(t, err)
	defer answer.Body.Close()
	root, err := io.ReadAll(answer.Body)
	must(t, err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatalf("pebble says its root is %s", root)
	}
	return roots
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", address)
	must(t, err)
	return tcp.Port
}

// newACMEServer is a server that will ask the authority for a certificate.
func newACMEServer(t *testing.T, a *authority, options ...string) *server {
	t.Helper()
	return startServer(t, append([]string{"--tls", "acme", "--acme-domain", acmeName, "--acme-email", "owner@openecr.test",
		"--acme-directory", a.directory, "--acme-ca", a.ca}, options...)...)
}

// certificate asks for /v2/ as a client that trusts the authority, and returns what the server proved itself with.
func (s *server) certificate(t *testing.T, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.addr)
		},
	}
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Get(s.url + "/v2/")
	must(t, err)
	answer.Body.Close()
	if realm := answer.Header.Get("Www-Authenticate"); answer.StatusCode != http.StatusUnauthorized || !strings.Contains(realm, `realm="https://`+acmeName) {
		t.Errorf("/v2/ answers %s, %s", answer.Status, realm)
	}
	return answer.TLS.PeerCertificates[0]
}

// The certificate is got on the port that serves, kept in the data folder, and used again without the authority.
func TestACME(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.prepare(t)
	s := newACMEServer(t, a)
	if want := fmt.Sprintf("https://%s:%d", acmeName, portOf(t, s.addr)); s.url != want {
		t.Fatalf("the URL is %s, want %s", s.url, want)
	}
	a.start(t, cert, key, portOf(t, s.addr), portOf(t, freeAddress(t)))
	roots := a.trusted(t)
	first := s.certificate(t, roots)
	must(t, first.VerifyHostname(acmeName))

	if _, err := tls.Dial("tcp", s.addr, &tls.Config{ServerName: "other.openecr.test", RootCAs: roots}); err == nil {
		t.Error("the server has a certificate for a name that nobody gave it")
	}
	a.process.kill(t)
	s.restart()
	if again := s.certificate(t, roots); !bytes.Equal(first.Raw, again.Raw) {
		t.Error("after a restart the certificate is another")
	}
	folder := filepath.Join(s.data, "acme")
	must(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	}))
}

// Where the authority cannot come to the port that serves, it checks over HTTP.
func TestACMEOverHTTP(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.prepare(t)
	plain := freeAddress(t)
	s := newACMEServer(t, a, "--acme-http", plain)
	a.start(t, cert, key, portOf(t, freeAddress(t)), portOf(t, plain))
	must(t, s.certificate(t, a.trusted(t)).VerifyHostname(acmeName))
}

// An authority that does not answer is in the log, with the domain.
func TestACMEWithoutItsAuthority(t *testing.T) {
	a := newAuthority(t)
	a.prepare(t)
	s := newACMEServer(t, a)
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{ServerName: acmeName, InsecureSkipVerify: true}); err == nil {
		t.Error("there is a certificate")
	}
	s.stop()
	for text := range strings.Lines(s.log.text()) {
		var line struct{ Msg, Level, Domain, Error string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "there is no certificate" {
			if line.Level != "ERROR" || line.Domain != acmeName || line.Error == "" {
				t.Errorf("the log says %s", text)
			}
			return
		}
	}
	t.Error("the log does not say why there is no certificate")
}
