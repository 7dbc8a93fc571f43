package registry

import (
	"context"

	"github.com/openecr/openecr/internal/ref"
)

// PublicTags is one page of a repository's tags with their images, by name: DescribeTags for everybody.
func (r *Registry) PublicTags(ctx context.Context, p Path, page Page) ([]TagDetail, NextPage, error) {
	var details []TagDetail
	var next NextPage
	err := r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		details, next, err = r.tagPage(tx, repo, pageScope(Caller{}, "PublicTags", ref.RepositoryARN(repo.Account, repo.Name)), page)
		return err
	})
	return details, next, err
}

func (r *Registry) tagPage(tx Tx, repo Repository, scope string, page Page) ([]TagDetail, NextPage, error) {
	after, err := r.openPage(scope, page)
	if err != nil {
		return nil, "", err
	}
	tags, err := tx.Tags(repo.ID, ref.Tag(after), page.Size+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(tags) > page.Size {
		tags = tags[:page.Size]
		next = r.sealPage(scope, string(tags[page.Size-1].Name))
	}
	details, err := withImages(tx, repo, tags)
	return details, next, err
}
