package sqlmeta

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const imageColumns = `digest, media_type, artifact_media_type, artifact_type, size, pushed_at, subject`

// imageFields are where imageColumns go.
func imageFields(i *registry.Image) []any {
	return []any{
		digestColumn{&i.Digest}, &i.MediaType, &i.ArtifactMediaType, &i.ArtifactType, &i.Size, timeColumn{&i.PushedAt}, digestColumn{&i.Subject},
	}
}

func scanImage(r row, i *registry.Image) error {
	return r.Scan(imageFields(i)...)
}

func (t *tx) Image(repository int64, d ref.Digest) (registry.Image, error) {
	return one(t, "image "+d.String(), func(r row, i *registry.Image) error {
		return r.Scan(append(imageFields(i), &i.Manifest)...)
	}, `SELECT `+imageColumns+`, manifest FROM image WHERE repository_id = $1 AND digest = $2`, repository, d.Key())
}

func (t *tx) Images(repository int64, after ref.Digest, limit int) ([]registry.Image, error) {
	return all(t, scanImage,
		`SELECT `+imageColumns+` FROM image WHERE repository_id = $1 AND digest > $2 ORDER BY digest LIMIT $3`,
		repository, after.Key(), limit)
}

func (t *tx) ImagesByDigest(repository int64, digests []ref.Digest) ([]registry.Image, error) {
	return all(t, scanImage,
		`SELECT `+imageColumns+` FROM image WHERE repository_id = $1 AND digest IN ({{digests}})`,
		repository, t.session.dialect.digests(digests))
}

func (t *tx) InsertImage(repository int64, i registry.Image) error {
	err := t.insert("image "+i.Digest.String(),
		`INSERT INTO image (repository_id, `+imageColumns+`, manifest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		repository, i.Digest.Key(), i.MediaType, i.ArtifactMediaType, i.ArtifactType, i.Size, i.PushedAt.UnixMilli(), keyOrNull(i.Subject), i.Manifest)
	if err != nil {
		return err
	}
	for _, l := range i.Layers {
		if err := t.referToLayer(repository, i.Digest, l); err != nil {
			return t.fail(err) // the image stands there without its layers
		}
	}
	for _, l := range i.Absent {
		if err := t.referToAbsent(repository, i.Digest, l); err != nil {
			return err
		}
	}
	for _, child := range i.Children {
		if err := t.referToChild(repository, i.Digest, child); err != nil {
			return t.fail(err)
		}
	}
	return t.countImage(repository, +1)
}

// countImage keeps CountImages right.
func (t *tx) countImage(repository int64, change int) error {
	_, err := t.exec(
		`INSERT INTO image_count (repository_id, images) VALUES ($1, $2)
		ON CONFLICT (repository_id) DO UPDATE SET images = image_count.images + excluded.images`,
		repository, change)
	return err
}

// referToLayer is idempotent: a manifest may name a layer many times.
func (t *tx) referToLayer(repository int64, image ref.Digest, l registry.Descriptor) error {
	err := t.change("layer "+l.Digest.String(), registry.ErrAbsent,
		`UPDATE layer SET keep_until = NULL, media_type = $3 WHERE repository_id = $1 AND digest = $2`,
		repository, l.Digest.Key(), l.MediaType)
	if err != nil {
		return err
	}
	_, err = t.exec(
		`INSERT INTO image_layer (repository_id, image_digest, layer_digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		repository, image.Key(), l.Digest.Key())
	return err
}

// referToAbsent is idempotent like referToLayer; of two media types for one layer the first counts.
func (t *tx) referToAbsent(repository int64, image ref.Digest, l registry.Descriptor) error {
	_, err := t.exec(
		`INSERT INTO image_absent (repository_id, image_digest, layer_digest, media_type) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		repository, image.Key(), l.Digest.Key(), l.MediaType)
	return err
}

func (t *tx) referToChild(repository int64, image, child ref.Digest) error {
	if err := t.mustHaveImage(repository, child); err != nil {
		return err
	}
	_, err := t.exec(
		`INSERT INTO image_child (repository_id, image_digest, child_digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		repository, image.Key(), child.Key())
	return err
}

// mustHaveImage turns what the foreign key would refuse as a failure of the store into ErrAbsent.
func (t *tx) mustHaveImage(repository int64, d ref.Digest) error {
	_, err := one(t, "image "+d.String(), func(r row, found *int) error { return r.Scan(found) },
		`SELECT 1 FROM image WHERE repository_id = $1 AND digest = $2`, repository, d.Key())
	return err
}

func (t *tx) DeleteImage(repository int64, d ref.Digest, keepUntil time.Time) error {
	_, err := t.exec(
		`UPDATE layer SET keep_until = $3 WHERE repository_id = $1
		AND digest IN (SELECT layer_digest FROM image_layer WHERE repository_id = $1 AND image_digest = $2)
		AND NOT EXISTS (SELECT 1 FROM image_layer AS other
			WHERE other.repository_id = $1 AND other.layer_digest = layer.digest AND other.image_digest <> $2)`,
		repository, d.Key(), keepUntil.UnixMilli())
	if err != nil {
		return err
	}
	for _, references := range []string{
		`DELETE FROM tag WHERE repository_id = $1 AND image_digest = $2`,
		`DELETE FROM image_face WHERE repository_id = $1 AND image_digest = $2`,
		`DELETE FROM image_layer WHERE repository_id = $1 AND image_digest = $2`,
		`DELETE FROM image_absent WHERE repository_id = $1 AND image_digest = $2`,
		`DELETE FROM image_child WHERE repository_id = $1 AND image_digest = $2`,
	} {
		if _, err := t.exec(references, repository, d.Key()); err != nil {
			return err
		}
	}
	err = t.change("image "+d.String(), registry.ErrAbsent,
		`DELETE FROM image WHERE repository_id = $1 AND digest = $2`, repository, d.Key())
	if err != nil {
		return err
	}
	return t.countImage(repository, -1)
}

func (t *tx) CountImages(repository int64) (int, error) {
	return t.count(`SELECT coalesce((SELECT images FROM image_count WHERE repository_id = $1), 0)`, repository)
}

func (t *tx) ImageParents(repository int64, d ref.Digest) ([]ref.Digest, error) {
	return all(t, func(r row, parent *ref.Digest) error { return r.Scan(digestColumn{parent}) },
		`SELECT image_digest FROM image_child WHERE repository_id = $1 AND child_digest = $2 ORDER BY image_digest`,
		repository, d.Key())
}

func (t *tx) Referrers(repository int64, subject ref.Digest, artifactType *string, after ref.Digest, limit int) ([]registry.Image, error) {
	filter, args := "", []any{repository, subject.Key(), after.Key(), limit}
	if artifactType != nil {
		filter, args = "AND artifact_type = $5", append(args, *artifactType)
	}
	return all(t, scanImage,
		`SELECT `+imageColumns+` FROM image WHERE repository_id = $1 AND subject = $2 AND digest > $3 `+filter+`
		ORDER BY digest LIMIT $4`, args...)
}
