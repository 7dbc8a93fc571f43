package policy

import "regexp"

// principal is somebody a repository policy names: "*" for everybody, twelve digits for an account, the ARN of a user
// or role, or the name of an AWS service, which never calls here.
type principal string

var (
	accountPrincipal = regexp.MustCompile(`^(?:([0-9]{12})|arn:aws:iam::([0-9]{12}):root)$`)
	iamPrincipal     = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:(?:user|role)/[\w+=,.@/-]+$`)
	servicePrincipal = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com$`)
)

// covers says whether a statement for p is for the caller.
//
// An account stands for everybody in it, but an Allow for the account that owns the repository gives nothing to its
// users: it leaves the matter to their identity policies (IAM User Guide, "AWS account principals": it delegates). So
// a key that is limited to one repository is not freed by such a statement in the policy of another.
func (p principal) covers(r Request, effect Effect) bool {
	switch string(p) {
	case "*":
		return true
	case r.PrincipalAccount:
		return effect == ExplicitDeny || !r.sameAccount() || r.byRoot()
	}
	return string(p) == r.Principal
}

func (g *grammar) principals(n node) ([]principal, error) {
	if g.kind == IdentityPolicy {
		return nil, refuse("Principal", "the policy of a key is for the holder of the key only: remove the element")
	}
	if n.kind == textNode && n.text == "*" {
		return []principal{"*"}, nil
	}
	if n.kind != objectNode || len(n.items) == 0 {
		return nil, refuse("Principal", `write "*" for everybody, or an object such as {"AWS": "123456789012"}`)
	}
	var all []principal
	for i, name := range n.names {
		names, err := stringList("Principal/"+name, n.items[i])
		if err != nil {
			return nil, err
		}
		for _, id := range names {
			p, err := parsePrincipal(name, id)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

func parsePrincipal(kind, id string) (principal, error) {
	switch kind {
	case "AWS":
		if id == "*" || iamPrincipal.MatchString(id) {
			return principal(id), nil
		}
		if m := accountPrincipal.FindStringSubmatch(id); m != nil {
			return principal(m[1] + m[2]), nil
		}
		return "", refusePrincipal("%q is nobody here: write an account id, arn:aws:iam::ACCOUNT:root, arn:aws:iam::ACCOUNT:user/NAME, arn:aws:iam::ACCOUNT:role/NAME or \"*\", without other wildcards", id)
	case "Service":
		if servicePrincipal.MatchString(id) {
			return principal(id), nil
		}
		return "", refusePrincipal("%q is no service: write one such as codebuild.amazonaws.com", id)
	case "Federated", "CanonicalUser":
		return "", refusePrincipal("nobody signs in here as %s: use AWS", kind)
	}
	return "", refuse("Principal", "%q is no kind of principal: use AWS", kind)
}
