package registry

import (
	"sync"
	"time"
)

const (
	// imageCacheBytes bounds the manifests that are remembered.
	imageCacheBytes = 16 << 20
	// maxCachedManifest keeps a few large ones from pushing out the many small.
	maxCachedManifest = 256 << 10
	// imageEntryBytes is roughly the size of an entry beside its manifest, with the maps around it.
	imageEntryBytes = 500
)

// imageCache remembers what pulls have found, never that something is absent. What this process changes is dropped at
// once, a repository at a time; what another node changes is seen after ttl.
type imageCache struct {
	ttl  time.Duration
	tags bool // remembers what tags lead to; digests are remembered anyway

	mu      sync.RWMutex
	used    int
	changes uint64 // counts drops, so that what was read before a drop is not stored after it
	names   map[Path]cachedName
	images  map[int64]map[ImageID]cachedImage
}

type cachedName struct {
	repository int64
	until      time.Time
}

type cachedImage struct {
	Image
	until time.Time
}

func newImageCache(alone bool) *imageCache {
	c := &imageCache{ttl: sharedRepositoryTTL, tags: alone}
	if alone {
		c.ttl = layerTTL
	}
	c.clear()
	return c
}

func (c *imageCache) clear() {
	c.used = 0
	c.names = make(map[Path]cachedName)
	c.images = make(map[int64]map[ImageID]cachedImage)
}

// epoch is to be read before the store is asked, and handed to add with what it answered.
func (c *imageCache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

// find is the image and the repository that it is in.
func (c *imageCache) find(p Path, id ImageID, now time.Time) (image Image, repository int64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	name, ok := c.names[p]
	if !ok || !now.Before(name.until) {
		return Image{}, 0, false
	}
	e, ok := c.images[name.repository][id]
	if !ok || !now.Before(e.until) {
		return Image{}, 0, false
	}
	return e.Image, name.repository, true
}

// add remembers an image unless something was dropped since epoch. When the memory is used up everything goes at once.
func (c *imageCache) add(epoch uint64, p Path, repository int64, id ImageID, image Image, now time.Time) {
	size := len(image.Manifest) + imageEntryBytes
	if size > maxCachedManifest || id.Tag != "" && !c.tags {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.changes {
		return
	}
	if c.used+size > imageCacheBytes {
		c.clear()
	}
	c.names[p] = cachedName{repository, now.Add(c.ttl)}
	images := c.images[repository]
	if images == nil {
		images = make(map[ImageID]cachedImage)
		c.images[repository] = images
	}
	if _, ok := images[id]; !ok {
		c.used += size
	}
	images[id] = cachedImage{image, now.Add(c.ttl)}
}

// drop forgets the images of a repository in which something has changed.
func (c *imageCache) drop(repository int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for _, e := range c.images[repository] {
		c.used -= len(e.Manifest) + imageEntryBytes
	}
	delete(c.images, repository)
}

// dropAll forgets everything, after names have changed.
func (c *imageCache) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.clear()
}
