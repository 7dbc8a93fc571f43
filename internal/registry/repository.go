package registry

import (
	"context"
	"errors"

	"github.com/openecr/openecr/internal/ref"
)

// CreateRepository makes an empty repository in the caller's registry: one transaction, logo included.
func (r *Registry) CreateRepository(ctx context.Context, c Caller, name ref.RepositoryName, catalog Catalog, tags []ResourceTag) (Repository, error) {
	p := Path{Name: name}.own(c)
	created, err := r.createRepository(ctx, c, p, catalog, tags)
	r.note(c, EventCreateRepository, p, "", err)
	return created, err
}

func (r *Registry) createRepository(ctx context.Context, c Caller, p Path, catalog Catalog, tags []ResourceTag) (Repository, error) {
	name := p.Name
	if err := r.checkResourceTags(tags); err != nil {
		return Repository{}, err
	}
	wanted := Repository{Account: c.Account, Name: name, CreatedAt: r.now(), Tags: tags}
	err := r.authorizeCreation(c, wanted)
	if err != nil {
		return Repository{}, err
	}
	if wanted.Catalog, err = r.prepareCatalog(catalog); err != nil {
		return Repository{}, err
	}
	var created Repository
	err = r.meta.Update(ctx, func(tx Tx) error {
		if err := r.insertRepository(tx, wanted); errors.Is(err, ErrConflict) {
			return errorf(RepositoryAlreadyExists, "The repository with name '%s' already exists in the registry with id '%s'", name, p.Registry)
		} else if err != nil {
			return err
		}
		repo, err := tx.Repository(p.Registry, name)
		if err != nil {
			return err
		}
		created = repo
		return r.announce(tx, c, EventRepositoryCreated, repo, eventData{})
	})
	return created, err
}

// insertRepository makes the row with its logo, unless the account has as many repositories as it may.
func (r *Registry) insertRepository(tx Tx, repo Repository) error {
	id, err := tx.InsertRepository(repo)
	if err != nil {
		return err
	}
	if repo.Catalog.Logo != "" {
		if err := tx.InsertLogo(repo.Catalog.Logo, id, repo.Catalog.LogoFile); err != nil {
			return err
		}
	}
	return r.checkRepositories(tx, repo.Account)
}

// DescribeRepositories are the repositories with the given names, in that order. An unknown name fails the call.
func (r *Registry) DescribeRepositories(ctx context.Context, c Caller, registry string, names []ref.RepositoryName) ([]Repository, error) {
	repos := make([]Repository, len(names))
	err := r.meta.View(ctx, func(tx Tx) error {
		for i, name := range names {
			var err error
			if repos[i], err = r.openRepository(tx, c, "DescribeRepositories", Path{registry, name}.own(c)); err != nil {
				return err
			}
		}
		return nil
	})
	return repos, err
}

// ListRepositories is one page of a registry's repositories, by name.
func (r *Registry) ListRepositories(ctx context.Context, c Caller, registry string, page Page) ([]Repository, NextPage, error) {
	p := Path{Registry: registry}.own(c)
	scope := pageScope(c, "DescribeRepositories", p.Registry)
	after, err := r.openPage(scope, page)
	if err != nil {
		return nil, "", err
	}
	var repos []Repository
	err = r.meta.View(ctx, func(tx Tx) error {
		account, err := findRegistry(tx, p)
		if err != nil {
			return err
		}
		if err := r.authorize(c, repositoryAccess("DescribeRepositories", Repository{Account: account, Name: "*"})); err != nil {
			return err
		}
		repos, err = tx.Repositories(account, ref.RepositoryName(after), page.Size+1)
		return err
	})
	if err != nil || len(repos) <= page.Size {
		return repos, "", err
	}
	repos = repos[:page.Size]
	return repos, r.sealPage(scope, string(repos[page.Size-1].Name)), nil
}

// openRegistry is openRepository for a whole registry.
func (r *Registry) openRegistry(tx Tx, c Caller, action string, p Path) (ref.AccountID, error) {
	account, err := findRegistry(tx, p)
	if err != nil {
		return "", err
	}
	return account, r.authorize(c, registryAccess(action, account))
}

func findRegistry(tx Tx, p Path) (ref.AccountID, error) {
	account, err := tx.Account(ref.AccountID(p.Registry))
	if errors.Is(err, ErrAbsent) {
		return "", registryNotFound(p)
	}
	return account.ID, err
}

// DeleteRepository with everything in it when force is set; otherwise only an empty one. Its name may be used again at
// once: the new repository has another id, so nothing cached about the old one answers for it. Order of effects: see
// updateRepository; its rows go in that one transaction, the bytes of its layers by collection.
func (r *Registry) DeleteRepository(ctx context.Context, c Caller, p Path, force bool) (Repository, error) {
	p = p.own(c)
	var deleted Repository
	err := r.updateRepository(ctx, c, "DeleteRepository", p, func(tx Tx, repo Repository) error {
		images, err := tx.Images(repo.ID, ref.Digest{}, 1)
		if err != nil {
			return err
		}
		if len(images) > 0 && !force {
			return errorf(RepositoryNotEmpty, "The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", p.Name, p.Registry)
		}
		deleted = repo
		if err := r.announce(tx, c, EventRepositoryDeleted, repo, eventData{}); err != nil {
			return err
		}
		return tx.DeleteRepository(repo.ID)
	})
	r.note(c, EventDeleteRepository, p, "", err)
	r.cache.dropRepositories() // also after an error, which may come after the commit
	return deleted, err
}
