package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// acmeFolder keeps the account key and the certificates, in files of mode 0600: a restart asks for no new ones.
const acmeFolder = "acme"

// ACME is how a certificate authority is asked for certificates (RFC 8555). It checks by TLS-ALPN-01 that clients of the
// domains come here (RFC 8737), on the port that serves; where that cannot be, by HTTP-01 on one more listener.
type ACME struct {
	Domains   []string `name:"acme-domain" help:"Host name to get a certificate for, with --tls acme. To use it is to agree to the terms of the authority." env:"OPENECR_ACME_DOMAIN" placeholder:"NAME"`
	Email     string   `name:"acme-email" help:"Where the certificate authority may write to." env:"OPENECR_ACME_EMAIL" placeholder:"ADDRESS"`
	Directory string   `name:"acme-directory" help:"Certificate authority to ask. Default: Let's Encrypt." env:"OPENECR_ACME_DIRECTORY" placeholder:"URL"`
	CA        string   `name:"acme-ca" help:"Certificates (PEM) to trust when talking to that authority." env:"OPENECR_ACME_CA" placeholder:"FILE"`
	HTTP      string   `name:"acme-http" help:"Address on which the authority may check by HTTP; it comes to port 80. Anybody else is sent to HTTPS." env:"OPENECR_ACME_HTTP" placeholder:"HOST:PORT"`
}

func (a ACME) isSet() bool {
	return len(a.Domains) > 0 || a.Email != "" || a.Directory != "" || a.CA != "" || a.HTTP != ""
}

// hostName is what an authority gives certificates for: at least two labels, no wildcard, no address.
var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
})

func (a ACME) check() error {
	if len(a.Domains) == 0 {
		return errors.New("--tls acme needs the host names to get certificates for: give --acme-domain")
	}
	for _, name := range a.Domains {
		if _, err := netip.ParseAddr(name); err == nil || !hostName().MatchString(name) {
			return fmt.Errorf("--acme-domain %q is not a host name like registry.example.com, in lower case", name)
		}
	}
	if u, err := url.Parse(a.Directory); a.Directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("--acme-directory %q must be an https:// URL", a.Directory)
	}
	return nil
}

// checkPublic refuses an address of the server that no certificate would be for.
func (a ACME) checkPublic(public *url.URL) error {
	if !slices.Contains(a.Domains, public.Hostname()) {
		return fmt.Errorf("--public-url %s is not a host of --acme-domain %s, so its clients would trust no certificate: name it there too", public, strings.Join(a.Domains, ","))
	}
	return nil
}

// host is the first domain, where clients come if nothing else is said.
func (a ACME) host(listening net.Addr) string {
	if tcp, ok := listening.(*net.TCPAddr); ok && tcp.Port != 443 {
		return fmt.Sprintf("%s:%d", a.Domains[0], tcp.Port)
	}
	return a.Domains[0]
}

// open asks for no certificate yet: the first connection to a domain does, and later ones renew it in time.
func (a ACME) open(s Stores, log *slog.Logger) (encryption, error) {
	client, err := a.client()
	if err != nil {
		return encryption{}, err
	}
	manager := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(s.file(acmeFolder)),
		HostPolicy: a.allow,
		Email:      a.Email,
		Client:     client,
	}
	e := encryption{config: manager.TLSConfig()}
	e.config.MinVersion = tls.VersionTLS12
	e.config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		certificate, err := manager.GetCertificate(hello)
		if err != nil && slices.Contains(a.Domains, strings.ToLower(hello.ServerName)) { // strangers try any name
			log.Error("there is no certificate", "domain", hello.ServerName, "error", err.Error())
		}
		return certificate, err
	}
	if a.HTTP != "" {
		e.challenges = manager.HTTPHandler(nil)
	}
	return e, nil
}

// allow takes the Host of a check over HTTP too, which has a port where that is not 80.
func (a ACME) allow(ctx context.Context, host string) error {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return autocert.HostWhitelist(a.Domains...)(ctx, host)
}

func (a ACME) client() (*acme.Client, error) {
	c := &acme.Client{DirectoryURL: cmp.Or(a.Directory, autocert.DefaultACMEDirectory), UserAgent: "openecr"}
	if a.CA == "" {
		return c, nil
	}
	content, err := os.ReadFile(a.CA)
	if err != nil {
		return nil, fmt.Errorf("--acme-ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("--acme-ca %s holds no certificate in PEM form", a.CA)
	}
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   10 * time.Second,
	}
	c.HTTPClient = &http.Client{Transport: transport}
	return c, nil
}
