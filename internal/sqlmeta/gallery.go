package sqlmeta

import (
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var _ registry.GalleryTx = (*tx)(nil)

// foundTags are those of repository $1 whose name is like $2, but for those that stand for a digest: 71 is the length of
// "sha256-" and a digest.
const foundTags = `t.repository_id = $1 AND lower(t.name) LIKE $2 ESCAPE '\'
	AND NOT (t.name >= 'sha256-' AND t.name < 'sha256.' AND length(t.name) >= 71)`

// containing is the pattern of all texts that have this one in them, in lower case.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(text)) + "%"
}

func (t *tx) FindTags(repository int64, text string, sort registry.TagSort, offset, limit int) ([]registry.Tag, error) {
	from, order := "tag AS t", "t.created_at DESC, t.name"
	switch sort {
	case registry.TagsByDate, "":
	case registry.TagsByName:
		order = "t.name"
	case registry.TagsBySize:
		from = "tag AS t JOIN image AS i ON i.repository_id = t.repository_id AND i.digest = t.image_digest"
		order = "i.size DESC, t.name"
	default:
		return nil, fmt.Errorf("metadata: order %q of tags is unknown", sort)
	}
	return all(t, scanTag,
		`SELECT t.name, t.image_digest, t.created_at FROM `+from+` WHERE `+foundTags+` ORDER BY `+order+` LIMIT $3 OFFSET $4`,
		repository, containing(text), limit, offset)
}

func (t *tx) CountTags(repository int64, text string) (int, error) {
	return t.count(`SELECT count(*) FROM tag AS t WHERE `+foundTags, repository, containing(text))
}

func (t *tx) TagsNamed(repository int64, names []ref.Tag) ([]registry.Tag, error) {
	return all(t, scanTag, `SELECT `+tagColumns+` FROM tag WHERE repository_id = $1 AND name IN ({{texts}})`,
		repository, t.session.dialect.list(texts(names)))
}

func (t *tx) ReferrersOf(repository int64, subjects []ref.Digest, limit int) ([]registry.Image, error) {
	return all(t, scanImage,
		`SELECT `+imageColumns+` FROM image WHERE repository_id = $1 AND subject IN ({{digests}}) LIMIT $3`,
		repository, t.session.dialect.digests(subjects), limit)
}

func (t *tx) ImagesWithLayer(repository int64, layer ref.Digest, limit int) ([]ref.Digest, error) {
	return all(t, func(r row, d *ref.Digest) error { return r.Scan(digestColumn{d}) },
		`SELECT image_digest FROM image_layer WHERE repository_id = $1 AND layer_digest = $2 ORDER BY image_digest LIMIT $3`,
		repository, layer.Key(), limit)
}

func (t *tx) CountImagesWithLayer(repository int64, layer ref.Digest, limit int) (int, error) {
	return t.count(`SELECT count(*) FROM (SELECT 1 FROM image_layer WHERE repository_id = $1 AND layer_digest = $2 LIMIT $3) AS i`,
		repository, layer.Key(), limit)
}
