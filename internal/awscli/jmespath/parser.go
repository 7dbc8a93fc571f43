package jmespath

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/openecr/openecr/internal/awscli/document"
)

// power is how strongly a token binds what stands left of it; a token that is not here does not.
var power = map[kind]int{
	tokenPipe: 1, tokenOr: 2, tokenAnd: 3,
	tokenEQ: 5, tokenNE: 5, tokenLT: 5, tokenLTE: 5, tokenGT: 5, tokenGTE: 5,
	tokenFlatten: 9,
	tokenStar:    20, tokenFilter: 21, tokenDot: 40, tokenNot: 45, tokenLBrace: 50, tokenLBracket: 55, tokenLParen: 60,
}

// projectionStop is the power below which a token ends a projection.
const projectionStop = 10

// parser is a Pratt parser: nud reads what begins an expression, led what continues one.
type parser struct {
	text   string
	tokens []token
	pos    int
}

func (p *parser) current() token { return p.tokens[p.pos] }

// ahead is the kind of the token n further on.
func (p *parser) ahead(n int) kind { return p.tokens[min(p.pos+n, len(p.tokens)-1)].kind }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	p.pos = min(p.pos+1, len(p.tokens)-1)
	return t
}

// unexpected is the error for a token that cannot stand where it does.
func (p *parser) unexpected(t token, problem string) error {
	return fmt.Errorf("%s: Parse error at column %d, token \"%s\" (%s), for expression:\n\"%s\"\n%s^",
		problem, t.start, document.Text(t.value), strings.ToUpper(string(t.kind)), p.text, strings.Repeat(" ", t.start+1))
}

func (p *parser) incomplete() error {
	return fmt.Errorf("Invalid jmespath expression: Incomplete expression:\n\"%s\"\n%s^",
		p.text, strings.Repeat(" ", utf8.RuneCountInString(p.text)+1))
}

// match takes a token of the given kind.
func (p *parser) match(want kind) error {
	if p.current().kind != want {
		return p.expecting(string(want))
	}
	p.take()
	return nil
}

func (p *parser) expecting(what string) error {
	t := p.current()
	if t.kind == tokenEOF {
		return p.incomplete()
	}
	return p.unexpected(t, fmt.Sprintf("Expecting: %s, got: %s", what, t.kind))
}

func (p *parser) expression(binding int) (node, error) {
	left, err := p.nud(p.take())
	for err == nil && binding < power[p.current().kind] {
		left, err = p.led(left)
	}
	return left, err
}

func (p *parser) nud(t token) (node, error) {
	switch t.kind {
	case tokenLiteral:
		return literal{t.value}, nil
	case tokenName:
		return field(t.value.(string)), nil
	case tokenQuoted:
		if next := p.current(); next.kind == tokenLParen {
			return nil, p.unexpected(token{next.kind, next.value, 0}, "Quoted identifier not allowed for function names.")
		}
		return field(t.value.(string)), nil
	case tokenCurrent:
		return identity{}, nil
	case tokenStar:
		if p.current().kind == tokenRBracket {
			return valueProjection{identity{}, identity{}}, nil
		}
		right, err := p.projected(power[tokenStar])
		return valueProjection{identity{}, right}, err
	case tokenFilter:
		return p.filter(identity{})
	case tokenFlatten:
		right, err := p.projected(power[tokenFlatten])
		return projection{flatten{identity{}}, right}, err
	case tokenLBrace:
		return p.hash()
	case tokenLParen:
		inner, err := p.expression(0)
		if err == nil {
			err = p.match(tokenRParen)
		}
		return inner, err
	case tokenNot:
		inner, err := p.expression(power[tokenNot])
		return not{inner}, err
	case tokenExpref:
		inner, err := p.expression(0)
		return expref{inner}, err
	case tokenLBracket:
		return p.bracket()
	case tokenEOF:
		return nil, p.incomplete()
	}
	return nil, p.unexpected(t, "invalid token")
}

func (p *parser) bracket() (node, error) {
	switch {
	case p.current().kind == tokenNumber || p.current().kind == tokenColon:
		return p.index(identity{})
	case p.current().kind == tokenStar && p.ahead(1) == tokenRBracket:
		p.take()
		p.take()
		right, err := p.projected(power[tokenStar])
		return projection{identity{}, right}, err
	}
	return p.list()
}

func (p *parser) led(left node) (node, error) {
	t := p.current()
	switch t.kind {
	case tokenDot:
		p.take()
		if p.current().kind != tokenStar {
			right, err := p.dotted(power[tokenDot])
			return chain{left, right}, err
		}
		p.take()
		right, err := p.projected(power[tokenDot])
		return valueProjection{left, right}, err
	case tokenPipe:
		p.take()
		right, err := p.expression(power[tokenPipe])
		return chain{left, right}, err
	case tokenOr:
		p.take()
		right, err := p.expression(power[tokenOr])
		return or{left, right}, err
	case tokenAnd:
		p.take()
		right, err := p.expression(power[tokenAnd])
		return and{left, right}, err
	case tokenEQ, tokenNE, tokenLT, tokenLTE, tokenGT, tokenGTE:
		p.take()
		right, err := p.expression(power[t.kind])
		return comparison{t.kind, left, right}, err
	case tokenFlatten:
		p.take()
		right, err := p.projected(power[tokenFlatten])
		return projection{flatten{left}, right}, err
	case tokenFilter:
		p.take()
		return p.filter(left)
	case tokenLParen:
		return p.call(left)
	case tokenLBracket:
		p.take()
		if p.current().kind == tokenNumber || p.current().kind == tokenColon {
			return p.index(left)
		}
		for _, k := range []kind{tokenStar, tokenRBracket} {
			if err := p.match(k); err != nil {
				return nil, err
			}
		}
		right, err := p.projected(power[tokenStar])
		return projection{left, right}, err
	}
	return nil, p.unexpected(t, "invalid token")
}

func (p *parser) call(left node) (node, error) {
	name, ok := left.(field)
	if !ok {
		before := p.tokens[p.pos-1]
		return nil, p.unexpected(before, fmt.Sprintf("Invalid function name '%s'", document.Text(before.value)))
	}
	p.take()
	var args []node
	for p.current().kind != tokenRParen {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if p.current().kind == tokenComma {
			p.take()
		}
		args = append(args, arg)
	}
	p.take()
	return function{string(name), args}, nil
}

func (p *parser) filter(left node) (node, error) {
	condition, err := p.expression(0)
	if err == nil {
		err = p.match(tokenRBracket)
	}
	if err != nil {
		return nil, err
	}
	if p.current().kind == tokenFlatten {
		return filter{left, identity{}, condition}, nil
	}
	right, err := p.projected(power[tokenFilter])
	return filter{left, right, condition}, err
}

// index reads a number or a slice and the bracket behind it.
func (p *parser) index(left node) (node, error) {
	if p.current().kind != tokenColon && p.ahead(1) != tokenColon {
		n := p.take().value
		return indexed{left, element{n}}, p.match(tokenRBracket)
	}
	var parts [3]any
	for i := 0; p.current().kind != tokenRBracket; {
		t := p.current()
		switch t.kind {
		case tokenColon:
			if i++; i == 3 {
				return nil, p.unexpected(t, "syntax error")
			}
		case tokenNumber:
			parts[i] = t.value
		default:
			return nil, p.unexpected(t, "syntax error")
		}
		p.take()
	}
	p.take()
	if _, ok := left.(indexed); ok {
		return indexed{left, slice{parts}}, nil // a slice right behind an index is no projection for the AWS CLI
	}
	right, err := p.projected(power[tokenStar])
	return projection{indexed{left, slice{parts}}, right}, err
}

func (p *parser) list() (node, error) {
	var items []node
	for {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if p.current().kind == tokenRBracket {
			p.take()
			return multiList(items), nil
		}
		if err := p.match(tokenComma); err != nil {
			return nil, err
		}
	}
}

func (p *parser) hash() (node, error) {
	var pairs []pair
	for {
		key := p.current()
		if key.kind != tokenName && key.kind != tokenQuoted {
			return nil, p.expecting("['quoted_identifier', 'unquoted_identifier']")
		}
		p.take()
		if err := p.match(tokenColon); err != nil {
			return nil, err
		}
		value, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{key.value.(string), value})
		switch p.current().kind {
		case tokenComma:
			p.take()
		case tokenRBrace:
			p.take()
			return multiHash(pairs), nil
		}
	}
}

// projected reads what is applied to every item of a projection.
func (p *parser) projected(binding int) (node, error) {
	t := p.current()
	switch {
	case power[t.kind] < projectionStop:
		return identity{}, nil
	case t.kind == tokenLBracket || t.kind == tokenFilter:
		return p.expression(binding)
	case t.kind == tokenDot:
		p.take()
		return p.dotted(binding)
	}
	return nil, p.unexpected(t, "syntax error")
}

// dotted reads what may stand behind a dot.
func (p *parser) dotted(binding int) (node, error) {
	t := p.current()
	switch t.kind {
	case tokenQuoted, tokenName, tokenStar:
		return p.expression(binding)
	case tokenLBracket:
		p.take()
		return p.list()
	case tokenLBrace:
		p.take()
		return p.hash()
	}
	return nil, p.unexpected(t, fmt.Sprintf(
		"Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: %s", t.kind))
}
