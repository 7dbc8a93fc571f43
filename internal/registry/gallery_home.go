package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openecr/openecr/internal/ref"
)

const (
	homeListings   = 12
	homePublishers = 24
)

// Home is what a visitor sees first.
func (r *Registry) Home(ctx context.Context) (Home, error) {
	var home Home
	err := r.meta.View(ctx, func(tx Tx) error {
		featured, err := tx.FindListed(Match{Verified: true}, OrderDownloads, homeListings)
		if err == nil && len(featured) == 0 {
			featured, err = tx.FindListed(Match{}, OrderDownloads, homeListings)
		}
		if err != nil {
			return err
		}
		recent, err := tx.FindListed(Match{}, OrderPushed, homeListings)
		if err != nil {
			return err
		}
		var h Home
		if h.Featured, err = r.listings(tx, featured); err != nil {
			return err
		}
		if h.Recent, err = r.listings(tx, recent); err != nil {
			return err
		}
		if h.Publishers, err = tx.Publishers(true, homePublishers); err != nil {
			return err
		}
		for i, p := range h.Publishers {
			h.Publishers[i] = p.named()
		}
		home = h
		return nil
	})
	return home, err
}

// Publisher is one page of a registry, by alias or account id. The first page is 1. Kind RegistryNotFound.
func (r *Registry) Publisher(ctx context.Context, registry string, page, size int) (PublisherPage, error) {
	page, size = max(page, 1), min(max(size, 1), MaxSearchPage)
	var result PublisherPage
	err := r.meta.View(ctx, func(tx Tx) error {
		account, err := publicAccount(tx, registry)
		if err != nil {
			return err
		}
		var p PublisherPage
		if p.Publisher, err = publisher(tx, account); err != nil {
			return err
		}
		if p.Total, p.Downloads, err = tx.CountListed(account); err != nil {
			return err
		}
		first := min((page-1)*size, p.Total)
		ids, err := tx.FindListed(Match{Account: account}, OrderName, min(first+size, p.Total))
		if err != nil {
			return err
		}
		p.Listings, err = r.listings(tx, ids[first:])
		result = p
		return err
	})
	return result, err
}

func publisher(tx Tx, id ref.AccountID) (Publisher, error) {
	detail, err := accountDetail(tx, id)
	if err != nil {
		return Publisher{}, err
	}
	profile, err := tx.Profile(id)
	p := Publisher{Account: id, Verified: detail.Verified}
	if len(detail.Aliases) > 0 {
		p.Alias = detail.Aliases[0].Name
	}
	if profile.DisplayName != nil {
		p.DisplayName = *profile.DisplayName
	}
	return p.named(), err
}

// NewTags are the tags that were set last, newest first, of one repository, or of a whole registry when name is empty.
// Mere attachments are left out. Kinds RegistryNotFound, RepositoryNotFound.
func (r *Registry) NewTags(ctx context.Context, registry string, name ref.RepositoryName, limit int) ([]NewTag, error) {
	var tags []NewTag
	err := r.meta.View(ctx, func(tx Tx) error {
		repos, err := feedRepositories(tx, registry, name, limit)
		if err != nil {
			return err
		}
		var list []NewTag
		for _, repo := range repos {
			newest, err := newTags(tx, repo, limit)
			if err != nil {
				return err
			}
			list = append(list, newest...)
		}
		slices.SortStableFunc(list, func(a, b NewTag) int { return b.CreatedAt.Compare(a.CreatedAt) })
		tags = list[:min(len(list), limit)]
		return nil
	})
	if err != nil && KindOf(err) == Internal {
		return nil, fmt.Errorf("new tags: %w", err)
	}
	return tags, err
}

// feedRepositories are those whose newest tags can be among the newest of all: as many as there are tags wanted.
func feedRepositories(tx Tx, registry string, name ref.RepositoryName, limit int) ([]Repository, error) {
	if name != "" {
		repo, err := openPublic(tx, Path{registry, name})
		return []Repository{repo}, err
	}
	account, err := publicAccount(tx, registry)
	if err != nil {
		return nil, err
	}
	ids, err := tx.FindListed(Match{Account: account}, OrderPushed, limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	listed, err := tx.Listings(ids)
	repos := make([]Repository, len(listed))
	for i, l := range listed {
		repos[i] = Repository{ID: l.Repository, Alias: l.Publisher.Alias, Name: l.Name}
	}
	return repos, err
}

func newTags(tx Tx, repo Repository, limit int) ([]NewTag, error) {
	tags, err := tx.FindTags(repo.ID, "", TagsByDate, 0, limit)
	if err != nil {
		return nil, err
	}
	details, err := withImages(tx, repo, tags)
	list := make([]NewTag, len(details))
	for i, d := range details {
		list[i] = NewTag{Registry: repo.Alias, Name: repo.Name, Tag: d.Tag, Size: d.Image.Size}
	}
	return list, err
}

// ListedRepositories are at most limit listed repositories whose id comes after the given one.
func (r *Registry) ListedRepositories(ctx context.Context, after int64, limit int) ([]ListedRepository, error) {
	var list []ListedRepository
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		list, err = tx.ListedAfter(after, limit)
		return err
	})
	return list, err
}

// listingOf is what a list would show of a repository, whether it is listed or not.
func (r *Registry) listingOf(tx Tx, repo Repository) (Listing, error) {
	row, err := tx.ListingRow(repo.ID)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return Listing{}, err
	}
	p, err := publisher(tx, repo.Account)
	if err != nil {
		return Listing{}, err
	}
	downloads, err := tx.DownloadTotal(repo.ID)
	row.Name, row.Downloads = repo.Name, cmp.Or(row.Downloads, downloads)
	return r.listing(Listed{ListingRow: row, Publisher: p, Catalog: repo.Catalog}), err
}
