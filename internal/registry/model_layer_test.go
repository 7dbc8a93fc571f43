package registry_test

import (
	"io"
	"time"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// modelLayer has a keepUntil that counts only while no image references the layer.
type modelLayer struct {
	size      int64
	mediaType string
	keepUntil time.Time
}

const unnamedLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

func (m *model) addLayer(repo *modelRepository, d ref.Digest, size int64) {
	repo.layers[d] = &modelLayer{size: size, mediaType: unnamedLayer, keepUntil: m.now().Add(2 * registry.Lease)}
	for _, i := range repo.images {
		for _, l := range i.named() {
			if l.Digest == d { // a foreign one: images are not put without the others
				i.held = append(i.held, d)
				repo.layers[d].mediaType = l.MediaType
			}
		}
	}
}

// keep begins the lease of a layer anew.
func (m *model) keep(repo *modelRepository, d ref.Digest) {
	repo.layers[d].keepUntil = m.now().Add(2 * registry.Lease)
}

// status renews the lease when less than a whole one is left.
func (m *model) status(repo *modelRepository, d ref.Digest) registry.LayerStatus {
	l := repo.layers[d]
	if l == nil {
		return registry.LayerStatus{Digest: d}
	}
	if l.keepUntil.Sub(m.now()) < registry.Lease {
		m.keep(repo, d)
	}
	return registry.LayerStatus{Digest: d, Available: true, Size: l.size, MediaType: l.mediaType}
}

// layerCheck is the arguments of CheckLayers.
type layerCheck struct {
	registry.Caller
	registry.Path
	digests []ref.Digest
}

// CheckLayers asks for some layers, some of them twice; or asks again, so that what is remembered must still hold.
func (m *machine) CheckLayers(t *rapid.T) {
	if m.checked.digests == nil || !chance(t, "again", 50) {
		c, p := m.call(t)
		digests := make([]ref.Digest, rapid.IntRange(1, 4).Draw(t, "digests"))
		for i := range digests {
			digests[i] = m.layer(t, c, p)
		}
		m.checked = layerCheck{c, p, digests}
	}
	got, gotErr := m.registry.CheckLayers(t.Context(), m.checked.Caller, m.checked.Path, m.checked.digests)
	var want []registry.LayerStatus
	repo, wantErr := m.model.open(m.checked.Caller, "BatchCheckLayerAvailability", m.checked.Path)
	if wantErr == nil {
		for _, d := range m.checked.digests {
			want = append(want, m.model.status(repo, d))
		}
	}
	agree(t, "CheckLayers", got, gotErr, want, wantErr)
}

func (m *model) findLayer(p registry.Path, d ref.Digest) (*modelRepository, error) {
	repo, err := m.find(p)
	if err == nil && repo.layers[d] == nil {
		err = refusal(registry.LayerNotFound)
	}
	return repo, err
}

// StatLayer is what a pull asks.
func (m *machine) StatLayer(t *rapid.T) {
	p := m.path(t)
	d := m.layer(t, nobody, p)
	got, gotErr := m.registry.StatLayer(t.Context(), p, d)
	var want registry.LayerStatus
	repo, wantErr := m.model.findLayer(p, d)
	if wantErr == nil {
		want = m.model.status(repo, d)
	}
	agree(t, "StatLayer", got, gotErr, want, wantErr)
}

// OpenLayer reads the bytes back.
func (m *machine) OpenLayer(t *rapid.T) {
	p := m.path(t)
	d := m.layer(t, nobody, p)
	got, gotErr := m.registry.OpenLayer(t.Context(), p, d)
	repo, wantErr := m.model.findLayer(p, d)
	agree(t, "OpenLayer", 0, gotErr, 0, wantErr)
	if gotErr != nil {
		return
	}
	bytes, err := io.ReadAll(got)
	if err := got.Close(); err != nil {
		t.Fatal(err)
	}
	agree(t, "bytes", ref.DigestBytes(d.Algorithm(), bytes), err, d, nil)
	agree(t, "size", got.Size, nil, repo.layers[d].size, nil)
}

func (m *model) mount(c registry.Caller, p, from registry.Path, d ref.Digest) (bool, error) {
	repo, err := m.open(c, "InitiateLayerUpload", p)
	if err != nil {
		return false, err
	}
	source, err := m.findLayer(from, d)
	if err != nil {
		return false, nil //nolint:nilerr // whatever the reason, the client uploads it
	}
	if repo.layers[d] != nil {
		m.keep(repo, d)
	} else {
		m.addLayer(repo, d, source.layers[d].size)
	}
	return true, nil
}

// MountLayer takes a layer from another repository, or the same.
func (m *machine) MountLayer(t *rapid.T) {
	c, p := m.call(t)
	from := m.path(t)
	d := m.layer(t, nobody, from)
	got, gotErr := m.registry.MountLayer(t.Context(), c, p, from, d)
	want, wantErr := m.model.mount(c, p, from, d)
	agree(t, "MountLayer", got, gotErr, want, wantErr)
}

// DeleteLayer takes a layer away, unless an image has it.
func (m *machine) DeleteLayer(t *rapid.T) {
	c, p := m.call(t)
	d := m.layer(t, c, p)
	gotErr := m.registry.DeleteLayer(t.Context(), c, p, d)
	repo, wantErr := m.model.open(c, "BatchDeleteImage", p)
	switch {
	case wantErr != nil:
	case repo.layers[d] == nil:
		wantErr = refusal(registry.LayerNotFound)
	case repo.references(d):
		wantErr = refusal(registry.Referenced)
	default:
		delete(repo.layers, d)
	}
	agree(t, "DeleteLayer", 0, gotErr, 0, wantErr)
}

// compareLayers looks at all layers behind the registry's back, for until when they are promised.
func (m *machine) compareLayers() {
	for _, repo := range m.model.repositories {
		m.view(registry.Path{Registry: string(repo.Account), Name: repo.Name}, func(tx registry.Tx, row registry.Repository) error {
			for d, l := range repo.layers {
				want := l.keepUntil
				if repo.references(d) {
					want = time.Time{}
				}
				got, err := tx.Layer(row.ID, d)
				if err != nil {
					return err
				}
				equal(m, "until when layer "+d.String()+" is kept", got.KeepUntil, want)
			}
			return nil
		})
	}
}
