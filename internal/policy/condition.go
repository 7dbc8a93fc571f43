package policy

import (
	"slices"
	"strconv"
	"strings"
)

// condition is one key under one operator: {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}. All conditions of a
// statement must hold; of the values one must match, or with a negated operator none.
type condition struct {
	key      string
	values   []matcher
	negated  bool
	null     bool // the operator asks whether the key is absent, not what it is
	ifExists bool
	set      setOperator
}

// matcher compares one value of the request with one value of the policy.
type matcher interface {
	matches(value string, r Request) bool
}

// setOperator is the prefix that says how the several values of a key count.
type setOperator int

const (
	noSetOperator setOperator = iota
	forAnyValue
	forAllValues
)

// holds follows the IAM User Guide, "Condition operators" and "Multivalued context keys". An absent key matches
// nothing, so it makes a negated operator true. A key without values is absent.
func (c condition) holds(r Request) bool {
	values := r.values(c.key)
	if c.null {
		values = []string{strconv.FormatBool(len(values) == 0)}
	}
	if len(values) == 0 {
		switch {
		case c.ifExists:
			return true
		case c.set == forAnyValue:
			return false
		case c.set == forAllValues:
			return true
		}
		return c.negated
	}
	accepts := func(value string) bool {
		match := func(m matcher) bool { return m.matches(value, r) }
		return slices.ContainsFunc(c.values, match) != c.negated
	}
	// Without a prefix, several values match if one does, and the negated operator is the exact opposite.
	if c.set == forAllValues || c.set == noSetOperator && c.negated {
		return !slices.ContainsFunc(values, func(v string) bool { return !accepts(v) })
	}
	return slices.ContainsFunc(values, accepts)
}

func (g *grammar) conditions(n node) ([]condition, error) {
	if n.kind != objectNode {
		return nil, refuse("Condition", `it is %v: write an object such as {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}`, n.kind)
	}
	var all []condition
	for i, name := range n.names {
		element := "Condition/" + name
		c, o, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		keys := n.items[i]
		if keys.kind != objectNode {
			return nil, refuse(element, "it is %v: write an object of condition keys and their values", keys.kind)
		}
		for j, key := range keys.names {
			if key == "" {
				return nil, refuse(element, "a condition key is empty: write one such as aws:SourceIp")
			}
			c.key = key
			if c.values, err = g.conditionValues(element+"/"+key, o, keys.items[j]); err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// conditionValues lets numbers and booleans stand without quotes, as IAM does.
func (g *grammar) conditionValues(element string, o operator, n node) ([]matcher, error) {
	var values []matcher
	for _, item := range n.list() {
		if item.kind != textNode && item.kind != numberNode && item.kind != booleanNode {
			return nil, refuse(element, "it has %v: write a string, or a list of strings", item.kind)
		}
		m, err := o.parse(g, item.text)
		if err != nil {
			return nil, refuse(element, "%v", err)
		}
		values = append(values, m)
	}
	return values, nil
}

// parseOperator takes the name apart: a set operator, the operator, and IfExists. Key and values are still missing in
// the condition it gives.
func parseOperator(name string) (condition, operator, error) {
	var c condition
	base := name
	if after, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, c.set = after, forAnyValue
	} else if after, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, c.set = after, forAllValues
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	c.null = base == "Null"
	o, known := operators[base]
	if !known || c.null && name != "Null" {
		return c, o, refuse("Condition/"+name, "there is no such condition operator: check the spelling, upper and lower case matter")
	}
	c.negated = o.negated
	return c, o, nil
}
