package document

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A SyntaxError says what is wrong with JSON and where, in the words of the AWS CLI.
type SyntaxError struct {
	Problem            string
	Line, Column, Char int // the first two count from 1, Char from 0; code points
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Problem, e.Line, e.Column, e.Char)
}

// maxDepth is how many objects and lists may stand inside each other.
const maxDepth = 990

var errDepth = errors.New("maximum recursion depth exceeded while decoding JSON")

// ParseJSON reads one JSON value. NaN, Infinity and -Infinity are numbers, as for the AWS CLI. The error is a
// [*SyntaxError], except for values that are nested too deeply.
func ParseJSON(text string) (any, error) {
	p := jsonParser{text: []rune(text)}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, p.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(p.text) {
		return nil, p.fail("Extra data", p.pos)
	}
	return v, nil
}

type jsonParser struct {
	text []rune
	pos  int
}

func (p *jsonParser) fail(problem string, at int) error {
	e := &SyntaxError{Problem: problem, Line: 1, Column: at + 1, Char: at}
	for i, r := range p.text[:min(at, len(p.text))] {
		if r == '\n' {
			e.Line++
			e.Column = at - i
		}
	}
	return e
}

// next is the next code point without reading it, or -1 at the end.
func (p *jsonParser) next() rune {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return -1
}

func (p *jsonParser) space() {
	for p.next() == ' ' || p.next() == '\t' || p.next() == '\n' || p.next() == '\r' {
		p.pos++
	}
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch c := p.next(); {
	case c == '"':
		return p.str()
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"null": nil, "true": true, "false": false, "NaN": math.NaN(), "Infinity": math.Inf(1)} {
		if p.word(word) {
			return v, nil
		}
	}
	return nil, p.fail("Expecting value", p.pos)
}

func (p *jsonParser) word(word string) bool {
	end := p.pos + len(word)
	if end > len(p.text) || string(p.text[p.pos:end]) != word {
		return false
	}
	p.pos = end
	return true
}

func (p *jsonParser) object(depth int) (any, error) {
	object := NewObject()
	p.pos++
	p.space()
	if p.next() == '}' {
		p.pos++
		return object, nil
	}
	for {
		if p.next() != '"' {
			return nil, p.fail("Expecting property name enclosed in double quotes", p.pos)
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.next() != ':' {
			return nil, p.fail("Expecting ':' delimiter", p.pos)
		}
		p.pos++
		p.space()
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		object.Set(key, value)
		if done, err := p.separator('}'); done || err != nil {
			return object, err
		}
	}
}

func (p *jsonParser) list(depth int) (any, error) {
	list := NewList()
	p.pos++
	p.space()
	if p.next() == ']' {
		p.pos++
		return list, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
		if done, err := p.separator(']'); done || err != nil {
			return list, err
		}
	}
}

// separator reads a comma, or the closing bracket, and then there are no more items.
func (p *jsonParser) separator(closing rune) (done bool, err error) {
	p.space()
	switch p.next() {
	case closing:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		p.space()
		return false, nil
	}
	return false, p.fail("Expecting ',' delimiter", p.pos)
}

func (p *jsonParser) digits() {
	for '0' <= p.next() && p.next() <= '9' {
		p.pos++
	}
}

// number reads as much as is a number; what follows is for the caller to refuse.
func (p *jsonParser) number() (any, error) {
	start := p.pos
	if p.word("-Infinity") {
		return math.Inf(-1), nil
	}
	if p.next() == '-' {
		p.pos++
	}
	switch c := p.next(); {
	case c == '0':
		p.pos++
	case '1' <= c && c <= '9':
		p.digits()
	default:
		return nil, p.fail("Expecting value", start)
	}
	integer := p.pos
	if p.next() == '.' {
		point := p.pos
		p.pos++
		if p.digits(); p.pos == point+1 {
			p.pos = point
		}
	}
	if p.next() == 'e' || p.next() == 'E' {
		exponent := p.pos
		p.pos++
		if p.next() == '+' || p.next() == '-' {
			p.pos++
		}
		first := p.pos
		if p.digits(); p.pos == first {
			p.pos = exponent
		}
	}
	text := string(p.text[start:p.pos])
	if p.pos == integer {
		n, _ := new(big.Int).SetString(text, 10) // it is digits
		return Integer(n), nil
	}
	f, _ := strconv.ParseFloat(text, 64) // too large is infinity
	return f, nil
}

func (p *jsonParser) str() (string, error) {
	begin := p.pos
	var b strings.Builder
	for p.pos++; ; p.pos++ {
		switch c := p.next(); {
		case c == -1:
			return "", p.fail("Unterminated string starting at", begin)
		case c == '"':
			p.pos++
			return b.String(), nil
		case c < ' ':
			return "", p.fail("Invalid control character at", p.pos)
		case c != '\\':
			b.WriteRune(c)
		default:
			r, err := p.escape(begin)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		}
	}
}

// escape reads from the backslash to the last character of its sequence, where pos stays.
func (p *jsonParser) escape(begin int) (rune, error) {
	backslash := p.pos
	p.pos++
	switch c := p.next(); c {
	case -1:
		return 0, p.fail("Unterminated string starting at", begin)
	case '"', '\\', '/':
		return c, nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
	default:
		return 0, p.fail(`Invalid \escape`, backslash)
	}
	r, ok := p.hex(p.pos + 1)
	if !ok {
		return 0, p.fail(`Invalid \uXXXX escape`, backslash+1)
	}
	p.pos += 4
	if utf16.IsSurrogate(r) && p.pos+2 < len(p.text) && p.text[p.pos+1] == '\\' && p.text[p.pos+2] == 'u' {
		if second, ok := p.hex(p.pos + 3); ok {
			if pair := utf16.DecodeRune(r, second); pair != '\ufffd' {
				p.pos += 6
				return pair, nil
			}
		}
	}
	return r, nil // a lone surrogate becomes U+FFFD when it is written
}

func (p *jsonParser) hex(at int) (rune, bool) {
	if at+4 >= len(p.text) { // a string has a quote after it
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.text[at:at+4]), 16, 16)
	return rune(n), err == nil
}
