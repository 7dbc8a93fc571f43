package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/telemetry"
)

// Finding is what a check has found out about one thing.
type Finding struct {
	About string // "metadata"
	Good  string // what is well, one sentence; empty when Err says what is not
	Err   error
}

// checkTimeout is how long a check waits for one store, whose driver would ride out a longer failure.
const checkTimeout = 10 * time.Second

// Check looks whether a server could start with these options and on these stores. It listens nowhere and changes
// nothing, so it may run beside a server.
func Check(ctx context.Context, c Config) []Finding {
	findings := []Finding{
		finding("options", "they fit together", c.checkOptions(ctx)),
		finding("certificate", c.encryptionText(), c.checkCertificate()),
	}
	meta, version, err := lookAtMetadata(ctx, c.Stores)
	isNew := errors.Is(err, sqlmeta.ErrNoStore)
	if isNew {
		version, err = sqlmeta.ErrNoStore.Error(), nil
	}
	findings = append(findings, finding("metadata", version, err))
	if meta != nil {
		defer meta.Close()
		text, err := checkSecrets(ctx, meta, c.Stores)
		findings = append(findings, finding("master key", text, err))
	}
	if err == nil {
		text, err := checkBlobs(ctx, c.Stores, isNew)
		findings = append(findings, finding("layers", text, err))
	}
	return findings
}

func finding(about, good string, err error) Finding {
	if err != nil {
		good = ""
	}
	return Finding{about, good, err}
}

// checkOptions is what New would refuse before it opens anything.
func (c Config) checkOptions(ctx context.Context) error {
	_, proxies := c.trustedProxies()
	_, quotas := c.quotas()
	_, rates := c.rates()
	_, public := c.publicURL()
	_, sizes := c.capacity()
	observer, traces := telemetry.New(ctx, telemetry.Options{Traces: c.Traces})
	if traces == nil {
		traces = observer.Close()
	}
	return errors.Join(c.checkRoot(), proxies, quotas, rates, public, sizes, traces, c.checkGroups())
}

// checkGroups is what groups of options can say by themselves.
func (c Config) checkGroups() error {
	return errors.Join(c.Transport.check(), c.Collection.check(), c.Protection.check(), c.Auditing.check())
}

func (c Config) encryptionText() string {
	switch {
	case c.scheme() == "http":
		return "none: the server speaks plain HTTP"
	case c.TLSCert != "":
		return c.TLSCert + " goes with its key"
	}
	return "the server gets it by itself (--tls " + c.TLS + ")"
}

// checkCertificate reads what somebody else provides.
func (c Config) checkCertificate() error {
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil
	}
	files := &certificateFiles{cert: c.TLSCert, key: c.TLSKey}
	return files.load()
}

// lookAtMetadata opens the store without changing it, and says of which version its schema is.
func lookAtMetadata(ctx context.Context, s Stores) (*sqlmeta.Store, string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	options, err := s.metadataOptions()
	if err != nil {
		return nil, "", err
	}
	if err := s.checkMasterKey(); err != nil {
		return nil, "", err
	}
	meta, schema, err := sqlmeta.Look(ctx, options)
	if err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf("schema version %d", schema.Version)
	if schema.Version < schema.Newest {
		text += fmt.Sprintf(", which a start brings to %d", schema.Newest)
	}
	return meta, text, nil
}

// checkSecrets looks whether the master key opens what is sealed in the metadata.
func checkSecrets(ctx context.Context, meta registry.Meta, s Stores) (string, error) {
	sealed, err := registry.FindSetting(ctx, meta, tokenKeySetting)
	if errors.Is(err, registry.ErrAbsent) {
		return "nothing is sealed yet", nil
	}
	if err != nil {
		return "", err
	}
	master, err := masterKey(ctx, meta, s)
	if err != nil {
		return "", err
	}
	sealer, err := auth.NewSealer(master)
	if err == nil {
		_, err = openKey(sealer, tokenKeySetting, sealed)
	}
	return "it opens the secrets", err
}

// checkBlobs looks where the layers are. A folder is made by the first start; afterwards it must be there.
func checkBlobs(ctx context.Context, s Stores, isNew bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	bucket, ok, err := s.bucket()
	if err != nil {
		return "", err
	}
	if ok {
		blobs, err := blobs3.Open(ctx, bucket)
		if err != nil {
			return "", err
		}
		return "bucket " + bucket.Bucket + " answers", blobs.Close()
	}
	path, err := s.blobsPath()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && isNew:
		return "folder " + path + " is made by the first start", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is metadata but no folder %s: mount it, or say with --blobs where the layers are", path)
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is no folder", path)
	}
	return "folder " + path + " is there", nil
}
