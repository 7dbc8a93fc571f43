//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// proxyName is a host name that only the tests' hosts file knows.
const proxyName = "registry.openecr.test"

// A tlsProxy ends TLS in front of a server, under another host name and port, and says so in the X-Forwarded headers.
type tlsProxy struct {
	url   string // https://registry.openecr.test:PORT
	ca    string // file: the certificate to trust
	hosts string // file: an /etc/hosts that knows the proxy's name
}

// startTLSProxy returns a proxy and the server behind it, which knows itself by the proxy's URL.
func startTLSProxy(t *testing.T) (tlsProxy, *server) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	dir := t.TempDir()
	p := tlsProxy{
		url:   fmt.Sprintf("https://%s:%d", proxyName, listener.Addr().(*net.TCPAddr).Port),
		ca:    filepath.Join(dir, "ca.pem"),
		hosts: filepath.Join(dir, "hosts"),
	}
	must(t, os.WriteFile(p.hosts, []byte("127.0.0.1 localhost "+proxyName+"\n"), 0o644))
	certificate := selfSigned(t, proxyName)
	must(t, os.WriteFile(p.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o644))

	s := startServer(t, "--public-url", p.url, "--trusted-proxies", "127.0.0.0/8")
	backend := &url.URL{Scheme: "http", Host: s.addr}
	proxy := &http.Server{
		Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.SetXForwarded()
		}},
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = proxy.ServeTLS(listener, "", "") }() // ends with Close
	t.Cleanup(func() { proxy.Close() })
	return p, s
}

// client is the tool on a machine that knows the proxy's name and trusts its certificate.
func (p tlsProxy) client(c tool) tool {
	return c.withHosts(p.hosts).with("SSL_CERT_FILE="+p.ca, "AWS_CA_BUNDLE="+p.ca)
}

// selfSigned is a certificate for a host that is its own authority.
func selfSigned(t *testing.T, host string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: host},
		DNSNames:              []string{host},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
