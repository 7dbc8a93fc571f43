package registry

import (
	"cmp"
	"io"

	"github.com/openecr/openecr/internal/ref"
)

// Limits are what an account may have. The zero value of each is the quota that the real service documents.
type Limits struct {
	Repositories        int   // of an account; 10,000
	ImagesPerRepository int   // 100,000
	TagsPerImage        int   // 1,000
	LayerParts          int   // of an upload through the API; 1,000
	LayerBytes          int64 // of a layer; 10,000 MiB
	ResourceTags        int   // of a repository or registry; 50
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	return Limits{
		Repositories:        cmp.Or(l.Repositories, 10_000),
		ImagesPerRepository: cmp.Or(l.ImagesPerRepository, 100_000),
		TagsPerImage:        cmp.Or(l.TagsPerImage, 1_000),
		LayerParts:          cmp.Or(l.LayerParts, 1_000),
		LayerBytes:          cmp.Or(l.LayerBytes, 10_000<<20),
		ResourceTags:        cmp.Or(l.ResourceTags, 50),
	}
}

func (r *Registry) checkTagCount(n int) error {
	if n > r.limits.ResourceTags {
		return errorf(TooManyResourceTags, "The resource would have %d tags and may have at most %d", n, r.limits.ResourceTags)
	}
	return nil
}

// The checks below run inside the transaction that adds, after the addition: what is over the limit goes with it, and of
// many writers at once exactly as many succeed as there is room for.

func (r *Registry) checkRepositories(tx Tx, account ref.AccountID) error {
	n, err := tx.CountRepositories(account, r.limits.Repositories+1)
	if err == nil && n > r.limits.Repositories {
		err = errorf(LimitExceeded, "The registry with id '%s' already has the maximum allowed number of repositories which is '%d'", account, r.limits.Repositories)
	}
	return err
}

func (r *Registry) checkImages(tx Tx, repo Repository, p Path) error {
	n, err := tx.CountImages(repo.ID)
	if err == nil && n > r.limits.ImagesPerRepository {
		err = errorf(LimitExceeded, "The repository with name '%s' in registry with id '%s' already has the maximum allowed number of images which is '%d'", p.Name, p.Registry, r.limits.ImagesPerRepository)
	}
	return err
}

func (r *Registry) checkImageTags(tx Tx, repo Repository, p Path, image ref.Digest, tag ref.Tag) error {
	tags, err := tx.TagsOf(repo.ID, []ref.Digest{image})
	if err == nil && len(tags) > r.limits.TagsPerImage {
		err = errorf(LimitExceeded, "Adding tag '%s' to an image in the repository with name '%s' in registry with id '%s' exceeds the maximum allowed number of tags per image which is '%d'", tag, p.Name, p.Registry, r.limits.TagsPerImage)
	}
	return err
}

// checkParts comes before the part is read; that it still holds when the upload advances is seen by the offset.
func (r *Registry) checkParts(p Path, up Upload, part Part) error {
	if !part.Counted || up.Parts < r.limits.LayerParts {
		return nil
	}
	return errorf(LimitExceeded, "The upload with id '%s' in the repository with name '%s' in registry with id '%s' already has the maximum allowed number of layer parts which is '%d'", up.ID, p.Name, p.Registry, r.limits.LayerParts)
}

func (r *Registry) layerTooLarge(p Path) error {
	return errorf(LimitExceeded, "The layer for the repository with name '%s' in registry with id '%s' exceeds the maximum allowed size which is '%d' bytes", p.Name, p.Registry, r.limits.LayerBytes)
}

// quotaReader fails with over when its source has more than left bytes.
type quotaReader struct {
	r    io.Reader
	left int64
	over error
}

func (q *quotaReader) Read(b []byte) (int, error) {
	if int64(len(b)) > q.left+1 {
		b = b[:q.left+1]
	}
	n, err := q.r.Read(b)
	if q.left -= int64(n); q.left < 0 {
		return 0, q.over
	}
	return n, err
}
