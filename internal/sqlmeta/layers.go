package sqlmeta

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const layerColumns = `digest, size, media_type, keep_until`

func scanLayer(r row, l *registry.Layer) error {
	return r.Scan(digestColumn{&l.Digest}, &l.Size, &l.MediaType, timeColumn{&l.KeepUntil})
}

func (t *tx) Layer(repository int64, d ref.Digest) (registry.Layer, error) {
	return one(t, "layer "+d.String(), scanLayer,
		`SELECT `+layerColumns+` FROM layer WHERE repository_id = $1 AND digest = $2`, repository, d.Key())
}

func (t *tx) Layers(repository int64, digests []ref.Digest) ([]registry.Layer, error) {
	return all(t, scanLayer,
		`SELECT `+layerColumns+` FROM layer WHERE repository_id = $1 AND digest IN ({{digests}})`,
		repository, t.session.dialect.digests(digests))
}

func (t *tx) InsertLayer(repository int64, l registry.Layer) error {
	err := t.insert("layer "+l.Digest.String(),
		`INSERT INTO layer (repository_id, `+layerColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		repository, l.Digest.Key(), l.Size, l.MediaType, orNull(l.KeepUntil))
	if err != nil {
		return err
	}
	return t.referToArrived(repository, l.Digest)
}

// referToArrived has the images refer to a layer that they named before it was there.
func (t *tx) referToArrived(repository int64, d ref.Digest) error {
	n, err := t.exec(
		`INSERT INTO image_layer (repository_id, image_digest, layer_digest)
		SELECT repository_id, image_digest, layer_digest FROM image_absent WHERE repository_id = $1 AND layer_digest = $2`,
		repository, d.Key())
	if err != nil || n == 0 {
		return err
	}
	_, err = t.exec(
		`UPDATE layer SET keep_until = NULL, media_type = (SELECT image_absent.media_type
			FROM image_absent JOIN image ON image.repository_id = image_absent.repository_id AND image.digest = image_absent.image_digest
			WHERE image_absent.repository_id = $1 AND layer_digest = $2 ORDER BY pushed_at DESC, image_digest LIMIT 1)
		WHERE repository_id = $1 AND digest = $2`,
		repository, d.Key())
	if err != nil {
		return err
	}
	_, err = t.exec(`DELETE FROM image_absent WHERE repository_id = $1 AND layer_digest = $2`, repository, d.Key())
	return err
}

// KeepLayers leaves referenced layers alone because their NULL compares with nothing.
func (t *tx) KeepLayers(repository int64, digests []ref.Digest, until time.Time) error {
	_, err := t.exec(
		`UPDATE layer SET keep_until = $3 WHERE repository_id = $1 AND digest IN ({{digests}}) AND keep_until < $3`,
		repository, t.session.dialect.digests(digests), until.UnixMilli())
	return err
}

func (t *tx) DeleteLayer(repository int64, d ref.Digest) error {
	err := t.change("layer "+d.String(), registry.ErrAbsent,
		`DELETE FROM layer WHERE repository_id = $1 AND digest = $2`, repository, d.Key())
	if err != nil {
		return err
	}
	return t.layerGone(d)
}

const blobColumns = `digest, size, locator, created_at`

func scanBlob(r row, b *registry.Blob) error {
	return r.Scan(digestColumn{&b.Digest}, &b.Size, &b.Locator, timeColumn{&b.CreatedAt})
}

func (t *tx) Blob(d ref.Digest) (registry.Blob, error) {
	return one(t, "blob "+d.String(), scanBlob, `SELECT `+blobColumns+` FROM blob WHERE digest = $1`, d.Key())
}

func (t *tx) InsertBlob(b registry.Blob) error {
	return t.insert("blob "+b.Digest.String(),
		`INSERT INTO blob (`+blobColumns+`) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		b.Digest.Key(), b.Size, b.Locator, b.CreatedAt.UnixMilli())
}
