package registry_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// No model foretells what verbs at the same time answer. But none may fail for a reason that is not the caller's, and
// what is there in the end must be whole: that is what the fixture checks.
func TestPromisesHoldUnderConcurrentVerbs(t *testing.T) {
	f := newFixture(t)
	f.blobs.AllowAbsent = true // an upload may be cancelled under a writer
	for _, content := range contents {
		f.known[sum(content)] = true
	}
	const clients, steps = 4, 20
	crowd := crowd{fixture: f, ups: make(chan string, clients)}
	f.createRepository(owner, crowdPaths[1].Name)
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			c := client{&crowd, f.Context(), rand.New(rand.NewPCG(uint64(i), 1))}
			for range steps {
				c.step()
			}
		})
	}
	running.Wait()
}

var crowdPaths = []registry.Path{app, {Registry: string(ownerAlias), Name: "other"}}

// crowd is clients that share uploads, layers and tags.
type crowd struct {
	*fixture
	ups chan string // uploads that anybody may go on with
}

type client struct {
	*crowd
	ctx context.Context
	*rand.Rand
}

// step is one or a few verbs.
func (c client) step() {
	p, d, mf := crowdPaths[c.IntN(len(crowdPaths))], sum(contents[c.IntN(len(contents))]), manifests[c.IntN(len(manifests))]
	switch c.IntN(10) {
	case 0, 1:
		c.pushes(p, mf)
	case 2:
		c.shares(p)
	case 3:
		_, err := c.registry.CheckLayers(c.ctx, owner, p, []ref.Digest{d, sum("a")})
		c.fine(err)
		c.advance(time.Duration(c.IntN(30)) * time.Hour)
	case 4:
		_, err := c.registry.MountLayer(c.ctx, owner, p, crowdPaths[c.IntN(len(crowdPaths))], d)
		c.fine(err)
	case 5:
		ids := append(tagged(imageTags[c.IntN(len(imageTags))]), registry.ImageID{Digest: sum(mf.text).String()})
		_, _, err := c.registry.DeleteImages(c.ctx, owner, p, ids)
		c.fine(err)
	case 6:
		c.fine(c.registry.DeleteLayer(c.ctx, owner, p, d))
		c.fine(c.registry.DeleteTag(c.ctx, owner, p, ref.Tag(imageTags[c.IntN(len(imageTags))])))
	case 7:
		c.fine(c.registry.DeleteImage(c.ctx, owner, p, sum(mf.text)))
	case 8:
		c.reads(p, d)
	case 9:
		if _, err := c.registry.DeleteRepository(c.ctx, owner, p, c.IntN(4) == 0); err == nil {
			_, err = c.registry.CreateRepository(c.ctx, owner, p.Name, registry.Catalog{}, nil)
			c.fine(err)
		}
	}
}

// fine fails the test for an error that no client could understand.
func (c client) fine(err error) {
	if err != nil && registry.KindOf(err) == registry.Internal {
		c.Error(err)
	}
}

// pushes an image with all that it needs, of which another client may delete any at any time.
func (c client) pushes(p registry.Path, mf *modelManifest) {
	for _, content := range contents {
		if !slices.ContainsFunc(mf.named(), func(l registry.Descriptor) bool { return l.Digest == sum(content) }) {
			continue
		}
		up, err := c.registry.StartUpload(c.ctx, owner, p)
		if c.fine(err); err != nil {
			return
		}
		_, err = c.registry.AppendUpload(c.ctx, owner, p, up.ID, part(0, content))
		c.fine(err)
		_, err = c.registry.FinishUpload(c.ctx, owner, p, up.ID, []string{sum(content).String()}, registry.FinishRules{})
		c.fine(err)
	}
	for _, child := range manifests {
		if slices.Contains(mf.children, sum(child.text)) {
			c.pushes(p, child)
		}
	}
	_, err := c.registry.PutImage(c.ctx, owner, p, registry.NewImage{Manifest: []byte(mf.text), MediaType: mf.mediaType, Tags: []string{imageTags[c.IntN(len(imageTags))]}})
	c.fine(err)
}

// shares one upload with whoever takes it: it is appended to, finished and cancelled by several at once.
func (c client) shares(p registry.Path) {
	up, err := c.registry.StartUpload(c.ctx, owner, p)
	if c.fine(err); err != nil {
		return
	}
	select {
	case c.ups <- up.ID:
	default:
	}
	select {
	case id := <-c.ups:
		up.ID = id
	default:
	}
	pieces := []string{"a", "b"}
	_, err = c.registry.AppendUpload(c.ctx, owner, p, up.ID, part(-1, pieces[c.IntN(len(pieces))]))
	c.fine(err)
	if c.IntN(2) == 0 {
		c.fine(c.registry.CancelUpload(c.ctx, owner, p, up.ID))
	}
	_, err = c.registry.FinishUpload(c.ctx, owner, p, up.ID, []string{sum("a").String(), sum("ab").String()}, registry.FinishRules{})
	c.fine(err)
}

func (c client) reads(p registry.Path, d ref.Digest) {
	content, err := c.registry.OpenLayer(c.ctx, p, d)
	if err == nil {
		err = content.Close()
	}
	c.fine(err)
	list, _, err := c.registry.ListImages(c.ctx, owner, p, registry.Page{Size: 100})
	c.fine(err)
	for _, image := range list {
		_, err := c.registry.FindImage(c.ctx, p, registry.ImageID{Digest: image.Digest.String()})
		c.fine(err)
	}
	_, _, err = c.registry.DescribeTags(c.ctx, owner, p, registry.Page{Size: 100})
	c.fine(err)
}
