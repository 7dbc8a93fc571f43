package ref

import "encoding/binary"

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
	longer := append(keys, blank[:sha256Key]...)
	longer[len(keys)] = byte(SHA256)
	digits, sum := (*[64]byte)(text[len(sha256Prefix):]), (*[32]byte)(longer[len(keys)+1:]) // of known lengths, so nothing is checked below
	var wrong byte
	for i := range sum {
		high, low := hexValue[digits[2*i]], hexValue[digits[2*i+1]]
		wrong |= high | low
		sum[i] = high<<4 | low
	}
	if wrong > 0xf {
		return keys, false
	}
	return longer, true
}

// blank makes room at the end of a slice.
var blank [2 * 64]byte

// Tables in place of package hex, which takes three times as long: the check of a hundred layers reads 6,400 digits and
// writes as many.
var (
	hexValue [256]byte   // of a lower-case digit; 0xff for all else
	hexPair  [256]uint16 // the two digits of a byte, the first one lower
)

func init() {
	const digits = "0123456789abcdef"
	for i := range hexValue {
		hexValue[i] = 0xff
		hexPair[i] = uint16(digits[i>>4]) | uint16(digits[i&0xf])<<8
	}
	for i := range len(digits) {
		hexValue[digits[i]] = byte(i)
	}
}

// SplitKeys appends the digests whose keys AppendKey has put one after another. They share one allocation, so each holds on
// to all.
func SplitKeys(to []Digest, keys []byte) []Digest {
	for text := string(keys); len(text) >= sha256Key; text = text[sha256Key:] {
		to = append(to, Digest{text[:sha256Key]})
	}
	return to
}

// Append appends the text of the digest, as String has it.
func (d Digest) Append(dst []byte) []byte {
	if d.key == "" {
		return dst
	}
	dst = append(dst, d.Algorithm().String()...)
	dst = append(dst, ':')
	sum, start := d.key[1:], len(dst)
	dst = append(dst, blank[:2*len(sum)]...)
	for i, digits := 0, dst[start:]; i < len(sum) && len(digits) >= 2; i, digits = i+1, digits[2:] {
		binary.LittleEndian.PutUint16(digits, hexPair[sum[i]])
	}
	return dst
}

// CopySum copies as much of the raw sum as fits into to.
func (d Digest) CopySum(to []byte) {
	if d.key != "" {
		copy(to, d.key[1:])
	}
}

// Head is the first eight bytes of the raw sum, as a hash of the digest; 0 for the zero value.
func (d Digest) Head() uint64 {
	var head [8]byte
	d.CopySum(head[:])
	return binary.LittleEndian.Uint64(head[:])
}
