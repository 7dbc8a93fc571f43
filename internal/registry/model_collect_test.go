package registry_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// collect says how many layers and uploads go.
func (m *model) collect() (layers, uploads int64) {
	for _, repo := range m.repositories {
		for d, l := range repo.layers {
			if !repo.references(d) && !l.keepUntil.After(m.now()) {
				delete(repo.layers, d)
				layers++
			}
		}
	}
	for id, up := range m.uploads {
		if m.now().Sub(up.updatedAt) > 24*time.Hour {
			delete(m.uploads, id)
			if m.repositories[repositoryKey{up.repository.Account, up.repository.Name}] == up.repository {
				uploads++ // those of deleted repositories went with them
			}
		}
	}
	return layers, uploads
}

// Collect takes what is not promised, and nothing else.
func (m *machine) Collect(t *rapid.T) {
	got, err := m.registry.Collect(t.Context(), registry.CollectRules{})
	layers, uploads := m.model.collect()
	agree(t, "layers collected", got.Layers.Count, err, layers, nil)
	agree(t, "uploads collected", got.Uploads.Count, err, uploads, nil)
}

// CollectStrays changes no answer.
func (m *machine) CollectStrays(t *rapid.T) {
	_, err := m.registry.CollectStrays(t.Context(), registry.CollectRules{})
	agree(t, "strays", 0, err, 0, nil)
}

// collectAll checks that once all promises have ended nothing is stored but what images need.
func (m *machine) collectAll() {
	m.expire()
	_, err := m.registry.Collect(m.Context(), registry.CollectRules{})
	m.must(err)
	m.model.collect()
	m.collectStrays()
	needed := make(map[ref.Digest]bool)
	for _, repo := range m.model.repositories {
		for d := range repo.layers {
			needed[d] = true
		}
	}
	equal(m, "places with bytes when all promises have ended", m.stored(), len(needed))
}
