// Package jmespath evaluates the expressions of --query over the values of package document.
//
// The libraries for Go work on Go maps, so the keys of an answer, of a multi-select hash, of keys() and of wildcards come
// out in another order on every run; the AWS CLI keeps the order of the answer and of the expression. That order is why
// this package exists; the language is the one of https://jmespath.org/specification.html, and a library is the oracle
// of its tests. Error texts are the AWS CLI's.
//
// Read lexer.go, parser.go, evaluate.go and functions.go in this order.
package jmespath

import (
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

// An Expression is a query that has been read. It is safe for concurrent use.
type Expression struct{ root node }

// Search evaluates the expression over a value of package document. It fails where a function does not exist or gets
// values of a wrong type. Parts of the result are shared with value.
func (e *Expression) Search(value any) (any, error) { return e.root.eval(value) }

// Compile reads an expression.
func Compile(text string) (*Expression, error) {
	if text == "" {
		return nil, fmt.Errorf("Invalid JMESPath expression: cannot be empty.") //nolint:staticcheck // the AWS CLI's text
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := parser{text: text, tokens: tokens}
	root, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.current(); t.kind != tokenEOF {
		return nil, p.unexpected(t, "Unexpected token: "+document.Text(t.value))
	}
	return &Expression{root}, nil
}

// lexError is a text that no token begins with.
func lexError(text string, at int, problem string) error {
	return fmt.Errorf("Bad jmespath expression: %s:\n%s\n%s^", problem, text, strings.Repeat(" ", at))
}
