package push

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
)

const (
	// checkBatch is how many digests one availability check may have (BatchCheckLayerAvailability API page).
	checkBatch = 100
	// defaultParallel is how many layers go up at once. Each holds one part in memory.
	defaultParallel = 4
)

// Options say where to push to and how. Only Repository must be set.
type Options struct {
	Repository ref.RepositoryName
	Create     bool     // make the repository when it is missing
	Parallel   int      // how many layers go up at once; 0: 4
	ResumeDir  string   // where unfinished uploads are noted, so that another process can go on; "": nowhere
	Progress   Progress // nil: nobody listens
}

// A Pusher pushes to one repository. It is safe for concurrent use.
type Pusher struct {
	client *ecrpublic.Client
	o      Options
}

// New makes a Pusher. Calls are retried as the client is configured to.
func New(client *ecrpublic.Client, o Options) *Pusher {
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Progress == nil {
		o.Progress = silent{}
	}
	return &Pusher{client, o}
}

// Layers makes sure that the repository has the blobs: those that it lacks are uploaded. After an error, those that were
// completed stay.
func (p *Pusher) Layers(ctx context.Context, blobs []Blob) error {
	removeOldNotes(p.o.ResumeDir, time.Now())
	missing, err := p.missing(ctx, distinct(blobs))
	if err != nil {
		return err
	}
	for _, b := range missing {
		p.o.Progress.Need(b.Size)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan Blob)
	var workers sync.WaitGroup
	for range min(p.o.Parallel, len(missing)) {
		workers.Go(func() {
			var buffer []byte
			for b := range queue {
				if err := p.upload(ctx, b, &buffer); err != nil {
					cancel(err) // the first error is the one to tell; the others stop because of it
					return
				}
			}
		})
	}
	for _, b := range missing {
		select {
		case queue <- b:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

// Image pushes an image: first the layers that the repository lacks, then the manifests, the image itself last. Only that
// one gets the tag; without a tag it can be pulled by digest. No manifest is put before all layers are there.
func (p *Pusher) Image(ctx context.Context, image *Image, tag ref.Tag) error {
	if err := p.Layers(ctx, image.blobs); err != nil {
		return err
	}
	last := len(image.manifests) - 1
	for _, m := range image.manifests[:last] {
		if err := p.put(ctx, m, ""); err != nil {
			return err
		}
	}
	return p.put(ctx, image.manifests[last], tag)
}

// put stores a manifest. One that is there already is fine.
func (p *Pusher) put(ctx context.Context, m manifest, tag ref.Tag) error {
	content, err := m.document()
	if err != nil {
		return err
	}
	in := &ecrpublic.PutImageRequest{
		RepositoryName:         p.repository(),
		ImageManifest:          new(string(content)),
		ImageManifestMediaType: new(m.mediaType),
		ImageDigest:            new(m.Digest.String()),
	}
	if tag != "" {
		in.ImageTag = new(string(tag))
	}
	return p.inRepository(ctx, func() error {
		_, err := p.client.PutImage(ctx, in)
		if is[*ecrpublic.ImageAlreadyExistsException](err) {
			return nil
		}
		return err
	})
}

// missing are the blobs that the repository lacks. The others are reported as skipped.
func (p *Pusher) missing(ctx context.Context, blobs []Blob) ([]Blob, error) {
	var missing []Blob
	for start := 0; start < len(blobs); start += checkBatch {
		batch := blobs[start:min(start+checkBatch, len(blobs))]
		available, err := p.available(ctx, batch)
		if err != nil {
			return nil, err
		}
		for _, b := range batch {
			if available[b.Digest.String()] {
				p.o.Progress.Done(Layer{Digest: b.Digest, Size: b.Size, Skipped: true})
			} else {
				missing = append(missing, b)
			}
		}
	}
	return missing, nil
}

// available asks for at most checkBatch blobs which of them are there.
func (p *Pusher) available(ctx context.Context, batch []Blob) (map[string]bool, error) {
	in := &ecrpublic.BatchCheckLayerAvailabilityRequest{RepositoryName: p.repository()}
	for _, b := range batch {
		in.LayerDigests = append(in.LayerDigests, b.Digest.String())
	}
	available := make(map[string]bool, len(batch))
	err := p.inRepository(ctx, func() error {
		out, err := p.client.BatchCheckLayerAvailability(ctx, in)
		if err != nil {
			return err
		}
		for _, f := range out.Failures {
			return fmt.Errorf("the availability of layer %s cannot be checked: %s", value(f.LayerDigest), value(f.FailureReason))
		}
		for _, l := range out.Layers {
			available[value(l.LayerDigest)] = value(l.LayerAvailability) == ecrpublic.LayerAvailabilityAvailable
		}
		return nil
	})
	return available, err
}

// inRepository runs call, and once more with a new repository if there was none and the options allow to make it.
func (p *Pusher) inRepository(ctx context.Context, call func() error) error {
	err := call()
	if !is[*ecrpublic.RepositoryNotFoundException](err) {
		return err
	}
	name := p.o.Repository
	if !p.o.Create {
		return fmt.Errorf("repository %q does not exist: make it with `openecr ecr-public create-repository --repository-name %s` (or `aws ecr-public create-repository …`), or add --create: %w", name, name, err)
	}
	_, err = p.client.CreateRepository(ctx, &ecrpublic.CreateRepositoryRequest{RepositoryName: p.repository()})
	if err != nil && !is[*ecrpublic.RepositoryAlreadyExistsException](err) {
		return fmt.Errorf("repository %q does not exist and cannot be made: %w", name, err)
	}
	return call()
}

func (p *Pusher) repository() *string { return new(string(p.o.Repository)) }

// distinct keeps the first blob of each digest.
func distinct(blobs []Blob) []Blob {
	seen := make(map[ref.Digest]bool, len(blobs))
	var first []Blob
	for _, b := range blobs {
		if !seen[b.Digest] {
			seen[b.Digest] = true
			first = append(first, b)
		}
	}
	return first
}

// is says whether err has an exception of that type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// value is what a member of an answer holds, or the zero value when it is absent.
func value[T any](member *T) T {
	if member == nil {
		return *new(T)
	}
	return *member
}
