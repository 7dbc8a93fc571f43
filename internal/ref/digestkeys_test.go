package ref

import (
	"regexp"
	"strings"
	"testing"
)

// A batch of digests is read as one by one.
func FuzzKeysAgreeWithParseDigest(f *testing.F) {
	for _, text := range []string{
		"sha256:" + strings.Repeat("0a", 32), "sha256:" + strings.Repeat("0A", 32), "sha256:" + strings.Repeat("0g", 32),
		"sha512:" + strings.Repeat("0a", 64), "sha256:" + strings.Repeat("0a", 31), "sha256", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := DigestBytes(SHA256, nil)
		keys, ok := AppendKey(before.Key(), []byte(text))
		want, err := ParseDigest(text)
		if ok != (err == nil && want.Algorithm() == SHA256) {
			t.Fatalf("AppendKey(%q) = %v, and ParseDigest: %v", text, ok, err)
		}
		got := SplitKeys(keys)
		if got[0] != before || ok && got[1] != want || len(got) != len(keys)/sha256Key {
			t.Fatalf("SplitKeys of %q: %v", text, got)
		}
		if err == nil && string(want.Append([]byte("x"))) != "x"+text {
			t.Fatalf("Append of %q: %s", text, want.Append(nil))
		}
	})
}

// The grammar as the API page writes it.
var repositoryNames = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func FuzzRepositoryNameFollowsItsGrammar(f *testing.F) {
	for _, name := range []string{"a1", "a/b", "a//b", "a._b", "-a", "a-", "a/", "/a", "A1", "a b", "a.b_c-d/e", "aé"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		_, err := ParseRepositoryName(name)
		if want := len(name) >= 2 && len(name) <= 205 && repositoryNames.MatchString(name); want != (err == nil) {
			t.Errorf("ParseRepositoryName(%q): %v, want accepted: %v", name, err, want)
		}
	})
}
