package ref

import "testing"

func BenchmarkDigestKeys(b *testing.B) {
	text := []byte(DigestBytes(SHA256, nil).String())
	b.Run("AppendKey", func(b *testing.B) {
		b.ReportAllocs()
		keys := make([]byte, 0, sha256Key)
		for b.Loop() {
			keys, _ = AppendKey(keys[:0], text)
		}
	})
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		d := DigestBytes(SHA256, nil)
		dst := make([]byte, 0, sha256Text)
		for b.Loop() {
			dst = d.Append(dst[:0])
		}
	})
}
