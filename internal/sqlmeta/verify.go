package sqlmeta

import (
	"encoding/json"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) LayersAfter(repository int64, after ref.Digest, limit int) ([]registry.Layer, error) {
	return all(t, scanLayer,
		`SELECT `+layerColumns+` FROM layer WHERE repository_id = $1 AND digest > $2 ORDER BY digest LIMIT $3`,
		repository, after.Key(), limit)
}

func (t *tx) BlobsAfter(after ref.Digest, limit int) ([]registry.Blob, error) {
	return all(t, scanBlob, `SELECT `+blobColumns+` FROM blob WHERE digest > $1 ORDER BY digest LIMIT $2`, after.Key(), limit)
}

func (t *tx) CountBlobs() (registry.Tally, error) {
	return t.tally(`SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM blob`)
}

func (t *tx) Holders(d ref.Digest) ([]int64, error) {
	return all(t, func(r row, id *int64) error { return r.Scan(id) },
		`SELECT repository_id FROM layer WHERE digest = $1 ORDER BY repository_id`, d.Key())
}

func (t *tx) LoseLayer(repository int64, d ref.Digest) error {
	_, err := t.exec(
		`INSERT INTO image_absent (repository_id, image_digest, layer_digest, media_type)
		SELECT repository_id, image_digest, layer_digest,
			(SELECT media_type FROM layer WHERE layer.repository_id = $1 AND layer.digest = $2)
		FROM image_layer WHERE repository_id = $1 AND layer_digest = $2`,
		repository, d.Key())
	if err != nil {
		return err
	}
	if _, err = t.exec(`DELETE FROM image_layer WHERE repository_id = $1 AND layer_digest = $2`, repository, d.Key()); err != nil {
		return err
	}
	return t.DeleteLayer(repository, d)
}

func (t *tx) DeleteBlob(d ref.Digest) error {
	if _, err := t.exec(`DELETE FROM unused_blob WHERE digest = $1`, d.Key()); err != nil {
		return err
	}
	return t.change("blob "+d.String(), registry.ErrAbsent, `DELETE FROM blob WHERE digest = $1`, d.Key())
}

func (t *tx) InsertQuarantined(q registry.Quarantined) error {
	_, err := t.exec(`INSERT INTO quarantine (kind, locator, content, why, at) VALUES ($1, $2, $3, $4, $5)`,
		q.Kind, textOrNull(q.Locator), string(q.Row), q.Why, q.At.UnixMilli())
	return err
}

func (t *tx) Quarantined() ([]registry.Quarantined, error) {
	return all(t, func(r row, q *registry.Quarantined) error {
		var content string
		err := r.Scan(&q.Kind, &q.Locator, &content, &q.Why, timeColumn{&q.At})
		q.Row = json.RawMessage(content)
		return err
	}, `SELECT kind, coalesce(locator, ''), content, why, at FROM quarantine ORDER BY id`)
}

// textOrNull is s, NULL when it is empty.
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
