package policy

import "strings"

// stringEquals compares with a text in which only variables are special.
type stringEquals struct {
	want pattern
	fold bool // upper and lower case are the same
}

func (e stringEquals) matches(value string, r Request) bool {
	want, ok := e.want.resolve(r)
	if !ok {
		return false
	}
	if !e.fold {
		return want.matches(value)
	}
	var b strings.Builder
	for _, t := range want {
		b.WriteString(t.text)
	}
	return strings.EqualFold(b.String(), value)
}

func parseStringEquals(g *grammar, value string) (matcher, error) {
	want, err := g.plain(value)
	return stringEquals{want: want}, err
}

func parseStringFold(g *grammar, value string) (matcher, error) {
	want, err := g.plain(value)
	return stringEquals{want: want, fold: true}, err
}

// stringLike compares with wildcards.
type stringLike struct{ want pattern }

func (l stringLike) matches(value string, r Request) bool {
	want, ok := l.want.resolve(r)
	return ok && want.matches(value)
}

func parseStringLike(g *grammar, value string) (matcher, error) {
	want, err := g.pattern(value)
	return stringLike{want}, err
}
