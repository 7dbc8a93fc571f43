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
	// defaultCacheBytes holds a million layers.
	defaultCacheBytes = 80 << 20
	// maxRepositoryBytes bounds the repositories that are remembered beside the layers.
	maxRepositoryBytes = 16 << 20
	// Rough sizes of an entry with the map around it.
	repositoryEntryBytes = 500
	tagEntryBytes        = 200
)

// layerCache remembers repositories by path and layers that are present, never that one is absent: a wrong "absent"
// costs an upload, but an old "present" could lose one. What this process changes is dropped at once; what another node
// changes is seen after the time limits above. Keys are row ids, which are never reused.
//
// One lock is taken once for a whole batch. A lock for each shard of the table would have to be taken for each layer.
type layerCache struct {
	lease time.Duration
	// repositoryTTL is how long another process's change of a name or policy may stay unseen.
	repositoryTTL time.Duration
	names         *imageCache // knows names too, and forgets them together

	mu           sync.RWMutex
	changes      uint64 // counts drops, so that an answer read before a drop is not stored after it
	repositories map[Path]cachedRepository
	used         int // bytes of repositories
	present      layerTable
	mediaTypes   mediaTypes
}

type cachedRepository struct {
	*Repository // without its catalog; never changed
	size        int
	until       time.Time
}

func newLayerCache(budget int, lease time.Duration) *layerCache {
	return &layerCache{lease: lease, repositoryTTL: sharedRepositoryTTL, repositories: make(map[Path]cachedRepository), present: newLayerTable(budget)}
}

// epoch is to be read before the store is asked, and handed to add with what it answered.
func (c *layerCache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

// repository is only to be read: others read it too.
func (c *layerCache) repository(p Path, now time.Time) (*Repository, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.repositories[p]
	return e.Repository, ok && now.Before(e.until)
}

// layers appends the statuses when every digest is present: a single miss needs the store anyway.
func (c *layerCache) layers(to []LayerStatus, repository int64, digests []ref.Digest, now time.Time) (_ []LayerStatus, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, d := range digests {
		if c.present.isFree(d.Head(), repository) {
			return nil, false
		}
	}
	for _, d := range digests {
		key := keyOf(repository, d)
		e := c.present.find(&key, now)
		if e == nil {
			return nil, false
		}
		to = append(to, LayerStatus{Digest: d, Available: true, Size: e.size, MediaType: c.mediaTypes.names[e.mediaType]})
	}
	return to, true
}

// add stores what the store answered, unless something was dropped since epoch.
func (c *layerCache) add(epoch uint64, p Path, repo *Repository, layers []Layer, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.changes {
		return
	}
	size := repositoryEntryBytes + len(repo.Policy) + len(repo.Tags)*tagEntryBytes
	if c.used+size > maxRepositoryBytes {
		c.used = 0
		clear(c.repositories)
	}
	c.used += size - c.repositories[p].size // none for one that is new
	c.repositories[p] = cachedRepository{repo, size, now.Add(c.repositoryTTL)}
	for _, l := range layers {
		mediaType, ok := c.mediaTypes.number(l.MediaType)
		if !ok {
			c.present.clear()
			c.mediaTypes = mediaTypes{}
			return
		}
		c.present.put(keyOf(repo.ID, l.Digest).entry(mediaType, l.Size, c.answerUntil(l, now).UnixMilli()), now)
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
	c.used = 0
	clear(c.repositories)
}

// dropLayers forgets layers whose media type an image has just changed.
func (c *layerCache) dropLayers(repository int64, layers []Descriptor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for _, l := range layers {
		key := keyOf(repository, l.Digest)
		c.present.drop(&key)
	}
}
