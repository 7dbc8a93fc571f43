package ref

import (
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
		got := SplitKeys(nil, keys)
		if got[0] != before || ok && got[1] != want || len(got) != len(keys)/sha256Key {
			t.Fatalf("SplitKeys of %q: %v", text, got)
		}
		if err == nil && string(want.Append([]byte("x"))) != "x"+text {
			t.Fatalf("Append of %q: %s", text, want.Append(nil))
		}
	})
}
