package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// trusting is a client that knows only that certificate.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatalf("%s holds no certificate", file)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(t *testing.T, c *http.Client, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	must(t, err)
	answer, err := c.Do(r)
	must(t, err)
	must(t, answer.Body.Close())
	return answer
}

func TestSelfSignedCertificateIsKept(t *testing.T) {
	data := t.TempDir()
	var first []byte
	for range 2 {
		r := serve(t, Config{Stores: Stores{Data: data}, Addr: "127.0.0.1:0", Transport: Transport{TLS: "self-signed"}})
		info := r.Info()
		if !strings.HasPrefix(info.URL, "https://127.0.0.1:") {
			t.Errorf("the URL is %s", info.URL)
		}
		c := trusting(t, info.Certificate)
		if answer := get(t, c, info.URL+"/healthz"); answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
			t.Errorf("answer is %s over %s, want 200 over HTTP/2", answer.Status, answer.Proto)
		}
		realm := get(t, c, info.URL+"/v2/").Header.Get("Www-Authenticate")
		if !strings.Contains(realm, `realm="`+info.URL+`/token"`) {
			t.Errorf("the challenge is %s", realm)
		}
		get(t, c, strings.Replace(info.URL, "127.0.0.1", "localhost", 1)+"/healthz")
		content, err := os.ReadFile(info.Certificate)
		must(t, err)
		if first != nil && !bytes.Equal(first, content) {
			t.Error("the second start made another certificate: clients would have to trust it anew")
		}
		first = content
		key, err := os.Stat(filepath.Join(data, tlsFolder, "key.pem"))
		must(t, err)
		if key.Mode().Perm() != fs.FileMode(0o600) {
			t.Errorf("the key has mode %v", key.Mode())
		}
		c.CloseIdleConnections()
		r.stop()
		must(t, r.wait())
	}
}

func TestSelfSignedCertificateFollowsTheHost(t *testing.T) {
	s := Stores{Data: t.TempDir()}
	cert, key, err := ensureSelfSigned(s, "127.0.0.1")
	must(t, err)
	if isGoodFor(cert, key, []string{"registry.test"}) {
		t.Error("the certificate is good for a host that nobody named")
	}
	cert, key, err = ensureSelfSigned(s, "registry.test")
	must(t, err)
	if !isGoodFor(cert, key, []string{"registry.test", "localhost", "::1"}) {
		t.Error("the certificate is not good for the host")
	}
	must(t, os.WriteFile(key, []byte("half a ke"), 0o600))
	cert, key, err = ensureSelfSigned(s, "registry.test")
	must(t, err)
	if !isGoodFor(cert, key, []string{"registry.test"}) {
		t.Error("a broken pair was not made again")
	}
}

// newPair makes a certificate for a host.
func newPair(t *testing.T, host string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	must(t, makeSelfSigned(cert, key, []string{host}))
	return cert, key
}

func TestCertificateFilesAreReadAgain(t *testing.T) {
	cert, key := newPair(t, "first.test")
	log := new(logBuffer)
	f := &certificateFiles{cert: cert, key: key, log: slog.New(slog.NewJSONHandler(log, nil))}
	must(t, f.load())
	expect := func(host string) {
		t.Helper()
		f.checked = time.Time{}
		got, err := f.get(nil)
		must(t, err)
		if err := got.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	expect("first.test")
	must(t, os.WriteFile(cert, []byte("not a certificate"), 0o600))
	expect("first.test")
	expect("first.test")
	if n := strings.Count(log.String(), "the changed certificate is not used"); n != 1 {
		t.Errorf("the broken certificate is complained of %d times, want once", n)
	}
	must(t, os.Remove(cert))
	expect("first.test")
	second, secondKey := newPair(t, "second.test")
	must(t, os.Rename(secondKey, key))
	must(t, os.Rename(second, cert))
	expect("second.test")
	if got, err := f.get(nil); err != nil || got == nil { // in the same second: no look at the files
		t.Error(err)
	}
}

func TestTransportOptionsThatDoNotFit(t *testing.T) {
	cert, key := newPair(t, "a.test")
	_, other := newPair(t, "b.test")
	for name, test := range map[string]struct {
		Transport
		text string
	}{
		"a certificate without a key": {Transport{TLSCert: cert}, "--tls-cert and --tls-key go together"},
		"a key without a certificate": {Transport{TLSKey: key}, "--tls-cert and --tls-key go together"},
		"both ways at once":           {Transport{TLS: "self-signed", TLSCert: cert, TLSKey: key}, "--tls self-signed brings a certificate of its own"},
		"another key":                 {Transport{TLSCert: cert, TLSKey: other}, "cannot be used: tls: private key does not match public key"},
		"no such file":                {Transport{TLSCert: cert, TLSKey: key + "x"}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Config{Stores: Stores{Data: t.TempDir()}, Addr: "127.0.0.1:0", Transport: test.Transport}, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %q", err, test.text)
			}
		})
	}
}
