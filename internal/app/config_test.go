package app

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const someSecret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"

func TestMistakesAreOneClearSentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	busy := taken.Addr().String()
	for _, c := range []struct {
		name    string
		mistake func(*Config)
		want    string
	}{
		{"account id", func(c *Config) { c.AccountID = "1234" }, `OPENECR_ACCOUNT_ID: `},
		{"alias", func(c *Config) { c.Alias = "Has Space" }, `OPENECR_ALIAS: `},
		{"alias that routing needs", func(c *Config) { c.Alias = "v2" }, `OPENECR_ALIAS: `},
		{"key without secret", func(c *Config) { c.AccessKeyID = "AKIA" },
			"OPENECR_ACCESS_KEY_ID and OPENECR_SECRET_ACCESS_KEY go together: set both or neither"},
		{"secret without key", func(c *Config) { c.SecretAccessKey = someSecret },
			"OPENECR_ACCESS_KEY_ID and OPENECR_SECRET_ACCESS_KEY go together: set both or neither"},
		{"key that ends a line", func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "AKIA\nx", someSecret },
			"OPENECR_ACCESS_KEY_ID is letters and digits, and OPENECR_SECRET_ACCESS_KEY has no white space"},
		{"key that cannot stand in a signature", func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "A/B", someSecret },
			"OPENECR_ACCESS_KEY_ID is letters and digits, and OPENECR_SECRET_ACCESS_KEY has no white space"},
		{"secret with white space", func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "AKIA", "a b" },
			"OPENECR_ACCESS_KEY_ID is letters and digits, and OPENECR_SECRET_ACCESS_KEY has no white space"},
		{"proxy", func(c *Config) { c.TrustedProxies = []string{"10.0.0.1", "proxy.example"} },
			`--trusted-proxies: "proxy.example" is neither an IP address nor a network like 10.0.0.0/8`},
		{"metadata", func(c *Config) { c.Metadata = "mysql://db" }, "--metadata is neither sqlite:PATH nor postgres://USER@HOST:PORT/DATABASE: write one of them"},
		{"metadata without path", func(c *Config) { c.Metadata = "sqlite:" }, "--metadata is neither sqlite:PATH nor postgres://USER@HOST:PORT/DATABASE: write one of them"},
		{"PostgreSQL without a master key", func(c *Config) { c.Metadata = "postgres://db/openecr" }, "metadata in PostgreSQL needs OPENECR_MASTER_KEY, the same for every node and command: make one with `openssl rand -base64 32` and keep it safe, because it seals the secrets in the database"},
		{"PostgreSQL of another form", func(c *Config) {
			c.Metadata, c.MasterKey = "postgres://openecr:se%cret@db/openecr", strings.Repeat("ab", 32)
		}, "metadata store postgres://…: the URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE, special characters in the password as %XX"},
		{"replica of SQLite", func(c *Config) { c.Replica = "postgres://db" }, "--metadata-replica goes with metadata in PostgreSQL only: leave it out, or name its primary with --metadata"},
		{"blobs", func(c *Config) { c.Blobs = "/var/blobs" }, `--blobs "/var/blobs" is not supported: write file:PATH or s3://BUCKET/PREFIX`},
		{"bucket with a parameter that is not known", func(c *Config) { c.Blobs = "s3://layers?regoin=x" }, `--blobs: parameter regoin: it is not known: write endpoint, region, path-style, redirect, sse, sse-kms-key, ca or buffers`},
		{"half a key for the bucket", func(c *Config) { c.Blobs, c.S3AccessKeyID = "s3://layers", "id" }, "OPENECR_S3_ACCESS_KEY_ID and OPENECR_S3_SECRET_ACCESS_KEY go together: set both or neither"},
		{"master key", func(c *Config) { c.MasterKey = "short" }, "OPENECR_MASTER_KEY: a master key must be 32 bytes, written as 64 hex digits or in base64"},
		{"port taken", func(c *Config) { c.Addr = busy }, "--addr " + busy + " is taken by another program: stop that one or choose another address"},
		{"admin port taken", func(c *Config) { c.AdminAddr = busy }, "--admin-addr " + busy + " is taken by another program: stop that one or choose another address"},
		{"no port", func(c *Config) { c.Addr = "localhost" }, "--addr localhost cannot be listened on: "},
		{"public URL without scheme", func(c *Config) { c.PublicURL = "registry.example:443" }, `--public-url "registry.example:443" must be http:// or https:// with a host and nothing after it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := newConfig(t)
			c.mistake(&config)
			got := refusal(t, config)
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, someSecret) {
				t.Errorf("the secret is told: %s", got)
			}
			for _, file := range []string{CredentialsFile, infoFile} {
				if _, err := os.Stat(config.file(file)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s was made", file)
				}
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://registry.example":         "https://registry.example",
		"http://registry.example:8080/":    "http://registry.example:8080",
		"https://[2001:db8::1]:5000":       "https://[2001:db8::1]:5000",
		"https://registry.example/path":    "",
		"https://registry.example?a=b":     "",
		"https://registry.example#part":    "",
		"https://user:pw@registry.example": "",
		"ftp://registry.example":           "",
		"https://":                         "",
		"https://:8080":                    "",
		"//registry.example":               "",
		"registry.example":                 "",
		"https://registry.example:port":    "",
		"https:registry.example":           "",
	} {
		u, err := Config{PublicURL: in}.publicURL()
		switch {
		case want == "" && err == nil:
			t.Errorf("%s is taken as %s", in, u)
		case want != "" && (err != nil || u.String() != want):
			t.Errorf("%s: %v, %v", in, u, err)
		}
	}
	if u, err := (Config{}).publicURL(); u != nil || err != nil {
		t.Errorf("none given: %v, %v", u, err)
	}
}

func TestTrustedProxies(t *testing.T) {
	got, err := Config{TrustedProxies: []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::1", "2001:db8::/32"}}.trustedProxies()
	want := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"),
		netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("2001:db8::/32"),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestStoresLieWhereTheyAreToldTo(t *testing.T) {
	c := newConfig(t)
	elsewhere := t.TempDir()
	c.Metadata, c.Blobs = "sqlite:"+filepath.Join(elsewhere, "meta.db"), "file:"+filepath.Join(elsewhere, "layers")
	openClose(t, c)
	for _, name := range []string{"meta.db", "layers"} {
		if _, err := os.Stat(filepath.Join(elsewhere, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"openecr.db", "blobs"} {
		if _, err := os.Stat(c.file(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReachableAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:8080":      "127.0.0.1:8080",
		"[::]:8080":         "127.0.0.1:8080",
		"192.0.2.1:80":      "192.0.2.1:80",
		"[2001:db8::1]:443": "[2001:db8::1]:443",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		must(t, err)
		if got := reachable(tcp); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
