package registry

import (
	"context"
	"errors"

	"github.com/openecr/openecr/internal/policy"
)

// SetPolicy replaces the policy of a repository and returns it as it is kept: printed anew. A policy that would keep the
// caller from setting the next one needs force. Order of effects: see updateRepository.
func (r *Registry) SetPolicy(ctx context.Context, c Caller, p Path, text string, force bool) (Repository, error) {
	p = p.own(c)
	next, err := policy.Parse(text, policy.RepositoryPolicy)
	if err != nil {
		return Repository{}, invalidPolicy(err)
	}
	return r.changePolicy(ctx, c, "SetRepositoryPolicy", p, func(repo Repository) (string, error) {
		request := repositoryAccess("SetRepositoryPolicy", repo).request(c)
		if !force && policy.LocksOut(request, identityDecision(c, request), next) {
			return "", invalid("PolicyText", "The policy would keep you from setting another one: use force to set it all the same")
		}
		return next.String(), nil
	})
}

// invalidPolicy words a refusal as the service does, and adds where the mistake is, which the service keeps to itself.
func invalidPolicy(err error) error {
	var refused *policy.Error
	if !errors.As(err, &refused) {
		return err
	}
	e := invalid("PolicyText", refused.Constraint)
	e.Message += " (" + refused.Error() + ")"
	return e
}

// DeletePolicy returns the repository as it was with its policy.
func (r *Registry) DeletePolicy(ctx context.Context, c Caller, p Path) (Repository, error) {
	p = p.own(c)
	var deleted string
	repo, err := r.changePolicy(ctx, c, "DeleteRepositoryPolicy", p, func(repo Repository) (string, error) {
		deleted = repo.Policy
		if repo.Policy == "" {
			return "", policyNotFound(p)
		}
		return "", nil
	})
	repo.Policy = deleted
	return repo, err
}

// changePolicy replaces the policy by what change makes of the repository, and returns it as it then is.
func (r *Registry) changePolicy(ctx context.Context, c Caller, action string, p Path, change func(Repository) (string, error)) (Repository, error) {
	var changed Repository
	err := r.updateRepository(ctx, c, action, p, func(tx Tx, repo Repository) (err error) {
		if repo.Policy, err = change(repo); err != nil {
			return err
		}
		changed = repo
		return tx.UpdateRepository(repo)
	})
	r.cache.dropRepositories() // also after an error, which may come after the commit
	if err != nil {
		return Repository{}, err
	}
	return changed, nil
}

// RepositoryPolicy is a repository that has a policy.
func (r *Registry) RepositoryPolicy(ctx context.Context, c Caller, p Path) (Repository, error) {
	p = p.own(c)
	var found Repository
	err := r.viewRepository(ctx, c, "GetRepositoryPolicy", p, func(_ Tx, repo Repository) error {
		if repo.Policy == "" {
			return policyNotFound(p)
		}
		found = repo
		return nil
	})
	return found, err
}

func policyNotFound(p Path) *Error {
	return errorf(PolicyNotFound, "Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", p.Name, p.Registry)
}
