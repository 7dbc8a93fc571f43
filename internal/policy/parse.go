package policy

import "slices"

// Kind is what a policy is attached to. It decides which elements a statement must and must not have.
type Kind int

// A repository policy says who may use the repository it is attached to: Principal is required, Resource refused. An
// identity policy says what the holder of an access key may do: Resource is required, Principal refused.
const (
	RepositoryPolicy Kind = iota
	IdentityPolicy
)

// The versions of the policy language. Only the newer one has variables; it is not the default.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Policy is a parsed policy. It does not change, so it can be shared and cached.
type Policy struct {
	kind       Kind
	printed    string
	statements []statement
}

// Parse reads a policy of at least one statement. Every refusal is an [*Error].
//
// It is as strict as the service, and names what it refuses: element names have one spelling, unknown and duplicate
// ones are refused, and so are values an operator could never match (a network that is no network). The length of the
// text is for the caller to limit.
func Parse(source string, kind Kind) (*Policy, error) {
	root, err := readJSON(source)
	if err != nil {
		return nil, refuse("", "%v", err)
	}
	if root.kind != objectNode {
		return nil, refuse("", "it is %v: write an object with Version and Statement", root.kind)
	}
	p := &Policy{kind: kind, printed: printNode(root)}
	g := grammar{kind: kind}
	for i, name := range root.names {
		switch name {
		case "Version":
			err = g.setVersion(root.items[i])
		case "Id":
			err = g.checkID(root.items[i])
		case "Statement":
		default:
			err = refuse(name, "a policy has no such element: it has Version, Id and Statement, in this spelling")
		}
		if err != nil {
			return nil, err
		}
	}
	// After the loop, because Version may stand behind Statement.
	p.statements, err = g.statements(root)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// grammar is what the reading of a statement depends on.
type grammar struct {
	kind      Kind
	variables bool // ${…} is a variable, not text
}

func (g *grammar) setVersion(n node) error {
	if n.kind != textNode || n.text != version2008 && n.text != version2012 {
		return refuse("Version", "write %q or %q", version2012, version2008)
	}
	g.variables = n.text == version2012
	return nil
}

func (g *grammar) checkID(n node) error {
	if g.kind == IdentityPolicy {
		return refuse("Id", "only the policy of a repository has one: remove it")
	}
	if n.kind != textNode {
		return refuse("Id", "it is %v: write a string", n.kind)
	}
	return nil
}

func (g *grammar) statements(root node) ([]statement, error) {
	at := slices.Index(root.names, "Statement")
	if at < 0 || len(root.items[at].list()) == 0 {
		return nil, refuse("Statement", "it is missing: a policy needs at least one statement")
	}
	var statements []statement
	for i, n := range root.items[at].list() {
		s, err := g.statement(n)
		if err != nil {
			return nil, inStatement(err, i+1, s.sid)
		}
		same := func(other statement) bool { return s.sid != "" && other.sid == s.sid }
		if slices.ContainsFunc(statements, same) {
			return nil, inStatement(refuse("Sid", "another statement has the same Sid: they must differ"), i+1, s.sid)
		}
		statements = append(statements, s)
	}
	return statements, nil
}
