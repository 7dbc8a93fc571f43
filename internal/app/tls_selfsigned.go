package app

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
	"os"
	"path/filepath"
	"time"

	"github.com/openecr/openecr/internal/durable"
)

const (
	tlsFolder = "tls"
	// selfSignedLife is long because a new certificate must be trusted anew by every client.
	selfSignedLife  = 10 * 365 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
)

// ensureSelfSigned makes a certificate in the data folder, which is its own issuer, and keeps the one that is there as
// long as it is good for the names under which this server is reached.
func ensureSelfSigned(s Stores, publicHost string) (cert, key string, err error) {
	cert, key = filepath.Join(s.file(tlsFolder), "cert.pem"), filepath.Join(s.file(tlsFolder), "key.pem")
	if cert, err = filepath.Abs(cert); err != nil { // clients that trust it run elsewhere
		return "", "", err
	}
	hosts := []string{"localhost", "127.0.0.1", "::1", publicHost}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	if isGoodFor(cert, key, hosts) {
		return cert, key, nil
	}
	if err := makeSelfSigned(cert, key, hosts); err != nil {
		return "", "", fmt.Errorf("make a self-signed certificate: %w", err)
	}
	return cert, key, nil
}

func isGoodFor(cert, key string, hosts []string) bool {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil || time.Until(pair.Leaf.NotAfter) < selfSignedRenew {
		return false
	}
	for _, host := range hosts {
		if pair.Leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

// makeSelfSigned writes the key first: a crash in between leaves a pair that does not fit and is made again.
func makeSelfSigned(cert, key string, hosts []string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "openecr self-signed"},
		NotBefore:             time.Now().Add(-time.Hour), // clocks differ
		NotAfter:              time.Now().Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	certBytes, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := durable.MakeFolder(filepath.Dir(cert)); err != nil {
		return err
	}
	if err := writeFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyBytes})); err != nil {
		return err
	}
	return writeFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certBytes}))
}
