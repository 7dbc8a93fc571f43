package ecrpublic

import (
	"bytes"
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

func (d *decoder) boolean(v reflect.Value) *SerializationError {
	switch c := d.next(); {
	case c == 't' && d.literal("true"):
		v.SetBool(true)
	case c == 'f' && d.literal("false"):
		v.SetBool(false)
	default:
		return d.expected("true or false")
	}
	return nil
}

func (d *decoder) integer(v reflect.Value) *SerializationError {
	token, err := d.number()
	if err != nil {
		return err
	}
	n, failed := strconv.ParseInt(string(token), 10, v.Type().Bits())
	if failed != nil {
		return d.failf("%s is not an integer of %d bits", clip(token), v.Type().Bits())
	}
	v.SetInt(n)
	return nil
}

// The first and last millisecond of the years 1 to 9999, which every notation of a time can say.
const firstMilli, lastMilli = -62135596800_000, 253402300799_999

// timestamp reads epoch seconds with or without a fraction, or the text of RFC 3339, to the millisecond.
func (d *decoder) timestamp(v reflect.Value) *SerializationError {
	var token []byte
	var millis float64 // exact, in these years
	var failed error
	var err *SerializationError
	if d.next() == '"' {
		var t time.Time
		if token, err = d.stringBytes(); err != nil {
			return err
		}
		t, failed = time.Parse(time.RFC3339Nano, string(token))
		millis = float64(t.UnixMilli())
	} else {
		if token, err = d.number(); err != nil {
			return err
		}
		millis, failed = strconv.ParseFloat(string(token), 64)
		millis = math.Round(millis * 1000)
	}
	if failed != nil || millis < firstMilli || millis > lastMilli {
		return d.failf("%q is not a time in the years 1 to 9999, such as 1.7E9 or 2006-01-02T15:04:05Z", clip(token))
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(millis)).UTC()))
	return nil
}

func (d *decoder) blob(v reflect.Value) *SerializationError {
	text, err := d.stringBytes()
	if err != nil {
		return err
	}
	if bytes.ContainsAny(text, "\r\n") { // which package base64 skips
		return d.failf("it is not base64")
	}
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, failed := base64.StdEncoding.Decode(blob, text)
	if failed != nil {
		return d.failf("it is not base64")
	}
	v.SetBytes(blob[:n])
	return nil
}

// number reads a number of the JSON grammar and returns its text.
func (d *decoder) number() ([]byte, *SerializationError) {
	if c := d.next(); c != '-' && (c < '0' || c > '9') {
		return nil, d.expected("a number")
	}
	start := d.pos
	d.accept('-')
	ok := d.accept('0') || d.digits()
	if d.accept('.') {
		ok = ok && d.digits()
	}
	if d.accept('e') || d.accept('E') {
		_ = d.accept('+') || d.accept('-')
		ok = ok && d.digits()
	}
	if !ok {
		return nil, d.failf("not a number at byte %d", start)
	}
	return d.data[start:d.pos], nil
}

// accept reads c if it is the very next byte.
func (d *decoder) accept(c byte) bool {
	if d.pos < len(d.data) && d.data[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// digits reads all digits that follow and tells whether there were any.
func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.data) && '0' <= d.data[d.pos] && d.data[d.pos] <= '9' {
		d.pos++
	}
	return d.pos > start
}

// stringBytes reads a string and returns what it says: a part of the document if it has no escapes, so that a large
// blob is not copied, else a copy.
func (d *decoder) stringBytes() ([]byte, *SerializationError) {
	if d.next() != '"' {
		return nil, d.expected("a string")
	}
	d.pos++
	rest := d.data[d.pos:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil, d.failf("the string at byte %d has no end", d.pos-1)
	}
	for _, c := range rest[:end] {
		if c == '\\' || c < ' ' {
			return d.unescape()
		}
	}
	d.pos += end + 1
	return rest[:end], nil
}

// unescape is stringBytes for a string with escapes, from behind its opening quote.
func (d *decoder) unescape() ([]byte, *SerializationError) {
	start := d.pos
	var out []byte
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		d.pos++
		switch {
		case c == '"':
			return out, nil
		case c < ' ':
			return nil, d.failf("a control character in a string at byte %d", d.pos-1)
		case c != '\\':
			out = append(out, c)
		default:
			var ok bool
			if out, ok = d.escape(out); !ok {
				return nil, d.failf("not an escape at byte %d", d.pos-1)
			}
		}
	}
	return nil, d.failf("the string at byte %d has no end", start-1)
}

// escape reads what follows a backslash and appends what it stands for. Half of a surrogate pair stands for U+FFFD.
func (d *decoder) escape(out []byte) ([]byte, bool) {
	if d.pos >= len(d.data) {
		return out, false
	}
	c := d.data[d.pos]
	d.pos++
	switch c {
	case '"', '\\', '/':
		return append(out, c), true
	case 'b':
		return append(out, '\b'), true
	case 'f':
		return append(out, '\f'), true
	case 'n':
		return append(out, '\n'), true
	case 'r':
		return append(out, '\r'), true
	case 't':
		return append(out, '\t'), true
	case 'u':
		r, ok := d.hex4()
		if utf16.IsSurrogate(r) {
			r = d.pair(r)
		}
		return utf8.AppendRune(out, r), ok
	}
	return out, false
}

// pair reads the second half of a surrogate pair if it follows, and returns the rune of both.
func (d *decoder) pair(first rune) rune {
	before := d.pos
	if d.literal(`\u`) {
		if second, ok := d.hex4(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r
			}
		}
	}
	d.pos = before
	return utf8.RuneError
}

func (d *decoder) hex4() (rune, bool) {
	if len(d.data)-d.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.data[d.pos:d.pos+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	d.pos += 4
	return rune(n), true
}

// clip bounds what an error quotes of a document.
func clip(token []byte) []byte { return token[:min(len(token), 40)] }
