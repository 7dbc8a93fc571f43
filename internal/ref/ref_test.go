package ref

import (
	"bytes"
	"crypto/sha512"
	"strings"
	"testing"
)

const emptySHA256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseDigest(t *testing.T) {
	sum512 := sha512.Sum512(nil)
	tests := []struct {
		name string
		in   string
		ok   bool
	}{
		{"sha256", emptySHA256, true},
		{"sha512", NewDigest(SHA512, sum512[:]).String(), true},
		{"no algorithm", emptySHA256[7:], false},
		{"unknown algorithm", "md5:" + strings.Repeat("0", 32), false},
		{"too short", "sha256:00", false},
		{"too long", emptySHA256 + "00", false},
		{"upper case", strings.ToUpper(emptySHA256[:7]) + emptySHA256[7:], false},
		{"upper-case hex", "sha256:" + strings.ToUpper(emptySHA256[7:]), false},
		{"not hex", "sha256:" + strings.Repeat("g", 64), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ParseDigest(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("ParseDigest(%q): %v", tt.in, err)
			}
			if err == nil && d.String() != tt.in {
				t.Errorf("String is %q, want %q", d, tt.in)
			}
		})
	}
}

func TestDigestOfBytes(t *testing.T) {
	if got := DigestBytes(SHA256, nil).String(); got != emptySHA256 {
		t.Errorf("digest of nothing is %s, want %s", got, emptySHA256)
	}
	if !(Digest{}).IsZero() || DigestBytes(SHA256, nil).IsZero() {
		t.Error("only the zero digest is zero")
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(emptySHA256)
	f.Add("sha512:")
	f.Add(":")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDigest(s)
		if err != nil {
			return
		}
		if d.String() != s {
			t.Fatalf("%q came back as %q", s, d)
		}
		again, err := DigestFromKey(d.Key())
		if err != nil || again != d || !bytes.Equal(again.Key(), d.Key()) {
			t.Fatalf("key of %q came back as %v, %v", s, again, err)
		}
	})
}

func TestNames(t *testing.T) {
	type parse func(string) error
	repository := func(s string) error { _, err := ParseRepositoryName(s); return err }
	alias := func(s string) error { _, err := ParseAlias(s); return err }
	account := func(s string) error { _, err := ParseAccountID(s); return err }
	tag := func(s string) error { _, err := ParseTag(s); return err }
	tests := []struct {
		kind  string
		parse parse
		in    string
		ok    bool
	}{
		{"repository", repository, "hello", true},
		{"repository", repository, "team/project.x/nginx-1_2", true},
		{"repository", repository, "a", false},
		{"repository", repository, "Upper", false},
		{"repository", repository, "a//b", false},
		{"repository", repository, "a__b", false},
		{"repository", repository, "/ab", false},
		{"repository", repository, "ab/", false},
		{"repository", repository, "../etc", false},
		{"repository", repository, strings.Repeat("a", 205), true},
		{"repository", repository, strings.Repeat("a", 206), false},
		{"alias", alias, "a1b2c3d4", true},
		{"alias", alias, "my-company", true},
		{"alias", alias, "1ab", false},
		{"alias", alias, "search", false},
		{"alias", alias, "a", false},
		{"account", account, "123456789012", true},
		{"account", account, "12345678901", false},
		{"account", account, "12345678901x", false},
		{"tag", tag, "latest", true},
		{"tag", tag, "_1.2-rc", true},
		{"tag", tag, ".hidden", false},
		{"tag", tag, "with space", false},
		{"tag", tag, "line\n", false},
		{"tag", tag, strings.Repeat("t", 128), true},
		{"tag", tag, strings.Repeat("t", 129), false},
	}
	for _, tt := range tests {
		if err := tt.parse(tt.in); (err == nil) != tt.ok {
			t.Errorf("%s %q: %v, want ok=%v", tt.kind, clip(tt.in), err, tt.ok)
		}
	}
}

func TestErrorsStayShort(t *testing.T) {
	_, err := ParseRepositoryName(strings.Repeat("x", 1<<20))
	if len(err.Error()) > 500 {
		t.Errorf("error has %d bytes", len(err.Error()))
	}
}

func TestARNs(t *testing.T) {
	if got, want := RepositoryARN("123456789012", "a/b"), "arn:aws:ecr-public::123456789012:repository/a/b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := RegistryARN("123456789012"), "arn:aws:ecr-public::123456789012:registry/123456789012"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
