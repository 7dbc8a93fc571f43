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
	return t.insert("layer "+l.Digest.String(),
		`INSERT INTO layer (repository_id, `+layerColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		repository, l.Digest.Key(), l.Size, l.MediaType, orNull(l.KeepUntil))
}

// KeepLayers leaves referenced layers alone because their NULL compares with nothing.
func (t *tx) KeepLayers(repository int64, digests []ref.Digest, until time.Time) error {
	_, err := t.exec(
		`UPDATE layer SET keep_until = $3 WHERE repository_id = $1 AND digest IN ({{digests}}) AND keep_until < $3`,
		repository, t.session.dialect.digests(digests), until.UnixMilli())
	return err
}

const blobColumns = `digest, size, locator, created_at`

func (t *tx) Blob(d ref.Digest) (registry.Blob, error) {
	return one(t, "blob "+d.String(), func(r row, b *registry.Blob) error {
		return r.Scan(digestColumn{&b.Digest}, &b.Size, &b.Locator, timeColumn{&b.CreatedAt})
	}, `SELECT `+blobColumns+` FROM blob WHERE digest = $1`, d.Key())
}

func (t *tx) InsertBlob(b registry.Blob) error {
	return t.insert("blob "+b.Digest.String(),
		`INSERT INTO blob (`+blobColumns+`) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		b.Digest.Key(), b.Size, b.Locator, b.CreatedAt.UnixMilli())
}
