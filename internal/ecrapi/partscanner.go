package ecrapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/openecr/openecr/ecrpublic"
)

const blobMember = "layerPartBlob"

// partScanner is the Writer that takes an UploadLayerPart request apart as it arrives: the base64 of its layerPartBlob
// goes decoded to a spool, everything else is kept, with "" in the blob's place. It judges only what it takes out; the
// rest is JSON for the general decoder, which finds whatever is wrong with it.
type partScanner struct {
	spool spoolWriter
	rest  []byte // the request without the blob
	key   []byte // of the member at hand, as it is spelled
	blob  base64Writer
	err   error // the first thing that went wrong; later bytes are ignored

	state     scanState
	escape    []byte // an escape sequence that has begun, in a string
	depth     int
	expectKey bool // the next string of the outermost object is a key
	blobValue bool // the next value is the blob's
}

// spoolWriter is a file that can be started over, for a blob that is given twice: the last one counts.
type spoolWriter interface {
	io.WriteSeeker
	Truncate(int64) error
}

type scanState uint8

const (
	inText   scanState = iota // outside strings
	inKey                     // in a key of the outermost object
	inString                  // in any other string but the blob
	inBlob
)

func newPartScanner(spool spoolWriter) *partScanner {
	return &partScanner{spool: spool}
}

// Write never fails, so that the body's hash can go on to its end; finish tells.
func (p *partScanner) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0 && p.err == nil; {
		switch {
		case p.state == inBlob:
			rest = p.blobBytes(rest)
		case p.state == inText:
			p.text(rest[0])
			rest = rest[1:]
		default:
			p.stringByte(rest[0])
			rest = rest[1:]
		}
	}
	return len(b), nil
}

// finish returns the request without its blob and the blob's size.
func (p *partScanner) finish() (members []byte, size int64, err error) {
	if p.err == nil && p.state == inBlob {
		p.fail("the request ends inside " + blobMember)
	}
	return p.rest, p.blob.size, p.err
}

func (p *partScanner) fail(reason string) {
	p.err = &Error{Code: "SerializationException", Message: reason, Status: 400}
}

// keep adds to the rest, within the room that all other members together may take.
func (p *partScanner) keep(b ...byte) {
	if len(p.rest)+len(b) > maxPartMembers {
		p.fail(fmt.Sprintf("the members beside %s have more than %d bytes", blobMember, maxPartMembers))
		return
	}
	p.rest = append(p.rest, b...)
}

func (p *partScanner) text(c byte) {
	if c == '"' && p.depth == 1 && p.blobValue {
		p.keep('"', '"')
		p.startBlob()
		return
	}
	p.keep(c)
	switch c {
	case '"':
		p.state = inString
		if p.depth == 1 && p.expectKey {
			p.state, p.key = inKey, p.key[:0]
		}
		p.expectKey = false
	case '{', '[':
		p.depth++
		p.expectKey = c == '{'
		p.blobValue = false
	case '}', ']':
		p.depth--
	case ',':
		p.expectKey, p.blobValue = true, false
	case ' ', '\t', '\r', '\n', ':':
	default:
		p.blobValue = false
	}
}

// stringByte is one byte of a string that is kept, its closing quote included.
func (p *partScanner) stringByte(c byte) {
	p.keep(c)
	if c == '"' && len(p.escape) == 0 {
		if p.state == inKey {
			p.blobValue = spells(p.key, blobMember)
		}
		p.state = inText
		return
	}
	if p.state == inKey {
		p.key = append(p.key, c)
	}
	if len(p.escape) > 0 {
		p.escape = p.escape[:0]
	} else if c == '\\' {
		p.escape = append(p.escape, c)
	}
}

// spells says whether a key as written, escapes and all, is that name.
func spells(raw []byte, name string) bool {
	if string(raw) == name {
		return true
	}
	var s string
	return json.Unmarshal([]byte(`"`+string(raw)+`"`), &s) == nil && s == name
}

// startBlob begins a blob, over again when there was one before.
func (p *partScanner) startBlob() {
	p.state, p.blobValue, p.expectKey = inBlob, false, false
	if p.blob.to != nil {
		_, err := p.spool.Seek(0, io.SeekStart)
		if err == nil {
			err = p.spool.Truncate(0)
		}
		p.blobError(err)
	}
	p.blob = base64Writer{to: p.spool}
}

// blobBytes takes as much of the blob as there is and returns what follows it.
func (p *partScanner) blobBytes(b []byte) []byte {
	if len(p.escape) > 0 {
		p.escapeByte(b[0])
		return b[1:]
	}
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		end = len(b)
	}
	if i := bytes.IndexByte(b[:end], '\\'); i >= 0 {
		end = i
	}
	p.blobError(p.blob.write(b[:end]))
	if end == len(b) {
		return nil
	}
	if b[end] == '\\' {
		p.escape = append(p.escape, '\\')
		return b[end+1:]
	}
	p.blobError(p.blob.close())
	p.state = inText
	return b[end+1:]
}

// escapeByte goes on with an escape: some encoders write "/" as "\/" and "+" as "\u002b".
func (p *partScanner) escapeByte(c byte) {
	p.escape = append(p.escape, c)
	if p.escape[1] == 'u' && len(p.escape) < len(`\u0000`) {
		return
	}
	var s string
	if json.Unmarshal([]byte(`"`+string(p.escape)+`"`), &s) != nil {
		p.fail("malformed escape in " + blobMember)
		return
	}
	p.escape = p.escape[:0]
	p.blobError(p.blob.write([]byte(s)))
}

// blobError tells a blob that is wrong from a spool that is full.
func (p *partScanner) blobError(err error) {
	switch {
	case err == nil || p.err != nil:
	case errors.Is(err, errNotBase64):
		p.fail(blobMember + " is not base64")
	case errors.Is(err, errPartTooLarge):
		p.err = &ecrpublic.ValidationError{Violations: []ecrpublic.Violation{{Path: blobMember, Constraint: fmt.Sprintf("Member must have length less than or equal to %d", maxPart)}}}
	default:
		p.err = fmt.Errorf("spool a layer part: %w", err)
	}
}
