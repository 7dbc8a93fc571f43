package registry

import (
	"context"
	"strings"
)

// prepareCatalog makes a row's catalog of what an owner sent: an image file becomes the logo to be kept, under an id of
// its own, so that an address never shows two images.
func (r *Registry) prepareCatalog(c Catalog) (Catalog, error) {
	c.Logo = ""
	if len(c.LogoFile) == 0 {
		return c, nil
	}
	image, err := r.encodeLogo(c.LogoFile)
	if err != nil {
		return Catalog{}, err
	}
	c.Logo, c.LogoFile = newUUID(), image
	return c, nil
}

// PutCatalog replaces all that the gallery shows about a repository: what is not given is gone afterwards, its logo too
// unless it is kept. Order of effects: see updateRepository; the logo is a row of the same transaction.
func (r *Registry) PutCatalog(ctx context.Context, c Caller, p Path, catalog Catalog) (Catalog, error) {
	const action = "PutRepositoryCatalogData"
	p = p.own(c)
	// Asked once more in the transaction; this is so that nobody has images decoded who may not put them.
	err := r.viewRepository(ctx, c, action, p, func(Tx, Repository) error { return nil })
	if err != nil {
		return Catalog{}, err
	}
	if catalog, err = r.prepareCatalog(catalog); err != nil {
		return Catalog{}, err
	}
	var stored Catalog
	err = r.updateRepository(ctx, c, action, p, func(tx Tx, repo Repository) error {
		next := catalog
		if catalog.KeepLogo && catalog.Logo == "" {
			next.Logo = repo.Catalog.Logo
		} else if err := replaceLogo(tx, repo, catalog); err != nil {
			return err
		}
		next.LogoFile, next.KeepLogo = nil, false
		repo.Catalog, stored = next, next
		if err := tx.UpdateRepository(repo); err != nil {
			return err
		}
		return list(tx, repo)
	})
	return stored, err
}

func replaceLogo(tx Tx, repo Repository, next Catalog) error {
	if repo.Catalog.Logo != "" {
		if err := tx.DeleteLogo(repo.Catalog.Logo); err != nil {
			return err
		}
	}
	if next.Logo == "" {
		return nil
	}
	return tx.InsertLogo(next.Logo, repo.ID, next.LogoFile)
}

// RepositoryCatalog is what the gallery shows about a repository. A repository about which nothing was ever said has an
// empty one: the API models an exception for that, but Terraform reads the catalog of every repository it makes and
// takes any exception for a failure, so the real service cannot answer with it.
func (r *Registry) RepositoryCatalog(ctx context.Context, c Caller, p Path) (Catalog, error) {
	var catalog Catalog
	err := r.viewRepository(ctx, c, "GetRepositoryCatalogData", p.own(c), func(_ Tx, repo Repository) error {
		catalog = repo.Catalog
		return nil
	})
	return catalog, err
}

// PutDisplayName sets the name under which the gallery shows the caller's registry; nil takes it back.
func (r *Registry) PutDisplayName(ctx context.Context, c Caller, name *string) error {
	if name != nil && strings.ContainsRune(*name, 0) {
		return invalid("displayName", "Member must not contain a zero byte")
	}
	return r.meta.Update(ctx, func(tx Tx) error {
		account, err := r.openRegistry(tx, c, "PutRegistryCatalogData", Path{}.own(c))
		if err != nil {
			return err
		}
		data, err := tx.Profile(account)
		if err != nil {
			return err
		}
		data.DisplayName = name
		if err := tx.PutProfile(account, data); err != nil {
			return err
		}
		return relistAll(tx, account)
	})
}

// DisplayName is the name of the caller's registry, nil when it has none.
func (r *Registry) DisplayName(ctx context.Context, c Caller) (*string, error) {
	var name *string
	err := r.meta.View(ctx, func(tx Tx) error {
		account, err := r.openRegistry(tx, c, "GetRegistryCatalogData", Path{}.own(c))
		if err != nil {
			return err
		}
		data, err := tx.Profile(account)
		name = data.DisplayName
		return err
	})
	return name, err
}
