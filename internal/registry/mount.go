package registry

import (
	"context"
	"errors"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// MountLayer gives the repository a layer that another one has, without moving bytes. It says false when the source does
// not have it, whatever the reason: a push then goes on with an upload. The answer true is a promise like that of an
// upload (invariant 2).
//
// The source must be named: to look for it everywhere would tell strangers what other repositories hold (invariant 5).
// Everybody may read every repository, so whoever may push here may mount from there.
func (r *Registry) MountLayer(ctx context.Context, c Caller, p, from Path, d ref.Digest) (bool, error) {
	p = p.own(c)
	var mounted bool
	mount := func(tx Tx, repo Repository) error {
		mounted = false
		layer, err := sourceLayer(tx, from, d)
		if errors.Is(err, ErrAbsent) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := addLayer(tx, repo, layer.Digest, layer.Size, r.promise()); err != nil {
			return err
		}
		mounted = true
		return nil
	}
	err := settle(func(bool) error { return r.updateRepository(ctx, c, "InitiateLayerUpload", p, mount) })
	if mounted && err == nil {
		r.observe.LayerMounted()
	}
	return mounted, err
}

// sourceLayer is ErrAbsent when the registry, the repository or the layer is.
func sourceLayer(tx Tx, from Path, d ref.Digest) (Layer, error) {
	source, err := tx.Repository(from.Registry, from.Name)
	if err != nil {
		return Layer{}, err
	}
	return tx.Layer(source.ID, d)
}

// addLayer makes stored bytes a layer of the repository, or promises the one it has for longer.
func addLayer(tx Tx, repo Repository, d ref.Digest, size int64, keepUntil time.Time) error {
	_, err := tx.Layer(repo.ID, d)
	if errors.Is(err, ErrAbsent) {
		return tx.InsertLayer(repo.ID, Layer{Digest: d, Size: size, MediaType: defaultLayerMediaType, KeepUntil: keepUntil})
	}
	if err != nil {
		return err
	}
	return tx.KeepLayers(repo.ID, []ref.Digest{d}, keepUntil)
}
