package policy

import "strings"

// Request is a call that somebody wants to make.
type Request struct {
	Principal        string // ARN of the caller; empty for an anonymous one
	PrincipalAccount string // twelve digits; empty for an anonymous caller
	Action           string // "ecr-public:PutImage"
	Resource         string // ARN of the repository or registry; "*" for an action that has none
	// Context has the values of condition keys: "aws:SourceIp": {"203.0.113.7"}. Keys are found in any case, tag keys
	// behind a slash included, as IAM does; of two that differ in case only, the one spelled as in the policy counts.
	// A key that is not here is absent. aws:PrincipalArn and aws:PrincipalAccount are taken from the fields above.
	Context map[string][]string
}

// values of a condition key, none if the key is absent.
func (r Request) values(key string) []string {
	switch {
	case strings.EqualFold(key, "aws:PrincipalArn"):
		return present(r.Principal)
	case strings.EqualFold(key, "aws:PrincipalAccount"):
		return present(r.PrincipalAccount)
	}
	if values, ok := r.Context[key]; ok {
		return values
	}
	found := key // which is absent
	for name := range r.Context {
		if strings.EqualFold(name, key) && (found == key || name < found) {
			found = name // the least of several, because the order of a map must not decide
		}
	}
	return r.Context[found]
}

func present(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// sameAccount says whether the caller's account owns the resource. What has no owner, "*", counts as the caller's own.
func (r Request) sameAccount() bool {
	if r.Resource == "*" {
		return true
	}
	fields := strings.SplitN(r.Resource, ":", arnFields)
	return r.PrincipalAccount != "" && len(fields) == arnFields && fields[4] == r.PrincipalAccount
}

func (r Request) byRoot() bool {
	return r.Principal == "arn:aws:iam::"+r.PrincipalAccount+":root"
}

// Effect is what policies say of a request.
type Effect int

// NoMatch denies too, unless something else allows.
const (
	NoMatch Effect = iota
	Allow
	ExplicitDeny
)

func (e Effect) String() string {
	switch e {
	case Allow:
		return "allow"
	case ExplicitDeny:
		return "explicit deny"
	}
	return "no match"
}

// Decision is the answer of one side, and the statement it comes from.
//
// The owner of an account, who has no identity policy and may do everything, is Decision{Effect: Allow}.
type Decision struct {
	Effect    Effect
	Statement int    // which statement of its policy, from 1; 0 if none matched
	Sid       string // of that statement, if it has one
}

// String is for logs: `explicit deny by statement 2 (Sid "NoDeletes")`.
func (d Decision) String() string {
	if d.Statement == 0 {
		return d.Effect.String()
	}
	return d.Effect.String() + " by " + statementLabel(d.Statement, d.Sid)
}

// Evaluate asks the policies of one side: those of a key, or that of the repository the request is for. A deny wins over
// any allow, whatever the order. A nil policy says nothing.
func Evaluate(r Request, policies ...*Policy) Decision {
	r.Action = strings.ToLower(r.Action) // as the patterns are
	var decision Decision
	for _, p := range policies {
		if p == nil {
			continue
		}
		for i, s := range p.statements {
			if s.effect == decision.Effect || !s.applies(r, p.kind) {
				continue
			}
			decision = Decision{Effect: s.effect, Statement: i + 1, Sid: s.sid}
			if s.effect == ExplicitDeny {
				return decision
			}
		}
	}
	return decision
}
