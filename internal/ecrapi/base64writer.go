package ecrapi

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
)

var (
	errNotBase64    = errors.New("not base64")
	errPartTooLarge = errors.New("part too large")
)

// base64Writer decodes what is written to it, in pieces of any length, into to.
type base64Writer struct {
	to     io.Writer
	size   int64 // decoded so far
	ended  bool  // by padding: nothing may follow
	carry  [4]byte
	carryN int
	out    []byte
}

// write takes characters. Line breaks are refused: the standard decoder would skip them.
func (b *base64Writer) write(chars []byte) error {
	if bytes.IndexByte(chars, '\r') >= 0 || bytes.IndexByte(chars, '\n') >= 0 {
		return errNotBase64
	}
	if b.carryN > 0 {
		n := copy(b.carry[b.carryN:], chars)
		b.carryN += n
		chars = chars[n:]
		if b.carryN < len(b.carry) {
			return nil
		}
		b.carryN = 0
		if err := b.decode(b.carry[:]); err != nil {
			return err
		}
	}
	whole := len(chars) - len(chars)%4
	b.carryN = copy(b.carry[:], chars[whole:])
	return b.decode(chars[:whole])
}

// decode takes whole groups of four.
func (b *base64Writer) decode(groups []byte) error {
	if len(groups) == 0 {
		return nil
	}
	if b.ended {
		return errNotBase64
	}
	if need := base64.StdEncoding.DecodedLen(len(groups)); cap(b.out) < need {
		b.out = make([]byte, need)
	}
	n, err := base64.StdEncoding.Decode(b.out[:cap(b.out)], groups)
	if err != nil {
		return errNotBase64
	}
	b.ended = n < base64.StdEncoding.DecodedLen(len(groups))
	if b.size += int64(n); b.size > maxPart {
		return errPartTooLarge
	}
	_, err = b.to.Write(b.out[:n])
	return err
}

// close refuses a group that was not finished.
func (b *base64Writer) close() error {
	if b.carryN > 0 {
		return errNotBase64
	}
	return nil
}
