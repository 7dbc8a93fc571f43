package blobs3

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/openecr/openecr/internal/registry"
)

// state is what is noted about an unfinished upload. Its bytes are those of the parts, in order, then the tail's object,
// then what is noted inline.
type state struct {
	multipart string // the id that S3 gave; empty without parts
	parts     []part
	tail      tail
	// stale is the object of the tail before. That an Append is given this state proves that it was recorded, so nobody
	// needs the object any more.
	stale string
}

// part is one of a multipart upload. Numbers ascend but need not follow each other.
type part struct {
	number int
	size   int64
	etag   string
	sum    uint32 // CRC-32C
}

// tail is bytes too few for a part.
type tail struct {
	object string // its name behind Store.tails; empty for none
	size   int64  // of the object
	inline []byte
}

func (t tail) bytes() int64 { return t.size + int64(len(t.inline)) }

const (
	// stateVersion begins every state. Another layout gets another number, and both are read while uploads may have either.
	stateVersion = 1
	// minPart is what S3 demands of every part but the last.
	minPart = 5 << 20
	// maxParts is the greatest number of a part.
	maxParts = 10_000
	// maxInline is the largest tail that is noted instead of stored: small enough for a row, and most configs fit.
	maxInline = 64 << 10
)

func (s *state) size() int64 {
	n := s.tail.bytes()
	for _, p := range s.parts {
		n += p.size
	}
	return n
}

// lastNumber is that of the last part, 0 without parts.
func (s *state) lastNumber() int {
	if len(s.parts) == 0 {
		return 0
	}
	return s.parts[len(s.parts)-1].number
}

// encode writes numbers as varints and texts and bytes behind their length:
//
//	version  multipart  count { number size etag sum }  object size inline  stale
func (s *state) encode() []byte {
	b := []byte{stateVersion}
	b = appendBytes(b, s.multipart)
	b = binary.AppendUvarint(b, uint64(len(s.parts)))
	for _, p := range s.parts {
		b = binary.AppendUvarint(b, uint64(p.number))
		b = binary.AppendUvarint(b, uint64(p.size))
		b = appendBytes(b, p.etag)
		b = binary.BigEndian.AppendUint32(b, p.sum)
	}
	b = appendBytes(b, s.tail.object)
	b = binary.AppendUvarint(b, uint64(s.tail.size))
	b = appendBytes(b, s.tail.inline)
	return appendBytes(b, s.stale)
}

func appendBytes[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// decodeState reads the notes of an upload and checks that they speak of as many bytes as are recorded.
func decodeState(u registry.Unfinished) (*state, error) {
	if len(u.State) == 0 {
		if u.Offset != 0 {
			return nil, fmt.Errorf("nothing is noted about its %d bytes: %w", u.Offset, registry.ErrAbsent)
		}
		return &state{}, nil
	}
	s, err := parseState(u.State)
	if err != nil {
		return nil, fmt.Errorf("read the notes about it: %w", err)
	}
	if s.size() != u.Offset {
		return nil, fmt.Errorf("the notes about it speak of %d bytes, its row of %d", s.size(), u.Offset)
	}
	return s, nil
}

var errState = errors.New("they are not in a form that this openecr knows: it is older than the one that wrote them, or they are damaged")

func parseState(b []byte) (*state, error) {
	if b[0] != stateVersion {
		return nil, errState
	}
	r := stateReader{rest: b[1:]}
	s := &state{multipart: string(r.bytes())}
	for range r.number(maxParts) {
		p := part{number: int(r.number(maxParts)), size: int64(r.number(math.MaxInt64 / maxParts)), etag: string(r.bytes()), sum: r.sum()}
		if r.failed || p.number <= s.lastNumber() || p.size == 0 {
			return nil, errState
		}
		s.parts = append(s.parts, p)
	}
	s.tail.object = string(r.bytes())
	s.tail.size = int64(r.number(minPart))
	s.tail.inline = r.bytes()
	s.stale = string(r.bytes())
	if r.failed || len(r.rest) > 0 || (s.tail.object == "") != (s.tail.size == 0) || (s.multipart == "") != (len(s.parts) == 0) {
		return nil, errState
	}
	return s, nil
}

// stateReader takes values off the front. After the first that is not there all are zero.
type stateReader struct {
	rest   []byte
	failed bool
}

func (r *stateReader) number(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if r.failed || n <= 0 || v > most {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *stateReader) take(n uint64) []byte {
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *stateReader) bytes() []byte { return r.take(r.number(math.MaxInt64)) }

func (r *stateReader) sum() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}
