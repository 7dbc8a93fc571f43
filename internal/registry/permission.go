package registry

import (
	"github.com/openecr/openecr/internal/ref"
)

// access is one thing that a caller wants to do.
type access struct {
	action   string        // as in IAM, without its prefix
	account  ref.AccountID // whose resource it is
	resource string        // its ARN
}

func repositoryAccess(action string, repo Repository) access {
	return access{action: action, account: repo.Account, resource: ref.RepositoryARN(repo.Account, repo.Name)}
}

func registryAccess(action string, account ref.AccountID) access {
	return access{action: action, account: account, resource: ref.RegistryARN(account)}
}

// authorize decides whether the caller may do it. Every account may do everything in its own registry and nothing in
// another's.
func (r *Registry) authorize(c Caller, a access) error {
	if c.Account == a.account {
		return nil
	}
	if c.Anonymous() {
		return errorf(AccessDenied, "An anonymous caller is not authorized to perform: ecr-public:%s on resource: %s because it needs a signed-in account", a.action, a.resource)
	}
	return errorf(AccessDenied, "User: %s is not authorized to perform: ecr-public:%s on resource: %s because no resource-based policy allows the ecr-public:%s action", c.ARN, a.action, a.resource, a.action)
}

// authorizeCreation decides whether the caller may make the repository.
func (r *Registry) authorizeCreation(c Caller, repo Repository) error {
	return r.authorize(c, repositoryAccess("CreateRepository", repo))
}
