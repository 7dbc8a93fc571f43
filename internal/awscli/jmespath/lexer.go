package jmespath

import (
	"errors"
	"math/big"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

// kind is the kind of a token. Its text is the one of error messages.
type kind string

const (
	tokenEOF      kind = "eof"
	tokenName     kind = "unquoted_identifier"
	tokenQuoted   kind = "quoted_identifier"
	tokenLiteral  kind = "literal"
	tokenNumber   kind = "number"
	tokenDot      kind = "dot"
	tokenStar     kind = "star"
	tokenLBracket kind = "lbracket"
	tokenRBracket kind = "rbracket"
	tokenFlatten  kind = "flatten"
	tokenFilter   kind = "filter"
	tokenComma    kind = "comma"
	tokenColon    kind = "colon"
	tokenCurrent  kind = "current"
	tokenLParen   kind = "lparen"
	tokenRParen   kind = "rparen"
	tokenLBrace   kind = "lbrace"
	tokenRBrace   kind = "rbrace"
	tokenOr       kind = "or"
	tokenPipe     kind = "pipe"
	tokenAnd      kind = "and"
	tokenExpref   kind = "expref"
	tokenNot      kind = "not"
	tokenEQ       kind = "eq"
	tokenNE       kind = "ne"
	tokenLT       kind = "lt"
	tokenLTE      kind = "lte"
	tokenGT       kind = "gt"
	tokenGTE      kind = "gte"
)

type token struct {
	kind  kind
	value any // the text, or the value of a literal or number
	start int // code points from the front
}

// symbols are the tokens without a value, longer ones first.
var symbols = []struct {
	text string
	kind kind
}{
	{"[]", tokenFlatten}, {"[?", tokenFilter}, {"[", tokenLBracket}, {"]", tokenRBracket},
	{"||", tokenOr}, {"|", tokenPipe}, {"&&", tokenAnd}, {"&", tokenExpref},
	{"==", tokenEQ}, {"!=", tokenNE}, {"!", tokenNot},
	{"<=", tokenLTE}, {"<", tokenLT}, {">=", tokenGTE}, {">", tokenGT},
	{".", tokenDot}, {"*", tokenStar}, {",", tokenComma}, {":", tokenColon}, {"@", tokenCurrent},
	{"(", tokenLParen}, {")", tokenRParen}, {"{", tokenLBrace}, {"}", tokenRBrace},
}

type lexer struct {
	text  string
	runes []rune
	pos   int
}

func tokenize(text string) ([]token, error) {
	l := lexer{text: text, runes: []rune(text)}
	var tokens []token
	for {
		for strings.ContainsRune(" \t\n\r", l.peek()) {
			l.pos++
		}
		if l.pos >= len(l.runes) {
			return append(tokens, token{tokenEOF, "", len(l.runes)}), nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
}

// peek is the next code point, or -1 at the end.
func (l *lexer) peek() rune {
	if l.pos < len(l.runes) {
		return l.runes[l.pos]
	}
	return -1
}

func (l *lexer) next() (token, error) {
	start := l.pos
	c := l.peek()
	switch {
	case isLetter(c):
		for isLetter(l.peek()) || isDigit(l.peek()) {
			l.pos++
		}
		return token{tokenName, string(l.runes[start:l.pos]), start}, nil
	case isDigit(c) || c == '-':
		return l.number()
	case c == '`':
		return l.literal()
	case c == '\'':
		text, err := l.delimited()
		return token{tokenLiteral, strings.ReplaceAll(text, `\'`, "'"), start}, err
	case c == '"':
		return l.quoted()
	}
	for _, s := range symbols {
		n := len(s.text)
		if end := min(start+n, len(l.runes)); string(l.runes[start:end]) == s.text {
			l.pos += n
			return token{s.kind, s.text, start}, nil
		}
	}
	if c == '=' {
		return token{}, lexError(l.text, start, "Unknown token '='")
	}
	return token{}, lexError(l.text, start, "Unknown token "+string(c))
}

func isLetter(c rune) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c rune) bool  { return '0' <= c && c <= '9' }

func (l *lexer) number() (token, error) {
	start := l.pos
	l.pos++
	for isDigit(l.peek()) {
		l.pos++
	}
	text := string(l.runes[start:l.pos])
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return token{}, lexError(l.text, start, "Unknown token '-'")
	}
	return token{tokenNumber, document.Integer(n), start}, nil
}

// delimited reads to the delimiter that it stands on, and returns what is between, backslashes included.
func (l *lexer) delimited() (string, error) {
	start := l.pos
	delimiter := l.peek()
	for l.pos++; l.peek() != delimiter; l.pos++ {
		if l.peek() == '\\' {
			l.pos++
		}
		if l.peek() == -1 {
			return "", lexError(l.text, start, "Unclosed "+string(delimiter)+" delimiter")
		}
	}
	l.pos++
	return string(l.runes[start+1 : l.pos-1]), nil
}

// literal reads JSON between backquotes. What is no JSON is taken as a string, as an older version of the language had it.
func (l *lexer) literal() (token, error) {
	start := l.pos
	text, err := l.delimited()
	if err != nil {
		return token{}, err
	}
	text = strings.ReplaceAll(text, "\\`", "`")
	value, err := document.ParseJSON(text)
	if err != nil {
		value, err = document.ParseJSON(`"` + strings.TrimLeft(text, " \t\n\r\v\f") + `"`)
	}
	if err != nil {
		return token{}, lexError(l.text, start, "Bad token "+text)
	}
	return token{tokenLiteral, value, start}, nil
}

func (l *lexer) quoted() (token, error) {
	start := l.pos
	text, err := l.delimited()
	if err != nil {
		return token{}, err
	}
	value, err := document.ParseJSON(`"` + text + `"`)
	if syntax := (*document.SyntaxError)(nil); errors.As(err, &syntax) {
		return token{}, lexError(l.text, start, syntax.Problem)
	}
	return token{tokenQuoted, value, start}, err
}
