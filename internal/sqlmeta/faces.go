package sqlmeta

import (
	"encoding/json"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (t *tx) PutFace(repository int64, f registry.Face) error {
	platforms, err := json.Marshal(f.Platforms)
	if err != nil {
		return t.fail(err)
	}
	_, err = t.exec(
		`INSERT INTO image_face (repository_id, image_digest, systems, architectures, kinds, platforms) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (repository_id, image_digest) DO UPDATE SET systems = excluded.systems, architectures = excluded.architectures,
			kinds = excluded.kinds, platforms = excluded.platforms`,
		repository, f.Image.Key(), f.Traits.Systems, f.Traits.Architectures, f.Traits.Kinds, string(platforms))
	return err
}

func (t *tx) Faces(repository int64, images []ref.Digest) ([]registry.Face, error) {
	return all(t, func(r row, f *registry.Face) error {
		return r.Scan(digestColumn{&f.Image}, &f.Traits.Systems, &f.Traits.Architectures, &f.Traits.Kinds, jsonColumn{&f.Platforms})
	}, `SELECT image_digest, systems, architectures, kinds, platforms FROM image_face
		WHERE repository_id = $1 AND image_digest IN ({{digests}})`, repository, t.session.dialect.digests(images))
}

// RepositoryTraits reads an index that is ordered by traits, of which there are few that differ.
func (t *tx) RepositoryTraits(repository int64) (registry.Traits, time.Time, error) {
	faces, err := all(t, func(r row, f *registry.Traits) error { return r.Scan(&f.Systems, &f.Architectures, &f.Kinds) },
		`SELECT DISTINCT systems, architectures, kinds FROM image_face WHERE repository_id = $1`, repository)
	if err != nil {
		return registry.Traits{}, time.Time{}, err
	}
	var together registry.Traits
	for _, f := range faces {
		together.Systems |= f.Systems
		together.Architectures |= f.Architectures
		together.Kinds |= f.Kinds
	}
	newest, err := one(t, "newest push", func(r row, at *time.Time) error { return r.Scan(timeColumn{at}) },
		`SELECT max(pushed_at) FROM image WHERE repository_id = $1`, repository)
	return together, newest, err
}
