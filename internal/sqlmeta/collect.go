package sqlmeta

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) ExpiredLayers(now time.Time, limit int) ([]registry.ExpiredLayer, error) {
	return all(t, func(r row, l *registry.ExpiredLayer) error {
		return r.Scan(&l.Repository, digestColumn{&l.Digest}, &l.Size)
	}, `SELECT repository_id, digest, size FROM layer WHERE keep_until <= $1 ORDER BY keep_until, repository_id, digest LIMIT $2`,
		now.UnixMilli(), limit)
}

// layerGone notes that the blob of a layer that was deleted may be unused now. Whether it is costs a look at all
// repositories' layers of that digest, which is left to collection.
func (t *tx) layerGone(d ref.Digest) error {
	_, err := t.exec(`INSERT INTO unused_blob (digest) VALUES ($1) ON CONFLICT DO NOTHING`, d.Key())
	return err
}

func (t *tx) DeleteUnusedBlobs(limit int) (deleted []registry.Blob, more bool, err error) {
	candidates, err := all(t, func(r row, d *ref.Digest) error { return r.Scan(digestColumn{d}) },
		`DELETE FROM unused_blob WHERE digest IN (SELECT digest FROM unused_blob ORDER BY digest LIMIT $1) RETURNING digest`, limit)
	if err != nil {
		return nil, false, err
	}
	for _, d := range candidates {
		unused, err := all(t, scanBlob,
			`DELETE FROM blob WHERE digest = $1 AND NOT EXISTS (SELECT 1 FROM layer WHERE layer.digest = $1) RETURNING `+blobColumns, d.Key())
		if err != nil {
			return nil, false, err
		}
		deleted = append(deleted, unused...)
	}
	return deleted, len(candidates) == limit, nil
}

func (t *tx) ReleaseBytes(locator string, at time.Time) error {
	return t.insert("released bytes "+locator,
		`INSERT INTO released_bytes (locator, released_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, locator, at.UnixMilli())
}

func (t *tx) ReleasedBytes(until time.Time, limit int) ([]string, error) {
	return all(t, func(r row, locator *string) error { return r.Scan(locator) },
		`SELECT locator FROM released_bytes WHERE released_at <= $1 ORDER BY released_at, locator LIMIT $2`, until.UnixMilli(), limit)
}

func (t *tx) ForgetBytes(locator string) error {
	_, err := t.exec(`DELETE FROM released_bytes WHERE locator = $1`, locator)
	return err
}

func (t *tx) AbandonedUploads(before time.Time, after registry.Upload, limit int) ([]registry.Upload, error) {
	return all(t, scanUpload,
		`SELECT `+uploadColumns+` FROM upload WHERE updated_at < $1 AND (updated_at, id) > ($2, $3) ORDER BY updated_at, id LIMIT $4`,
		before.UnixMilli(), after.UpdatedAt.UnixMilli(), after.ID, limit)
}

func (t *tx) LocatorNamed(locator string) (bool, error) {
	n, err := t.count(
		`SELECT count(*) FROM (
			SELECT 1 FROM blob WHERE locator = $1
			UNION ALL SELECT 1 FROM upload WHERE locator = $1
			UNION ALL SELECT 1 FROM released_bytes WHERE locator = $1
			UNION ALL SELECT 1 FROM quarantine WHERE locator = $1) AS named`,
		locator)
	return n > 0, err
}

// Garbage counts a blob as unused when collection would have taken its last layers before it.
func (t *tx) Garbage(now, abandoned time.Time) (g registry.Garbage, err error) {
	if g.Layers, err = t.tally(`SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM layer WHERE keep_until <= $1`, now.UnixMilli()); err != nil {
		return g, err
	}
	g.Blobs, err = t.tally(
		`SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM blob
		WHERE digest IN (SELECT digest FROM unused_blob UNION ALL SELECT digest FROM layer WHERE keep_until <= $1)
		AND NOT EXISTS (SELECT 1 FROM layer WHERE layer.digest = blob.digest AND (keep_until IS NULL OR keep_until > $1))`,
		now.UnixMilli())
	if err != nil {
		return g, err
	}
	g.Uploads, err = t.tally(`SELECT count(*), CAST(coalesce(sum(byte_offset), 0) AS BIGINT) FROM upload WHERE updated_at < $1`, abandoned.UnixMilli())
	return g, err
}

// tally reads a count and a sum of bytes. Queries cast the sum, because a sum of BIGINT need not be one.
func (t *tx) tally(query string, args ...any) (registry.Tally, error) {
	return one(t, "tally", func(r row, n *registry.Tally) error { return r.Scan(&n.Count, &n.Bytes) }, query, args...)
}
