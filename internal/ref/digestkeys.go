package ref

import "encoding/hex"

const (
	sha256Prefix = "sha256:"
	sha256Text   = len(sha256Prefix) + 64
	sha256Key    = 1 + 32
)

// AppendKey appends the key of "sha256:<64 lower-case hex digits>" to keys, and leaves them as they are for any other text:
// then ParseDigest knows what is wrong, or which other algorithm it is. It is there for batches: see SplitKeys.
func AppendKey(keys, text []byte) (_ []byte, ok bool) {
	if len(text) != sha256Text || string(text[:len(sha256Prefix)]) != sha256Prefix {
		return keys, false
	}
	sum := text[len(sha256Prefix):]
	for _, c := range sum {
		if 'A' <= c && c <= 'F' { // which package hex accepts
			return keys, false
		}
	}
	longer, err := hex.AppendDecode(append(keys, byte(SHA256)), sum)
	if err != nil {
		return keys, false
	}
	return longer, true
}

// SplitKeys are the digests whose keys AppendKey has put one after another. They share one allocation, so each holds on to
// all.
func SplitKeys(keys []byte) []Digest {
	text := string(keys)
	digests := make([]Digest, 0, len(text)/sha256Key)
	for len(text) >= sha256Key {
		digests = append(digests, Digest{text[:sha256Key]})
		text = text[sha256Key:]
	}
	return digests
}

// Append appends the text of the digest, as String has it.
func (d Digest) Append(dst []byte) []byte {
	if d.key == "" {
		return dst
	}
	dst = append(dst, d.Algorithm().String()...)
	dst = append(dst, ':')
	return hex.AppendEncode(dst, []byte(d.key[1:]))
}
