package ref

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Algorithm is the hash function of a digest. Its value is the first byte of a digest key, so it never changes.
type Algorithm byte

// The algorithms a registry must know (OCI image spec, "Digests").
const (
	SHA256 Algorithm = 1
	SHA512 Algorithm = 2
)

func (a Algorithm) String() string {
	switch a {
	case SHA256:
		return "sha256"
	case SHA512:
		return "sha512"
	}
	return "unknown"
}

// Size is the length in bytes of a sum, 0 for an unknown algorithm.
func (a Algorithm) Size() int {
	switch a {
	case SHA256:
		return sha256.Size
	case SHA512:
		return sha512.Size
	}
	return 0
}

// New makes a hash that can save its state: both implementations are encoding.BinaryMarshalers. It is nil for an
// unknown algorithm.
func (a Algorithm) New() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	}
	return nil
}

// ParseAlgorithm reads the part of a digest before the colon.
func ParseAlgorithm(s string) (Algorithm, error) {
	switch s {
	case "sha256":
		return SHA256, nil
	case "sha512":
		return SHA512, nil
	}
	return 0, fmt.Errorf("digest algorithm %q is not supported: use sha256 or sha512", clip(s))
}

// Digest is the address of content. It is comparable, so it can be a map key; the zero value is no digest.
//
// It holds its key, one algorithm byte followed by the raw sum, in a string: half the size of the text form, and a
// batch of them can share one allocation.
type Digest struct{ key string }

// ParseDigest reads "algorithm:hex". Upper-case hex is refused, as the OCI image spec says: two spellings of one
// digest would be two names for the same bytes.
func ParseDigest(s string) (Digest, error) {
	name, sum, ok := strings.Cut(s, ":")
	if !ok {
		return Digest{}, fmt.Errorf("digest %q has no algorithm: write it as sha256:<64 hex digits>", clip(s))
	}
	algorithm, err := ParseAlgorithm(name)
	if err != nil {
		return Digest{}, err
	}
	if len(sum) != 2*algorithm.Size() {
		return Digest{}, fmt.Errorf("digest %q has %d hex digits instead of %d", clip(s), len(sum), 2*algorithm.Size())
	}
	key := make([]byte, 1+algorithm.Size())
	key[0] = byte(algorithm)
	if strings.ContainsAny(sum, "ABCDEF") {
		return Digest{}, fmt.Errorf("digest %q has upper-case hex digits: write it in lower case", s)
	}
	if _, err := hex.Decode(key[1:], []byte(sum)); err != nil {
		return Digest{}, fmt.Errorf("digest %q is not hexadecimal after the colon", s)
	}
	return Digest{string(key)}, nil
}

// DigestFromKey is the inverse of Key. Stores use it on what they saved.
func DigestFromKey(key []byte) (Digest, error) {
	if len(key) == 0 || Algorithm(key[0]).Size() == 0 || len(key) != 1+Algorithm(key[0]).Size() {
		return Digest{}, fmt.Errorf("digest key of %d bytes is malformed", len(key))
	}
	return Digest{string(key)}, nil
}

// NewDigest makes a digest from a finished hash sum. The sum must have the length of the algorithm.
func NewDigest(algorithm Algorithm, sum []byte) Digest {
	return Digest{string(byte(algorithm)) + string(sum)}
}

// DigestBytes is the digest of content under algorithm.
func DigestBytes(algorithm Algorithm, content []byte) Digest {
	h := algorithm.New()
	h.Write(content) // a hash never fails to write
	return NewDigest(algorithm, h.Sum(nil))
}

// IsZero says whether d is no digest at all.
func (d Digest) IsZero() bool { return d.key == "" }

// Algorithm of the digest, 0 for the zero value.
func (d Digest) Algorithm() Algorithm {
	if d.key == "" {
		return 0
	}
	return Algorithm(d.key[0])
}

// Key is the form stores keep: one algorithm byte and the raw sum.
func (d Digest) Key() []byte { return []byte(d.key) }

// Hex is the sum in lower-case hexadecimal.
func (d Digest) Hex() string {
	if d.key == "" {
		return ""
	}
	return hex.EncodeToString([]byte(d.key[1:]))
}

// String is "algorithm:hex", empty for the zero value.
func (d Digest) String() string {
	var room [8 + 2*sha512.Size]byte
	return string(d.Append(room[:0]))
}
