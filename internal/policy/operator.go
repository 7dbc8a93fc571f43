package policy

import (
	"fmt"
	"strings"
)

// operator compiles a value of the policy, or says why it could never match.
type operator struct {
	parse   func(g *grammar, value string) (matcher, error)
	negated bool
}

// operators by their names without ForAnyValue:, ForAllValues: and IfExists.
var operators = map[string]operator{
	"StringEquals":              {parse: parseStringEquals},
	"StringNotEquals":           {parse: parseStringEquals, negated: true},
	"StringEqualsIgnoreCase":    {parse: parseStringFold},
	"StringNotEqualsIgnoreCase": {parse: parseStringFold, negated: true},
	"StringLike":                {parse: parseStringLike},
	"StringNotLike":             {parse: parseStringLike, negated: true},

	"ArnEquals":    {parse: parseARN},
	"ArnLike":      {parse: parseARN},
	"ArnNotEquals": {parse: parseARN, negated: true},
	"ArnNotLike":   {parse: parseARN, negated: true},

	"IpAddress":    {parse: parseNetwork},
	"NotIpAddress": {parse: parseNetwork, negated: true},

	"NumericEquals":            {parse: parseNumber(equal)},
	"NumericNotEquals":         {parse: parseNumber(equal), negated: true},
	"NumericLessThan":          {parse: parseNumber(less)},
	"NumericLessThanEquals":    {parse: parseNumber(lessOrEqual)},
	"NumericGreaterThan":       {parse: parseNumber(greater)},
	"NumericGreaterThanEquals": {parse: parseNumber(greaterOrEqual)},

	"DateEquals":            {parse: parseDate(equal)},
	"DateNotEquals":         {parse: parseDate(equal), negated: true},
	"DateLessThan":          {parse: parseDate(less)},
	"DateLessThanEquals":    {parse: parseDate(lessOrEqual)},
	"DateGreaterThan":       {parse: parseDate(greater)},
	"DateGreaterThanEquals": {parse: parseDate(greaterOrEqual)},

	"Bool": {parse: parseBool},
	"Null": {parse: parseBool},
}

// comparison says which orders of the request's value and the policy's value match.
type comparison int

const (
	equal comparison = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// holds takes the order of the two values as cmp.Compare gives it.
func (c comparison) holds(order int) bool {
	switch c {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	}
	return order == 0
}

// boolEquals matches in any case, as IAM does.
type boolEquals bool

func (b boolEquals) matches(value string, _ Request) bool {
	got, ok := readBool(value)
	return ok && got == bool(b)
}

func parseBool(_ *grammar, value string) (matcher, error) {
	b, ok := readBool(value)
	if !ok {
		return nil, fmt.Errorf("%q is no boolean: write \"true\" or \"false\"", value)
	}
	return boolEquals(b), nil
}

func readBool(s string) (value, ok bool) {
	value = strings.EqualFold(s, "true")
	return value, value || strings.EqualFold(s, "false")
}
