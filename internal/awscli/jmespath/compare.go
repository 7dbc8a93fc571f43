package jmespath

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

var errZeroStep = errors.New("slice step cannot be zero")

// number returns a number as a float, which is exact up to 2^53.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, true
	}
	return 0, false
}

// equal compares by value; numbers by size, lists in order, objects without regard to it.
func equal(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool, string, document.Datetime:
		return a == b
	case *document.List:
		y, ok := b.(*document.List)
		if !ok || len(x.Items) != len(y.Items) {
			return false
		}
		for i := range x.Items {
			if !equal(x.Items[i], y.Items[i]) {
				return false
			}
		}
		return true
	case *document.Object:
		y, ok := b.(*document.Object)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for k, v := range x.All() {
			if w, ok := y.Get(k); !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	x, xok := number(a)
	y, yok := number(b)
	return xok && yok && x == y
}

// compare orders two numbers or two strings. Neither is no answer; one of each is the error of the AWS CLI.
func compare(operator string, a, b any) (order int, ok bool, err error) {
	x, xIsNumber := number(a)
	y, yIsNumber := number(b)
	s, sIsText := a.(string)
	t, tIsText := b.(string)
	switch {
	case xIsNumber && yIsNumber:
		return cmp.Compare(x, y), true, nil
	case sIsText && tIsText:
		return strings.Compare(s, t), true, nil
	case (xIsNumber || sIsText) && (yIsNumber || tIsText):
		signs := map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
		return 0, false, fmt.Errorf("'%s' not supported between instances of '%s' and '%s'",
			signs[operator], pythonType(a), pythonType(b))
	}
	return 0, false, nil
}

// pythonType is the name of a type in some of the AWS CLI's texts.
func pythonType(v any) string {
	if _, ok := v.(expref); ok {
		return "_Expression"
	}
	return strings.TrimSuffix(strings.TrimPrefix(document.TypeName(v), "<class '"), "'>")
}

// typeName is the name of a type in the language.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case *document.List:
		return "array"
	case *document.Object:
		return "object"
	case expref:
		return "expref"
	case int64, float64, *big.Int:
		return "number"
	}
	return "unknown"
}
