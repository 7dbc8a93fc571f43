// Package shorthand reads the short notation of structures on a command line: Key=a,Value=b, with lists as name=a,b or
// name=[a,b], structures in structures as name={key=value}, and quotes around what has commas. It knows nothing of the
// API; the result is a value of package document in which every scalar is a string.
//
// The notation is that of https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html, with the error
// texts of the AWS CLI.
package shorthand

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/openecr/openecr/internal/awscli/document"
)

// Parse reads one structure.
func Parse(text string) (*document.Object, error) {
	p := parser{text: []rune(text)}
	return p.structure()
}

type parser struct {
	text []rune
	pos  int
}

// An expectation is the error that a value which might be something else is read again after.
type expectation struct{ text string }

func (e *expectation) Error() string { return e.text }

// end is what current gives at the end.
const end = rune(-1)

func (p *parser) current() rune {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return end
}

func (p *parser) space() {
	for strings.ContainsRune(" \t\n\r\v\f", p.current()) {
		p.pos++
	}
}

func (p *parser) expected(what, found string) error {
	return &expectation{fmt.Sprintf("Expected: '%s', received: '%s' for input:\n%s", what, found, p.pointAt(p.pos))}
}

// pointAt is the text with a mark below a place.
func (p *parser) pointAt(at int) string {
	at = min(at, len(p.text))
	before, after := string(p.text[:at]), string(p.text[at:])
	column := at - strings.LastIndexByte(before, '\n') - 1
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		column = document.Length(before[i+1:])
	}
	rest := ""
	if i := strings.IndexByte(after, '\n'); i >= 0 {
		after, rest = after[:i], after[i:]
	}
	return before + after + "\n" + strings.Repeat(" ", column) + "^" + rest
}

// take reads one character; around says that white space may stand on both sides.
func (p *parser) take(c rune, around bool) error {
	if around {
		p.space()
	}
	switch found := p.current(); found {
	case c:
		p.pos++
	case end:
		return p.expected(string(c), "EOF")
	default:
		return p.expected(string(c), string(found))
	}
	if around {
		p.space()
	}
	return nil
}

func (p *parser) structure() (*document.Object, error) {
	object := document.NewObject()
	for last := 0; ; last = p.pos {
		if p.pos > 0 && object.Len() > 0 {
			if err := p.take(',', true); err != nil {
				return nil, err
			}
		}
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		value, err := p.values()
		if err != nil {
			return nil, err
		}
		if _, twice := object.Get(key); twice {
			return nil, fmt.Errorf("Second instance of key \"%s\" encountered for input:\n%s\n"+
				"This is often because there is a preceding \",\" instead of a space.", key, p.pointAt(last+1))
		}
		object.Set(key, value)
		if p.pos >= len(p.text) {
			return object, nil
		}
	}
}

// key reads a name and the equals sign.
func (p *parser) key() (string, error) {
	start := p.pos
	for c := p.current(); c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || c != end && strings.ContainsRune("-_.#/:", c)); c = p.current() {
		p.pos++
	}
	return string(p.text[start:p.pos]), p.take('=', true)
}

func (p *parser) values() (any, error) {
	switch p.current() {
	case end:
		return "", nil
	case '[':
		return p.list()
	case '{':
		return p.braced()
	}
	return p.commaSeparated()
}

// commaSeparated reads a scalar or several. What follows a comma may be the next key instead, and then belongs to the
// structure.
func (p *parser) commaSeparated() (any, error) {
	first, err := p.scalar()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.current() != ',' {
		return first, nil
	}
	if err := p.take(',', true); err != nil {
		return nil, err
	}
	list := document.NewList(first)
	for {
		item, err := p.further()
		if err == nil {
			p.space()
			if p.pos >= len(p.text) {
				list.Items = append(list.Items, item)
				break
			}
			if err = p.take(',', true); err == nil {
				list.Items = append(list.Items, item)
				continue
			}
		}
		if p.pos >= len(p.text) {
			return nil, err
		}
		for p.text[p.pos] != ',' {
			p.pos--
		}
		break
	}
	if len(list.Items) == 1 {
		return first, nil
	}
	return list, nil
}

func (p *parser) list() (any, error) {
	if err := p.take('[', true); err != nil {
		return nil, err
	}
	list := document.NewList()
	for p.current() != ']' {
		item, err := p.nested()
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
		if err := p.separator(']'); err != nil {
			return nil, err
		}
	}
	return list, p.take(']', false)
}

func (p *parser) braced() (any, error) {
	if err := p.take('{', true); err != nil {
		return nil, err
	}
	object := document.NewObject()
	for p.current() != '}' {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		value, err := p.nested()
		if err != nil {
			return nil, err
		}
		if err := p.separator('}'); err != nil {
			return nil, err
		}
		object.Set(key, value)
	}
	return object, p.take('}', false)
}

func (p *parser) separator(closing rune) error {
	p.space()
	if p.current() == closing {
		return nil
	}
	err := p.take(',', false)
	p.space()
	return err
}

// nested reads a value inside brackets, where a comma ends it.
func (p *parser) nested() (any, error) {
	switch p.current() {
	case '[':
		return p.list()
	case '{':
		return p.braced()
	}
	return p.scalar()
}

// scalar reads a quoted or a bare value; the latter may be empty.
func (p *parser) scalar() (string, error) {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	return p.bare(isFirstFollow), nil
}

// further reads a value behind a comma, which may not be empty nor have an equals sign.
func (p *parser) further() (string, error) {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	start := p.pos
	value := p.bare(isFurtherFollow)
	if p.pos == start {
		return "", p.expected("<second>", "<none>")
	}
	return value, nil
}

// bare reads a value without quotes. A backslash keeps a comma in it.
func (p *parser) bare(follows func(rune) bool) string {
	start := p.pos
	allowed := isStart
	for p.pos < len(p.text) {
		if p.current() == '\\' && p.pos+1 < len(p.text) && p.text[p.pos+1] == ',' {
			p.pos += 2
		} else if allowed(p.current()) {
			p.pos++
		} else {
			break
		}
		allowed = follows
	}
	text := strings.ReplaceAll(string(p.text[start:p.pos]), `\,`, ",")
	return strings.TrimRightFunc(text, unicode.IsSpace)
}

func isWord(c rune) bool {
	return c <= '\uffff' && c > ' ' && !strings.ContainsRune(`"',`, c)
}

func isStart(c rune) bool { return isWord(c) && !strings.ContainsRune("=[{", c) }

func isFirstFollow(c rune) bool {
	return (isWord(c) || unicode.IsSpace(c)) && !strings.ContainsRune("]}", c)
}

func isFurtherFollow(c rune) bool { return (isWord(c) || unicode.IsSpace(c)) && c != '=' }

var quotes = map[rune]struct {
	name    string
	pattern *regexp.Regexp
}{
	'\'': {"singled quoted", regexp.MustCompile(`^'(?:\\\\|\\'|[^'])*'`)},
	'"':  {"double quoted", regexp.MustCompile(`^"(?:\\\\|\\"|[^"])*"`)},
}

func (p *parser) quoted(quote rune) (string, error) {
	found := quotes[quote].pattern.FindString(string(p.text[p.pos:]))
	if found == "" {
		return "", p.expected("<"+quotes[quote].name+">", "<none>")
	}
	p.pos += document.Length(found)
	inner := strings.ReplaceAll(found[1:len(found)-1], `\`+string(quote), string(quote))
	return strings.ReplaceAll(inner, `\\`, `\`), nil
}
