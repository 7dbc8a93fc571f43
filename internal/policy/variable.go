package policy

import (
	"fmt"
	"slices"
	"strings"
)

// pattern reads a text with wildcards, and with variables if the policy's version has them.
func (g *grammar) pattern(s string) (pattern, error) {
	return g.read(s, pattern.addWildcards)
}

// plain reads a text in which * and ? are themselves.
func (g *grammar) plain(s string) (pattern, error) {
	return g.read(s, pattern.addText)
}

func (g *grammar) read(s string, add func(pattern, string) pattern) (pattern, error) {
	var p pattern
	for g.variables {
		before, after, found := strings.Cut(s, "${")
		if !found {
			break
		}
		body, after, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q has a variable without its closing brace: write ${$}{ for the characters themselves", s)
		}
		p = add(p, before)
		if body == "*" || body == "?" || body == "$" {
			p = p.addText(body)
		} else {
			v, err := parseVariable(body)
			if err != nil {
				return nil, err
			}
			p = append(p, v)
		}
		s = after
	}
	return add(p, s), nil
}

// parseVariable reads what stands between the braces: a condition key, or a key and a default as in "key, 'default'".
func parseVariable(body string) (token, error) {
	key, fallback, hasFallback := strings.Cut(body, ", ")
	v := token{kind: variable, text: key}
	if hasFallback {
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return token{}, fmt.Errorf("the default of variable ${%s} is malformed: write ${%s, 'value'}", body, key)
		}
		fallback = fallback[1 : len(fallback)-1]
		v.fallback = &fallback
	}
	if service, name, _ := strings.Cut(key, ":"); service == "" || name == "" {
		return token{}, fmt.Errorf("variable ${%s} names no condition key: write one such as ${aws:PrincipalAccount}", body)
	}
	return v, nil
}

// resolve puts the values of the request in the place of variables. It is false if one has neither a single value nor
// a default: then nothing is equal to the pattern, or like it.
func (p pattern) resolve(r Request) (pattern, bool) {
	if !slices.ContainsFunc(p, func(t token) bool { return t.kind == variable }) {
		return p, true
	}
	resolved := make(pattern, 0, len(p))
	for _, t := range p {
		if t.kind == variable {
			values := r.values(t.text)
			switch {
			case len(values) == 1:
				t = token{kind: literal, text: values[0]}
			case len(values) == 0 && t.fallback != nil:
				t = token{kind: literal, text: *t.fallback}
			default:
				return nil, false
			}
		}
		resolved = append(resolved, t)
	}
	return resolved, true
}
