package app

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/sqlmeta"
)

// Stores says where the data is. Every command that touches data takes these options. The tags are kong's: each option
// is a flag and an environment variable.
type Stores struct {
	Data     string `help:"Folder for everything openecr keeps: metadata, layers, credentials, keys." default:"./openecr-data" env:"OPENECR_DATA" placeholder:"DIR"`
	Metadata string `help:"Where metadata is kept: sqlite:PATH, or postgres://USER@HOST:PORT/DATABASE with the password in it or in PGPASSWORD. Default: openecr.db in the data folder." env:"OPENECR_METADATA" placeholder:"URL"`
	Replica  string `name:"metadata-replica" help:"A streaming standby of the PostgreSQL in --metadata that serves pulls: postgres://… What it lacks is asked of the primary." env:"OPENECR_METADATA_REPLICA" placeholder:"URL"`
	Blobs    string `help:"Where layers are kept: file:PATH, or s3://BUCKET/PREFIX?endpoint=URL&region=REGION with credentials from the AWS configuration or from OPENECR_S3_ACCESS_KEY_ID and OPENECR_S3_SECRET_ACCESS_KEY. Default: blobs in the data folder." env:"OPENECR_BLOBS" placeholder:"URL"`
	// MasterKey comes by environment only in practice: a flag would show it to everybody who may list processes.
	MasterKey string `hidden:"" env:"OPENECR_MASTER_KEY"`
	S3Keys    `embed:""`
	Auditing  `embed:""`
	// ConfigFile is read by cmd/openecr, which sets from it what flags and environment leave open.
	ConfigFile string `name:"config" help:"YAML file that sets options of openecr serve, under the names of the flags. Flags and environment are stronger." env:"OPENECR_CONFIG" placeholder:"FILE"`
}

// Config is all that `openecr serve` can be told.
type Config struct {
	Stores         `embed:""`
	Addr           string   `help:"Address to listen on. Port 0 takes a free one." default:"127.0.0.1:8080" env:"OPENECR_ADDR" placeholder:"HOST:PORT"`
	PublicURL      string   `name:"public-url" help:"Address under which clients reach openecr, when that is not --addr: it is what repository URIs, token realms and upload locations are made from." env:"OPENECR_PUBLIC_URL" placeholder:"URL"`
	TrustedProxies []string `help:"Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Host are believed." env:"OPENECR_TRUSTED_PROXIES" placeholder:"CIDR"`
	AdminAddr      string   `help:"Address for health checks, metrics and profiles; keep it private. Empty: none." default:"127.0.0.1:8081" env:"OPENECR_ADMIN_ADDR" placeholder:"HOST:PORT"`
	StrictRegion   bool     `help:"Refuse API calls signed for another region than us-east-1, as the real service does." env:"OPENECR_STRICT_REGION"`
	Limits         `embed:""`
	Access         `embed:""`
	Protection     `embed:""`
	Transport      `embed:""`
	Collection     `embed:""`
	Overload       `embed:""`
	Operating      `embed:""`
	// What fixes the root account instead of drawing it at the first start.
	AccountID       string `hidden:"" env:"OPENECR_ACCOUNT_ID"`
	Alias           string `hidden:"" env:"OPENECR_ALIAS"`
	AccessKeyID     string `hidden:"" env:"OPENECR_ACCESS_KEY_ID"`
	SecretAccessKey string `hidden:"" env:"OPENECR_SECRET_ACCESS_KEY"`
	// Version is what `openecr version` prints; it is not an option.
	Version string `kong:"-"`
}

// file is a path inside the data folder.
func (s Stores) file(name string) string { return filepath.Join(s.Data, name) }

// onPostgres is a registry that any number of nodes may serve.
func (s Stores) onPostgres() bool {
	return strings.HasPrefix(s.Metadata, "postgres://") || strings.HasPrefix(s.Metadata, "postgresql://")
}

// metadataOptions are where the metadata is. Errors do not repeat a URL, because a password may be in it.
func (s Stores) metadataOptions() (sqlmeta.Options, error) {
	if s.onPostgres() {
		return sqlmeta.Options{URL: s.Metadata, Replica: s.Replica}, nil
	}
	if s.Replica != "" {
		return sqlmeta.Options{}, errors.New("--metadata-replica goes with metadata in PostgreSQL only: leave it out, or name its primary with --metadata")
	}
	if s.Metadata == "" {
		return sqlmeta.Options{Path: s.file("openecr.db")}, nil
	}
	path, ok := strings.CutPrefix(s.Metadata, "sqlite:")
	if !ok || path == "" {
		return sqlmeta.Options{}, errors.New("--metadata is neither sqlite:PATH nor postgres://USER@HOST:PORT/DATABASE: write one of them")
	}
	return sqlmeta.Options{Path: path}, nil
}

// alone says that only this process changes the metadata: they are in the data folder, which it has locked.
func (s Stores) alone() bool { return s.Metadata == "" }

// checkMasterKey refuses a fleet whose nodes would each seal with a key of their own.
func (s Stores) checkMasterKey() error {
	if s.onPostgres() && s.MasterKey == "" {
		return errors.New("metadata in PostgreSQL needs OPENECR_MASTER_KEY, the same for every node and command: make one with `openssl rand -base64 32` and keep it safe, because it seals the secrets in the database")
	}
	return nil
}

// blobsPath is the folder for layers, where they are not in a bucket.
func (s Stores) blobsPath() (string, error) {
	if s.Blobs == "" {
		return s.file("blobs"), nil
	}
	path, ok := strings.CutPrefix(s.Blobs, "file:")
	if !ok || path == "" {
		return "", fmt.Errorf("--blobs %q is not supported: write file:PATH or s3://BUCKET/PREFIX", s.Blobs)
	}
	return path, nil
}

// publicURL checks --public-url. It is nil when the option is not given.
func (c Config) publicURL() (*url.URL, error) {
	if c.PublicURL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("--public-url %q must be http:// or https:// with a host and nothing after it, because docker has no place for a path", c.PublicURL)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// trustedProxies are the networks of --trusted-proxies.
func (c Config) trustedProxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, s := range c.TrustedProxies {
		if addr, err := netip.ParseAddr(s); err == nil {
			networks = append(networks, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %q is neither an IP address nor a network like 10.0.0.0/8", s)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// checkRoot refuses credentials from the environment that could not be used.
func (c Config) checkRoot() error {
	if c.AccountID != "" {
		if _, err := ref.ParseAccountID(c.AccountID); err != nil {
			return fmt.Errorf("OPENECR_ACCOUNT_ID: %w", err)
		}
	}
	if c.Alias != "" {
		if _, err := ref.ParseAlias(c.Alias); err != nil {
			return fmt.Errorf("OPENECR_ALIAS: %w", err)
		}
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		return fmt.Errorf("OPENECR_ACCESS_KEY_ID and OPENECR_SECRET_ACCESS_KEY go together: set both or neither")
	}
	if strings.ContainsAny(c.AccessKeyID, " \t\r\n/,=") || strings.ContainsAny(c.SecretAccessKey, " \t\r\n") {
		return fmt.Errorf("OPENECR_ACCESS_KEY_ID is letters and digits, and OPENECR_SECRET_ACCESS_KEY has no white space")
	}
	return nil
}
