package sqlmeta

import (
	"math"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const tagColumns = `name, image_digest, created_at`

func scanTag(r row, t *registry.Tag) error {
	return r.Scan(&t.Name, digestColumn{&t.Image}, timeColumn{&t.CreatedAt})
}

func (t *tx) Tag(repository int64, name ref.Tag) (registry.Tag, error) {
	return one(t, "tag "+string(name), scanTag,
		`SELECT `+tagColumns+` FROM tag WHERE repository_id = $1 AND name = $2`, repository, name)
}

func (t *tx) Tags(repository int64, after ref.Tag, limit int) ([]registry.Tag, error) {
	if limit == 0 {
		limit = math.MaxInt // no limit, in every database's words
	}
	return all(t, scanTag,
		`SELECT `+tagColumns+` FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3`,
		repository, after, limit)
}

// TagsOf finds the names first: asked for them in order, SQLite would otherwise read all tags of the repository.
func (t *tx) TagsOf(repository int64, images []ref.Digest) ([]registry.Tag, error) {
	return all(t, scanTag,
		`SELECT `+tagColumns+` FROM tag WHERE repository_id = $1 AND name IN (
			SELECT name FROM tag WHERE repository_id = $1 AND image_digest IN ({{digests}})
		) ORDER BY name`,
		repository, t.session.dialect.digests(images))
}

func (t *tx) PutTag(repository int64, tag registry.Tag) error {
	if err := t.mustHaveImage(repository, tag.Image); err != nil {
		return err
	}
	_, err := t.exec(
		`INSERT INTO tag (repository_id, `+tagColumns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository_id, name) DO UPDATE SET image_digest = excluded.image_digest, created_at = excluded.created_at`,
		repository, tag.Name, tag.Image.Key(), tag.CreatedAt.UnixMilli())
	return err
}

func (t *tx) DeleteTag(repository int64, name ref.Tag) error {
	return t.change("tag "+string(name), registry.ErrAbsent,
		`DELETE FROM tag WHERE repository_id = $1 AND name = $2`, repository, name)
}
