package policy

import (
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	literal  tokenKind = iota
	anyRun             // "*": any characters, also none
	anyOne             // "?": exactly one character
	variable           // "${key}": a value of the request, never read as wildcards
)

type token struct {
	kind     tokenKind
	text     string // of a literal; of a variable its key
	fallback *string
}

// pattern is a text with wildcards and variables. As tokens, because what a variable stands for, and what ${*} means, is
// literal even if it has wildcard characters.
type pattern []token

// addText adds characters that stand for themselves.
func (p pattern) addText(s string) pattern {
	if s == "" {
		return p
	}
	if last := len(p) - 1; last >= 0 && p[last].kind == literal {
		p[last].text += s
		return p
	}
	return append(p, token{kind: literal, text: s})
}

// addWildcards adds characters of which * and ? are wildcards.
func (p pattern) addWildcards(s string) pattern {
	for {
		i := strings.IndexAny(s, "*?")
		if i < 0 {
			return p.addText(s)
		}
		p = p.addText(s[:i])
		if s[i] == '*' {
			p = append(p, token{kind: anyRun})
		} else {
			p = append(p, token{kind: anyOne})
		}
		s = s[i+1:]
	}
}

// matches compares all of s, character by character, in time proportional to the product of the lengths. Variables must
// be resolved.
//
// Only the last "*" met ever has to take more: whatever follows an earlier one was already found at the first place
// possible, and a later place leaves less of s for the rest.
func (p pattern) matches(s string) bool {
	at, run, rest := 0, -1, "" // the token at hand; the last "*" and what stood at its end
	for {
		switch {
		case at == len(p):
			if s == "" {
				return true
			}
		case p[at].kind == anyRun:
			run, rest = at, s
			at++
			continue
		case p[at].kind == anyOne && s != "":
			s = s[characterSize(s):]
			at++
			continue
		case p[at].kind == literal && strings.HasPrefix(s, p[at].text):
			s = s[len(p[at].text):]
			at++
			continue
		}
		if run < 0 || rest == "" {
			return false
		}
		rest = rest[characterSize(rest):]
		s, at = rest, run+1
	}
}

func characterSize(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
