package telemetry

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// verb is one method of a store.
type verb struct {
	span   string
	took   prometheus.Observer
	failed prometheus.Counter
	tracer trace.Tracer
}

func (o *Observer) verb(store, name string) *verb {
	return &verb{store + " " + name, o.storeSeconds.WithLabelValues(store, name), o.storeErrors.WithLabelValues(store, name), o.tracer}
}

// call is a verb that runs.
type call struct {
	verb  *verb
	ctx   context.Context
	start time.Time
	span  trace.Span // nil when the request is not traced, and for work that no request began
}

func (v *verb) begin(ctx context.Context) call {
	c := call{verb: v, ctx: ctx, start: time.Now()}
	if v.tracer != nil && trace.SpanFromContext(ctx).IsRecording() {
		c.ctx, c.span = v.tracer.Start(ctx, v.span, trace.WithSpanKind(trace.SpanKindClient))
	}
	return c
}

// end measures without the time that the store has waited for others.
func (c call) end(err error, waited time.Duration) {
	c.verb.took.Observe(max(0, time.Since(c.start)-waited).Seconds())
	failed := isFailure(err)
	if failed {
		c.verb.failed.Inc()
	}
	if c.span == nil {
		return
	}
	if waited > 0 {
		c.span.SetAttributes(attribute.Float64("openecr.waited_seconds", waited.Seconds()))
	}
	if failed {
		c.span.SetStatus(codes.Error, "")
	}
	c.span.End()
}

// isFailure tells a store that does not do its work from the answers of the core's functions that run inside it, and from
// clients that have left.
func isFailure(err error) bool {
	return err != nil && registry.KindOf(err) == registry.Internal &&
		!errors.Is(err, registry.ErrAbsent) && !errors.Is(err, registry.ErrConflict) && !errors.Is(err, context.Canceled)
}

// Meta measures a metadata store. Snapshots are not measured: whole copies of the store are read over them.
func (o *Observer) Meta(m registry.Meta) registry.Meta {
	return &meta{m, o.verb("metadata", "view"), o.verb("metadata", "view_stale"), o.verb("metadata", "update"), o.verb("metadata", "find_layers")}
}

type meta struct {
	registry.Meta
	view, viewStale, update, findLayers *verb
}

func (m *meta) View(ctx context.Context, fn func(registry.Tx) error) error {
	c := m.view.begin(ctx)
	err := m.Meta.View(c.ctx, fn)
	c.end(err, 0)
	return err
}

func (m *meta) ViewStale(ctx context.Context, fn func(registry.Tx) error) error {
	c := m.viewStale.begin(ctx)
	err := m.Meta.ViewStale(c.ctx, fn)
	c.end(err, 0)
	return err
}

func (m *meta) Update(ctx context.Context, fn func(registry.Tx) error) error {
	c := m.update.begin(ctx)
	err := m.Meta.Update(c.ctx, fn)
	c.end(err, 0)
	return err
}

func (m *meta) FindLayers(ctx context.Context, reg string, name ref.RepositoryName, digests []ref.Digest) (registry.Repository, []registry.Layer, error) {
	c := m.findLayers.begin(ctx)
	repo, layers, err := m.Meta.FindLayers(c.ctx, reg, name, digests)
	c.end(err, 0)
	return repo, layers, err
}

// Blobs measures a store of bytes. What Open returns is the store's own, so that files still go out by the kernel, and it
// can presign when the store can. Listing is not measured: how long it takes is up to who reads the list.
func (o *Observer) Blobs(b registry.Blobs) registry.Blobs {
	return &blobs{b, o.verb("blobs", "append"), o.verb("blobs", "put"), o.verb("blobs", "finish"), o.verb("blobs", "discard"), o.verb("blobs", "open"), o.verb("blobs", "delete")}
}

type blobs struct {
	registry.Blobs
	appends, put, finish, discard, open, delete *verb
}

func (b *blobs) Append(ctx context.Context, u registry.Unfinished, r io.Reader, allot registry.Allot) (registry.Unfinished, error) {
	c := b.appends.begin(ctx)
	source := &source{r: r}
	next, err := b.Blobs.Append(c.ctx, u, source, allot)
	source.end(c, err)
	return next, err
}

func (b *blobs) Put(ctx context.Context, locator string, r io.Reader) (string, int64, error) {
	c := b.put.begin(ctx)
	source := &source{r: r}
	stored, size, err := b.Blobs.Put(c.ctx, locator, source)
	source.end(c, err)
	return stored, size, err
}

func (b *blobs) Finish(ctx context.Context, u registry.Unfinished, allot registry.Allot) (string, error) {
	c := b.finish.begin(ctx)
	locator, err := b.Blobs.Finish(c.ctx, u, allot)
	c.end(err, 0)
	return locator, err
}

func (b *blobs) Discard(ctx context.Context, u registry.Unfinished) error {
	c := b.discard.begin(ctx)
	err := b.Blobs.Discard(c.ctx, u)
	c.end(err, 0)
	return err
}

// Open measures until the bytes can be read. The reader lives on under ctx, as registry.Blobs demands.
func (b *blobs) Open(ctx context.Context, locator string) (io.ReadSeekCloser, error) {
	c := b.open.begin(ctx)
	content, err := b.Blobs.Open(c.ctx, locator)
	c.end(err, 0)
	return content, err
}

func (b *blobs) Delete(ctx context.Context, locator string) error {
	c := b.delete.begin(ctx)
	err := b.Blobs.Delete(c.ctx, locator)
	c.end(err, 0)
	return err
}

// source is the bytes of a client: how long they took to come, and whether they came whole. One goroutine reads it.
type source struct {
	r      io.Reader
	waited time.Duration
	failed bool
}

// end ends a call that read the source. What the source failed with is the client's mistake.
func (s *source) end(c call, err error) {
	if s.failed {
		err = nil
	}
	c.end(err, s.waited)
}

func (s *source) Read(b []byte) (int, error) {
	start := time.Now()
	n, err := s.r.Read(b)
	s.waited += time.Since(start)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = true
	}
	return n, err
}
