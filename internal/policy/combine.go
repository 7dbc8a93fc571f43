package policy

import (
	"cmp"
	"fmt"
)

// Combine makes one answer of both sides: nil if the request is allowed, otherwise a [*Denied].
//
// An explicit deny on either side wins. In the account that owns the resource one allow is enough; for a caller from
// another account both sides must allow (IAM User Guide, "Policy evaluation logic").
func Combine(r Request, identity, repository Decision) error {
	switch {
	case identity.Effect == ExplicitDeny:
		return &Denied{r, IdentityPolicy, identity}
	case repository.Effect == ExplicitDeny:
		return &Denied{r, RepositoryPolicy, repository}
	case r.sameAccount() && repository.Effect == Allow:
		return nil
	case identity.Effect != Allow:
		return &Denied{r, IdentityPolicy, identity}
	case !r.sameAccount() && repository.Effect != Allow:
		return &Denied{r, RepositoryPolicy, repository}
	}
	return nil
}

// LocksOut says whether the caller could not set another policy once next is in force. The service then asks for force.
//
// The request is the caller's SetRepositoryPolicy, and identity what the caller's own policies say of it.
func LocksOut(r Request, identity Decision, next *Policy) bool {
	return Combine(r, identity, Evaluate(r, next)) != nil
}

// Denied is a refusal. Its text is what the service answers with AccessDeniedException.
type Denied struct {
	Request  Request
	By       Kind     // the side that refused
	Decision Decision // NoMatch, or ExplicitDeny with its statement: for logs, the text does not name it
}

func (d *Denied) Error() string {
	who := cmp.Or(d.Request.Principal, "anonymous")
	article, side := "an", "identity-based"
	if d.By == RepositoryPolicy {
		article, side = "a", "resource-based"
	}
	refusal := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", who, d.Request.Action, d.Request.Resource)
	if d.Decision.Effect == ExplicitDeny {
		return fmt.Sprintf("%s with an explicit deny in %s %s policy", refusal, article, side)
	}
	return fmt.Sprintf("%s because no %s policy allows the %s action", refusal, side, d.Request.Action)
}
