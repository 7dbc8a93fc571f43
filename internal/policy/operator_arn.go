package policy

import (
	"fmt"
	"slices"
	"strings"
)

// arnFields is how many fields an ARN has: arn, partition, service, region, account and the rest, which may have colons
// of its own.
const arnFields = 6

// arnLike compares field by field, so that "*" stays inside one field, where StringLike would let it run on. ArnEquals
// is the same operator.
type arnLike struct{ want pattern }

func (l arnLike) matches(value string, r Request) bool {
	want, ok := l.want.resolve(r)
	if !ok {
		return false
	}
	if want.isAnything() {
		return true
	}
	return slices.EqualFunc(want.fields(), strings.SplitN(value, ":", arnFields), pattern.matches)
}

func parseARN(g *grammar, value string) (matcher, error) {
	want, err := g.pattern(value)
	if err != nil {
		return nil, err
	}
	hasVariable := slices.ContainsFunc(want, func(t token) bool { return t.kind == variable })
	if !hasVariable && !want.isAnything() && len(want.fields()) < arnFields {
		return nil, fmt.Errorf("%q is no ARN: write its six fields, with * for any, such as arn:aws:iam::123456789012:user/*", value)
	}
	return arnLike{want}, nil
}

func (p pattern) isAnything() bool { return len(p) == 1 && p[0].kind == anyRun }

// fields splits a pattern at its colons, as strings.SplitN splits an ARN.
func (p pattern) fields() []pattern {
	fields := []pattern{nil}
	for _, t := range p {
		last := len(fields) - 1
		for t.kind == literal && len(fields) < arnFields {
			before, after, found := strings.Cut(t.text, ":")
			if !found {
				break
			}
			fields[last] = fields[last].addText(before)
			fields = append(fields, nil)
			last++
			t.text = after
		}
		fields[last] = append(fields[last], t)
	}
	return fields
}
