package main

import (
	"crypto/x509"
	"os"
	"slices"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// A container made of this binary alone has no certificate authorities, and S3, PostgreSQL and certificate authorities are
// reached over TLS. Roots of our own are used where the system has none: Go itself looks at that once more, so where
// hasRoots does not know the place they are only read in vain.
func init() {
	if !hasRoots() {
		x509.SetFallbackRoots(ownRoots())
	}
}

// hasRoots says whether the system surely has certificate authorities. To ask is quicker than to read ours, and they
// would be read by every command.
func hasRoots() bool {
	places := []string{
		"/etc/ssl/certs/ca-certificates.crt", // Debian
		"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
		"/etc/ssl/cert.pem",                  // Alpine
	}
	if chosen := os.Getenv("SSL_CERT_FILE"); chosen != "" {
		places = []string{chosen}
	}
	return slices.ContainsFunc(places, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.Mode().IsRegular() && info.Size() > 0
	})
}

func ownRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			panic(err) // the binary was built with something else
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
		} else {
			pool.AddCertWithConstraint(certificate, root.Constraint)
		}
	}
	return pool
}
