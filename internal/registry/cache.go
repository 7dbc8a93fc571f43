package registry

import (
	"sync"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

const (
	// sharedRepositoryTTL is repositoryTTL where other processes may change the store.
	sharedRepositoryTTL = 2 * time.Second
	// layerTTL bounds how long a present layer is answered from memory, whatever its lease.
	layerTTL = time.Minute
	// Rough sizes of an entry with the map around it, for the bound in bytes.
	layerEntryBytes      = 200
	repositoryEntryBytes = 500
	tagEntryBytes        = 200
)

// layerCache remembers repositories by path and layers that are present, never that one is absent: a wrong "absent"
// costs an upload, but an old "present" could lose one. What this process changes is dropped at once; what another node
// changes is seen after the time limits above. Keys are row ids, which are never reused.
type layerCache struct {
	lease time.Duration
	// repositoryTTL is how long another process's change of a name or policy may stay unseen.
	repositoryTTL time.Duration
	names         *imageCache // knows names too, and forgets them together

	mu           sync.RWMutex
	budget, used int
	changes      uint64 // counts drops, so that an answer read before a drop is not stored after it
	repositories map[Path]cachedRepository
	present      map[int64]map[ref.Digest]cachedLayer
}

type cachedRepository struct {
	Repository // without its catalog
	size       int
	until      time.Time
}

type cachedLayer struct {
	size      int64
	mediaType string
	until     time.Time
}

func newLayerCache(budget int, lease time.Duration) *layerCache {
	c := &layerCache{budget: budget, lease: lease, repositoryTTL: sharedRepositoryTTL}
	c.clear()
	return c
}

func (c *layerCache) clear() {
	c.used = 0
	c.repositories = make(map[Path]cachedRepository)
	c.present = make(map[int64]map[ref.Digest]cachedLayer)
}

// epoch is to be read before the store is asked, and handed to add with what it answered.
func (c *layerCache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

func (c *layerCache) repository(p Path, now time.Time) (Repository, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.repositories[p]
	return e.Repository, ok && now.Before(e.until)
}

// layers answers only when every digest is present: a single miss needs the store anyway.
func (c *layerCache) layers(repository int64, digests []ref.Digest, now time.Time) ([]LayerStatus, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	present := c.present[repository]
	if len(present) == 0 {
		return nil, false
	}
	statuses := make([]LayerStatus, len(digests))
	for i, d := range digests {
		e, ok := present[d]
		if !ok || !now.Before(e.until) {
			return nil, false
		}
		statuses[i] = LayerStatus{Digest: d, Available: true, Size: e.size, MediaType: e.mediaType}
	}
	return statuses, true
}

// add stores what the store answered, unless something was dropped since epoch. When the budget is used up everything
// goes at once: the working set comes back with one statement a repository, and no list has to be kept in order.
func (c *layerCache) add(epoch uint64, p Path, repo Repository, layers []Layer, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.changes {
		return
	}
	repo.Catalog = Catalog{} // long texts that no check needs
	size := repositoryEntryBytes + len(repo.Policy) + len(repo.Tags)*tagEntryBytes
	if c.used+len(layers)*layerEntryBytes+size > c.budget {
		c.clear()
	}
	c.used += size - c.repositories[p].size // none for one that is new
	c.repositories[p] = cachedRepository{repo, size, now.Add(c.repositoryTTL)}
	if len(layers) == 0 {
		return
	}
	present := c.present[repo.ID]
	if present == nil {
		present = make(map[ref.Digest]cachedLayer, len(layers))
		c.present[repo.ID] = present
	}
	for _, l := range layers {
		if _, ok := present[l.Digest]; !ok {
			c.used += layerEntryBytes
		}
		present[l.Digest] = cachedLayer{l.Size, l.MediaType, c.answerUntil(l, now)}
	}
}

// answerUntil keeps invariant 2: a layer without an image is answered from memory only while a whole lease is left. A
// layer with one is kept for two leases once its last image goes, which outlives any entry by a whole lease.
func (c *layerCache) answerUntil(l Layer, now time.Time) time.Time {
	until := now.Add(min(layerTTL, c.lease))
	if promised := l.KeepUntil.Add(-c.lease); !l.KeepUntil.IsZero() && promised.Before(until) {
		return promised
	}
	return until
}

// dropRepositories forgets all names, after one of them was deleted or given another policy or other tags.
func (c *layerCache) dropRepositories() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names.dropAll()
	c.changes++
	for _, e := range c.repositories {
		c.used -= e.size
	}
	clear(c.repositories)
}

// dropLayers forgets layers whose media type an image has just changed.
func (c *layerCache) dropLayers(repository int64, layers []Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	present := c.present[repository]
	for _, l := range layers {
		if _, ok := present[l.Digest]; ok {
			delete(present, l.Digest)
			c.used -= layerEntryBytes
		}
	}
	if len(present) == 0 {
		delete(c.present, repository)
	}
}
