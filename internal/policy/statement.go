package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// statement is one rule: its effect holds for the requests that all its other parts match.
type statement struct {
	sid        string
	effect     Effect
	principals []principal // of a repository policy
	actions    selection
	resources  selection // of an identity policy
	conditions []condition
}

// selection is Action or Resource, or with except their opposites NotAction and NotResource.
type selection struct {
	patterns []pattern
	except   bool
}

// selects says whether a name is meant. A pattern whose variables have no value matches nothing (IAM User Guide, "Policy
// variables with no value").
func (s selection) selects(r Request, name string) bool {
	found := slices.ContainsFunc(s.patterns, func(p pattern) bool {
		p, ok := p.resolve(r)
		return ok && p.matches(name)
	})
	return found != s.except
}

func (s statement) applies(r Request, kind Kind) bool {
	if kind == RepositoryPolicy && !slices.ContainsFunc(s.principals, func(p principal) bool { return p.covers(r, s.effect) }) {
		return false
	}
	if !s.actions.selects(r, r.Action) {
		return false
	}
	if kind == IdentityPolicy && !s.resources.selects(r, r.Resource) {
		return false
	}
	return !slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r) })
}

// statement gives the Sid back with an error too, for its message.
func (g *grammar) statement(n node) (statement, error) {
	var s statement
	if n.kind != objectNode {
		return s, refuse("", "it is %v: write an object with Effect and Action", n.kind)
	}
	if i := slices.Index(n.names, "Sid"); i >= 0 {
		if err := g.checkSid(n.items[i]); err != nil {
			return s, err
		}
		s.sid = n.items[i].text
	}
	for i, name := range n.names {
		if err := g.element(&s, name, n.items[i]); err != nil {
			return s, err
		}
	}
	return s, g.checkComplete(n.names)
}

func (g *grammar) element(s *statement, name string, n node) (err error) {
	switch name {
	case "Sid":
	case "Effect":
		s.effect, err = parseEffect(n)
	case "Principal":
		s.principals, err = g.principals(n)
	case "NotPrincipal":
		err = refuse(name, "it is not supported: name whom the statement is for with Principal, or write Principal \"*\" and an ArnNotEquals condition on aws:PrincipalArn")
	case "Action", "NotAction":
		s.actions.except = name == "NotAction"
		s.actions.patterns, err = parseActions(name, n)
	case "Resource", "NotResource":
		s.resources.except = name == "NotResource"
		s.resources.patterns, err = g.resources(name, n)
	case "Condition":
		s.conditions, err = g.conditions(n)
	default:
		err = refuse(name, "a statement has no such element: check the spelling, upper and lower case matter")
	}
	return err
}

// checkComplete looks at what is missing and what stands twice.
func (g *grammar) checkComplete(names []string) error {
	required := []string{"Effect", "Action", "Principal"}
	if g.kind == IdentityPolicy {
		required[2] = "Resource"
	}
	for _, name := range required {
		found, opposite := slices.Contains(names, name), slices.Contains(names, "Not"+name)
		switch {
		case found && opposite:
			return refuse("Not"+name, "the statement has %s too: keep one of them", name)
		case !found && !opposite:
			return refuse(name, "it is missing: every statement needs one")
		}
	}
	return nil
}

var identitySid = regexp.MustCompile(`^[0-9A-Za-z]*$`)

// checkSid allows any text in a repository policy, because registries are given ones such as "new statement".
func (g *grammar) checkSid(n node) error {
	if n.kind != textNode {
		return refuse("Sid", "it is %v: write a string", n.kind)
	}
	if g.kind == IdentityPolicy && !identitySid.MatchString(n.text) {
		return refuse("Sid", "%q has other characters than letters and digits", n.text)
	}
	return nil
}

func parseEffect(n node) (Effect, error) {
	if n.kind == textNode {
		switch n.text {
		case "Allow":
			return Allow, nil
		case "Deny":
			return ExplicitDeny, nil
		}
	}
	return NoMatch, refuse("Effect", `write "Allow" or "Deny"`)
}

var action = regexp.MustCompile(`^(?:\*|[a-z0-9-]+:[a-z0-9*?]+)$`)

// parseActions accepts actions of any service: those of others are legal and match nothing here. Names are compared
// in lower case.
func parseActions(element string, n node) ([]pattern, error) {
	names, err := stringList(element, n)
	if err != nil {
		return nil, err
	}
	patterns := make([]pattern, len(names))
	for i, name := range names {
		folded := strings.ToLower(name)
		if !action.MatchString(folded) {
			return nil, refuse(element, "%q is malformed: write service:Name, such as ecr-public:PutImage, with * and ? in the name only, or \"*\"", name)
		}
		patterns[i] = pattern(nil).addWildcards(folded)
	}
	return patterns, nil
}

// resources reads ARN patterns. A "*" runs over colons, as IAM lets it: arn:aws:ecr-public:* is everything of the
// service.
func (g *grammar) resources(element string, n node) ([]pattern, error) {
	if g.kind == RepositoryPolicy {
		return nil, refuse(element, "the policy of a repository is for that repository only: remove the element")
	}
	names, err := stringList(element, n)
	if err != nil {
		return nil, err
	}
	patterns := make([]pattern, len(names))
	for i, name := range names {
		if patterns[i], err = g.resource(name); err != nil {
			return nil, refuse(element, "%v", err)
		}
	}
	return patterns, nil
}

// resource allows a variable only behind the fifth colon, as IAM does: the account and service of a statement are fixed.
func (g *grammar) resource(name string) (pattern, error) {
	fixed, hasVariable := name, false
	if g.variables {
		fixed, _, hasVariable = strings.Cut(name, "${")
	}
	whole := strings.Count(fixed, ":") >= arnFields-1
	switch {
	case name == "*":
	case !strings.HasPrefix(name, "arn:"):
		return nil, fmt.Errorf("%q is no ARN: write one such as arn:aws:ecr-public::123456789012:repository/team/*, or \"*\"", name)
	case hasVariable && !whole:
		return nil, fmt.Errorf("%q has a variable before the fifth colon: only what follows may have one", name)
	case !whole && !strings.Contains(name, "*"):
		return nil, fmt.Errorf("%q is incomplete: an ARN has six fields", name)
	}
	return g.pattern(name)
}

// stringList reads a string or a list of them, which must not be empty: a statement for nothing is a mistake.
func stringList(element string, n node) ([]string, error) {
	var list []string
	for _, item := range n.list() {
		if item.kind != textNode {
			return nil, refuse(element, "it has %v: write a string or a list of strings", item.kind)
		}
		list = append(list, item.text)
	}
	if len(list) == 0 {
		return nil, refuse(element, "it is empty: name at least one")
	}
	return list, nil
}
