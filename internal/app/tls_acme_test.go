package app

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACMEOptionsThatDoNotFit(t *testing.T) {
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(noCertificate, []byte("not a certificate"), 0o600))
	domain := []string{"registry.example.com"}
	for name, test := range map[string]struct {
		Config
		text string
	}{
		"no domain":           {Config{}, "--tls acme needs the host names to get certificates for: give --acme-domain"},
		"an address":          {Config{Transport: Transport{ACME: ACME{Domains: []string{"192.0.2.7"}}}}, `--acme-domain "192.0.2.7" is not a host name`},
		"a wildcard":          {Config{Transport: Transport{ACME: ACME{Domains: []string{"*.example.com"}}}}, `--acme-domain "*.example.com" is not a host name`},
		"a single label":      {Config{Transport: Transport{ACME: ACME{Domains: []string{"localhost"}}}}, `--acme-domain "localhost" is not a host name`},
		"a name with a port":  {Config{Transport: Transport{ACME: ACME{Domains: []string{"a.example.com:443"}}}}, "is not a host name"},
		"a plain directory":   {Config{Transport: Transport{ACME: ACME{Domains: domain, Directory: "http://ca.test/dir"}}}, `--acme-directory "http://ca.test/dir" must be an https:// URL`},
		"no such file":        {Config{Transport: Transport{ACME: ACME{Domains: domain, CA: noCertificate + "x"}}}, "--acme-ca: open "},
		"no certificate":      {Config{Transport: Transport{ACME: ACME{Domains: domain, CA: noCertificate}}}, "holds no certificate in PEM form"},
		"another address":     {Config{PublicURL: "https://other.example.com", Transport: Transport{ACME: ACME{Domains: domain}}}, "--public-url https://other.example.com is not a host of --acme-domain registry.example.com"},
		"a certificate too":   {Config{Transport: Transport{TLSCert: "c", TLSKey: "k", ACME: ACME{Domains: domain}}}, "--tls acme brings a certificate of its own"},
		"an address in use":   {Config{Transport: Transport{ACME: ACME{Domains: domain, HTTP: "256.0.0.1:1"}}}, "--acme-http 256.0.0.1:1 cannot be listened on"},
		"without --tls acme":  {Config{Transport: Transport{TLS: tlsSelfSigned, ACME: ACME{Domains: domain}}}, "the options --acme-… are for --tls acme"},
		"e-mail without acme": {Config{Transport: Transport{TLS: tlsSelfSigned, ACME: ACME{Email: "a@example.com"}}}, "the options --acme-… are for --tls acme"},
	} {
		t.Run(name, func(t *testing.T) {
			c := test.Config
			c.Data, c.Addr = t.TempDir(), "127.0.0.1:0"
			if c.TLS == "" {
				c.TLS = tlsACME
			}
			_, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %q", err, test.text)
			}
		})
	}
}

func TestPublicAddressIsTheFirstDomain(t *testing.T) {
	a := ACME{Domains: []string{"registry.example.com", "other.example.com"}}
	for port, want := range map[int]string{443: "registry.example.com", 8443: "registry.example.com:8443"} {
		if got := a.host(&net.TCPAddr{Port: port}); got != want {
			t.Errorf("on port %d it is %s, want %s", port, got, want)
		}
	}
}

// An authority that does not answer is told to the operator; names of strangers are not.
func TestNoCertificateIsLoggedForDomainsAlone(t *testing.T) {
	log := new(logBuffer)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, nobody.Close())
	a := ACME{Domains: []string{"registry.example.com"}, Directory: "https://" + nobody.Addr().String() + "/dir"}
	e, err := a.open(Stores{Data: t.TempDir()}, slog.New(slog.NewJSONHandler(log, nil)))
	must(t, err)
	for _, name := range []string{"stranger.example.com", "", "registry.example.com"} {
		if c, err := e.config.GetCertificate(&tls.ClientHelloInfo{ServerName: name}); err == nil {
			t.Errorf("%q has a certificate: %v", name, c)
		}
	}
	if text := log.String(); strings.Count(text, "there is no certificate") != 1 || !strings.Contains(text, `"domain":"registry.example.com"`) {
		t.Errorf("the log says %s", text)
	}
}

func TestPlainRequestsAreSentToHTTPS(t *testing.T) {
	r := serve(t, Config{Stores: Stores{Data: t.TempDir()}, Addr: "127.0.0.1:0", Transport: Transport{TLS: tlsACME, ACME: ACME{Domains: []string{"registry.example.com"}, HTTP: "127.0.0.1:0"}}})
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(c.CloseIdleConnections)
	for path, want := range map[string]string{"/v2/": "https://127.0.0.1:443/v2/", "/.well-known/acme-challenge/guess": ""} {
		answer := get(t, c, "http://"+r.challengeLis.Addr().String()+path)
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("%s: %s to %q, want %q", path, answer.Status, got, want)
		}
	}
}
