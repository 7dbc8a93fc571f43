package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Transport is how connections are encrypted.
type Transport struct {
	TLS     string `name:"tls" help:"self-signed: serve HTTPS with a certificate that openecr makes in the data folder. acme: with one that it gets from a certificate authority." enum:",self-signed,acme" default:"" env:"OPENECR_TLS" placeholder:"self-signed|acme"`
	TLSCert string `name:"tls-cert" help:"Serve HTTPS with this certificate chain (PEM). It is read again when it changes." env:"OPENECR_TLS_CERT" placeholder:"FILE"`
	TLSKey  string `name:"tls-key" help:"Private key of --tls-cert (PEM)." env:"OPENECR_TLS_KEY" placeholder:"FILE"`
	ACME    `embed:""`
}

// The values of --tls.
const (
	tlsSelfSigned = "self-signed"
	tlsACME       = "acme"
)

func (t Transport) check() error {
	switch {
	case (t.TLSCert == "") != (t.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together: give both or neither")
	case t.TLS != "" && t.TLSCert != "":
		return fmt.Errorf("--tls %s brings a certificate of its own: give either that or --tls-cert with --tls-key", t.TLS)
	case t.TLS == tlsACME:
		return t.ACME.check()
	case t.ACME.isSet():
		return errors.New("the options --acme-… are for --tls acme: give that too")
	}
	return nil
}

// scheme of the URLs under which clients come, unless a proxy stands before the server.
func (t Transport) scheme() string {
	if t.TLS == "" && t.TLSCert == "" {
		return "http"
	}
	return "https"
}

// host under which clients come, unless --public-url says another.
func (t Transport) host(listening net.Addr) string {
	if t.TLS == tlsACME {
		return t.ACME.host(listening)
	}
	return reachable(listening)
}

// encryption is what the transport options come to.
type encryption struct {
	config     *tls.Config  // nil when connections are not encrypted
	trust      string       // file: the certificate that clients must be told to trust; empty when they know its issuer
	challenges http.Handler // of a certificate authority, over HTTP; nil when there are none
}

func (c Config) openTLS(public *url.URL, log *slog.Logger) (encryption, error) {
	switch {
	case c.scheme() == "http":
		return encryption{}, nil
	case c.TLS == tlsACME:
		if err := c.ACME.checkPublic(public); err != nil {
			return encryption{}, err
		}
		return c.ACME.open(c.Stores, log)
	}
	files := &certificateFiles{cert: c.TLSCert, key: c.TLSKey, log: log}
	var e encryption
	var err error
	if c.TLS == tlsSelfSigned {
		if files.cert, files.key, err = ensureSelfSigned(c.Stores, public.Hostname()); err != nil {
			return encryption{}, err
		}
		if e.trust, err = filepath.Abs(files.cert); err != nil { // clients are elsewhere
			return encryption{}, err
		}
	}
	if err := files.load(); err != nil {
		return encryption{}, err
	}
	e.config = &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}
	return e, nil
}

// recheck is how often the files of a certificate are looked at, at most.
const recheck = time.Second

// certificateFiles is a certificate that somebody else renews. Handshakes look whether it has changed; what cannot be
// read then is logged once, and the certificate that was there goes on.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   stamp // of the files when they were last read, with or without success
	checked time.Time
}

// stamp tells one state of the two files from another.
type stamp struct {
	certTime, keyTime time.Time
	certSize, keySize int64
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.checked) >= recheck {
		f.checked = now
		if f.stampFiles() != f.stamp {
			if err := f.load(); err != nil {
				f.log.Error("the changed certificate is not used", "error", err.Error())
			} else {
				f.log.Info("the certificate has changed", "file", f.cert)
			}
		}
	}
	return f.current, nil
}

func (f *certificateFiles) load() error {
	f.stamp = f.stampFiles()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s cannot be used: %w", f.cert, f.key, err)
	}
	f.current = &pair
	return nil
}

// stampFiles leaves zero what is not there: reading it gives the reason.
func (f *certificateFiles) stampFiles() (s stamp) {
	if info, err := os.Stat(f.cert); err == nil {
		s.certTime, s.certSize = info.ModTime(), info.Size()
	}
	if info, err := os.Stat(f.key); err == nil {
		s.keyTime, s.keySize = info.ModTime(), info.Size()
	}
	return s
}
