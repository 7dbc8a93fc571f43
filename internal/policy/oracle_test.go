package policy

import (
	"encoding/json"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The oracle reads a policy from its JSON at each question, and answers with regular expressions, package net and
// strings: slow, naive, and with nothing in common with Evaluate. It knows the values that the generator makes, not all
// of the language.

func oracle(t *testing.T, r Request, kind Kind, sources []string) Effect {
	t.Helper()
	answer := NoMatch
	for _, source := range sources {
		var document struct {
			Version   string
			Statement []map[string]any
		}
		if err := json.Unmarshal([]byte(source), &document); err != nil {
			t.Fatal(err)
		}
		o := oracleOf{r: r, variables: document.Version == "2012-10-17"}
		for _, s := range document.Statement {
			if !o.statement(s, kind) {
				continue
			}
			if s["Effect"] == "Deny" {
				return ExplicitDeny
			}
			answer = Allow
		}
	}
	return answer
}

type oracleOf struct {
	r         Request
	variables bool
}

func (o oracleOf) statement(s map[string]any, kind Kind) bool {
	holds := true
	for element, value := range s {
		switch element {
		case "Principal":
			holds = holds && o.principal(value, s["Effect"] == "Deny")
		case "Action", "NotAction":
			matches := func(v string) bool {
				return regexp.MustCompile(`(?i)` + o.glob(v, `.*`, true)).MatchString(o.r.Action)
			}
			holds = holds && slices.ContainsFunc(texts(value), matches) == (element == "Action")
		case "Resource", "NotResource":
			matches := func(v string) bool {
				return regexp.MustCompile(o.glob(v, `.*`, true)).MatchString(o.r.Resource)
			}
			holds = holds && slices.ContainsFunc(texts(value), matches) == (element == "Resource")
		case "Condition":
			for operator, keys := range value.(map[string]any) {
				for key, values := range keys.(map[string]any) {
					holds = holds && o.condition(operator, key, texts(values))
				}
			}
		}
	}
	return holds
}

func (o oracleOf) principal(value any, deny bool) bool {
	if m, ok := value.(map[string]any); ok {
		value = m["AWS"]
	}
	inside := strings.Contains(o.r.Resource, ":"+o.r.PrincipalAccount+":")
	root := "arn:aws:iam::" + o.r.PrincipalAccount + ":root"
	for _, p := range texts(value) {
		account := p == o.r.PrincipalAccount || p == root
		if p == "*" || p == o.r.Principal || account && (deny || !inside || o.r.Principal == root) {
			return true
		}
	}
	return false
}

func (o oracleOf) condition(operator, key string, values []string) bool {
	got := o.values(key)
	if operator == "Null" {
		return slices.Contains(values, strconv.FormatBool(len(got) == 0))
	}
	set, base, found := strings.Cut(operator, ":")
	if !found {
		set, base = "", operator
	}
	base, ifExists := strings.CutSuffix(base, "IfExists")
	negated := strings.Contains(base, "Not")
	base = strings.Replace(base, "Not", "", 1)
	if len(got) == 0 {
		return ifExists || set == "ForAllValues" || set == "" && negated
	}
	var hits int // values of the request that equal some value of the policy
	for _, g := range got {
		for _, v := range values {
			if o.pair(base, g, v) {
				hits++
				break
			}
		}
	}
	switch {
	case set == "ForAllValues" && negated, set == "" && negated:
		return hits == 0
	case set == "ForAllValues":
		return hits == len(got)
	case set == "ForAnyValue" && negated:
		return hits < len(got)
	}
	return hits > 0
}

func (o oracleOf) pair(operator, got, want string) bool {
	family := regexp.MustCompile(`^(String|Arn|Ip|Numeric|Date|Bool)`).FindString(operator)
	switch family {
	case "String":
		fold := ""
		if strings.HasSuffix(operator, "IgnoreCase") {
			fold = `(?i)`
		}
		return regexp.MustCompile(fold + o.glob(want, `.*`, operator == "StringLike")).MatchString(got)
	case "Arn":
		return regexp.MustCompile(o.glob(want, `[^:]*`, true)).MatchString(got)
	case "Ip":
		_, network, err := net.ParseCIDR(want)
		return err == nil && network.Contains(net.ParseIP(got))
	case "Bool":
		return got == want
	case "Numeric": // padded, numbers of the generator compare as strings, as dates do
		got, want = pad(got), pad(want)
	}
	switch strings.TrimPrefix(operator, family) {
	case "LessThan":
		return got < want
	case "LessThanEquals":
		return got <= want
	case "GreaterThan":
		return got > want
	case "GreaterThanEquals":
		return got >= want
	}
	return got == want
}

func pad(s string) string { return strings.Repeat("0", 9-len(s)) + s }

// glob is a regular expression for a value; a variable without a value becomes one that matches nothing.
func (o oracleOf) glob(value, run string, wildcards bool) string {
	variable := regexp.MustCompile(`\$\{([^}]*)\}`)
	var b strings.Builder
	for value != "" {
		at := variable.FindStringSubmatchIndex(value)
		switch {
		case o.variables && at != nil && at[0] == 0:
			switch v := o.values(value[2 : at[1]-1]); {
			case value[2:at[1]-1] == "*":
				b.WriteString(`\*`)
			case len(v) == 1:
				b.WriteString(regexp.QuoteMeta(v[0]))
			default:
				b.WriteString(`\b\B`)
			}
			value = value[at[1]:]
			continue
		case wildcards && value[0] == '*':
			b.WriteString(run)
		case wildcards && value[0] == '?':
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(value[:1]))
		}
		value = value[1:]
	}
	return `^(?:` + b.String() + `)$`
}

func (o oracleOf) values(key string) []string {
	switch strings.ToLower(key) {
	case "aws:principalarn":
		return []string{o.r.Principal}
	case "aws:principalaccount":
		return []string{o.r.PrincipalAccount}
	}
	for name, values := range o.r.Context {
		if strings.EqualFold(name, key) {
			return values
		}
	}
	return nil
}

func texts(value any) []string {
	if s, ok := value.(string); ok {
		return []string{s}
	}
	var all []string
	for _, v := range value.([]any) {
		all = append(all, v.(string))
	}
	return all
}
