package registry_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

var (
	owner    = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}
	stranger = registry.Caller{Account: "210987654321", ARN: "arn:aws:iam::210987654321:root"}
	nobody   = registry.Caller{}
)

const (
	ownerAlias    = ref.Alias("a1b2c3d4")
	strangerAlias = ref.Alias("z9y8x7w6")
)

// app is the repository that a fixture begins with.
var app = registry.Path{Registry: "123456789012", Name: "team/app"}

// fixture is a registry of two accounts over SQLite and a strict memory store, with one empty repository. When its test
// ends it checks that the registry keeps its promises.
type fixture struct {
	testing.TB
	registry *registry.Registry
	meta     *flakyMeta
	blobs    *registrytest.MemBlobs
	store    registry.Blobs // where the bytes are: blobs, unless a test sets another
	clock    atomic.Int64   // unix milliseconds
	path     string         // of the file behind meta

	statements atomic.Int64 // seen at the driver
	lastUpload string       // id of the upload begun last

	mu    sync.Mutex
	known map[ref.Digest]bool // layers that were ever pushed
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := openFixture(t)
	t.Cleanup(func() {
		f.meta.heal()
		f.blobs.Fault = nil
		f.checkInvariants()
	})
	return f
}

// openFixture is newFixture that leaves it to the test to check the promises.
func openFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, blobs: registrytest.NewMemBlobs(t), known: make(map[ref.Digest]bool)}
	f.store = f.blobs
	f.blobs.Now = f.now
	f.clock.Store(beginning.UnixMilli())
	content, err := newStore()
	f.must(err)
	f.path = filepath.Join(t.TempDir(), "meta.db")
	f.must(os.WriteFile(f.path, content, 0o600))
	f.meta = &flakyMeta{Meta: f.openMeta()}
	f.registry = f.node()
	t.Cleanup(func() {
		if err := f.meta.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) openMeta() registry.Meta {
	f.Helper()
	store, err := sqlmeta.Open(context.Background(), sqlmeta.Options{
		Path: f.path,
		WrapConnector: func(c driver.Connector) driver.Connector {
			return registrytest.WatchStatements(c, func(string) error { f.statements.Add(1); return nil })
		},
	})
	f.must(err)
	return store
}

var beginning = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newStore is the file of a store with what every fixture begins with. It is made once, because that takes longer than
// most tests do.
var newStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "registry-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "meta.db")
	ctx := context.Background()
	store, err := sqlmeta.Open(ctx, sqlmeta.Options{Path: path})
	if err != nil {
		return nil, err
	}
	err = begin(ctx, store)
	if err := errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// begin fills a store with what every fixture begins with.
func begin(ctx context.Context, store registry.Meta) error {
	r := registry.New(registry.Config{Meta: store, Now: func() time.Time { return beginning }})
	err := r.EnsureRoot(ctx, registry.Root{Account: owner.Account, Alias: ownerAlias})
	err = errors.Join(err, store.Update(ctx, func(tx registry.Tx) error {
		return errors.Join(
			tx.InsertAccount(registry.Account{ID: stranger.Account, CreatedAt: beginning}),
			tx.InsertAlias(registry.Alias{Name: strangerAlias, Account: stranger.Account, Default: true, Primary: true, CreatedAt: beginning}),
		)
	}))
	_, created := r.CreateRepository(ctx, owner, app.Name, registry.Catalog{}, nil)
	return errors.Join(err, created)
}

// node is another process over the same stores.
func (f *fixture) node() *registry.Registry {
	return registry.New(registry.Config{Meta: f.meta, Blobs: f.store, Host: "registry.test", PageKey: []byte("page key"), Now: f.now})
}

func (f *fixture) now() time.Time { return time.UnixMilli(f.clock.Load()).UTC() }

func (f *fixture) advance(d time.Duration) { f.clock.Add(d.Milliseconds()) }

// counted is how many statements reach the driver while fn runs.
func (f *fixture) counted(fn func()) int64 {
	before := f.statements.Load()
	fn()
	return f.statements.Load() - before
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// refused demands an error of that kind and, unless text is empty, with exactly that text.
func (f *fixture) refused(err error, kind registry.Kind, text string) {
	f.Helper()
	switch {
	case err == nil:
		f.Errorf("no error, want kind %d %q", kind, text)
	case registry.KindOf(err) != kind:
		f.Errorf("error has kind %d instead of %d: %v", registry.KindOf(err), kind, err)
	case text != "" && err.Error() != text:
		f.Errorf("error text differs (-got +want):\n%s", cmp.Diff(err.Error(), text))
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ref.Digest) bool { return a == b })); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func (f *fixture) createRepository(c registry.Caller, name ref.RepositoryName) registry.Repository {
	f.Helper()
	repo, err := f.registry.CreateRepository(f.Context(), c, name, registry.Catalog{}, nil)
	f.must(err)
	return repo
}

// sum is the sha256 digest of content.
func sum(content string) ref.Digest { return ref.DigestBytes(ref.SHA256, []byte(content)) }

// part is content for an upload, at offset first or, when that is -1, where the upload stands.
func part(first int64, content string) registry.Part {
	return registry.Part{First: first, Length: int64(len(content)), Body: strings.NewReader(content)}
}

// start begins an upload in app and appends the parts.
func (f *fixture) start(parts ...string) registry.Upload {
	f.Helper()
	return f.startIn(app, parts...)
}

func (f *fixture) startIn(p registry.Path, parts ...string) registry.Upload {
	f.Helper()
	up, err := f.registry.StartUpload(f.Context(), owner, p)
	f.must(err)
	f.mu.Lock()
	f.lastUpload = up.ID
	f.mu.Unlock()
	for _, content := range parts {
		up, err = f.registry.AppendUpload(f.Context(), owner, p, up.ID, part(-1, content))
		f.must(err)
	}
	return up
}

// finish ends an upload in app as the docker wire does.
func (f *fixture) finish(up registry.Upload, digests ...ref.Digest) (registry.Layer, error) {
	f.Helper()
	return f.finishIn(app, up, digests...)
}

func (f *fixture) finishIn(p registry.Path, up registry.Upload, digests ...ref.Digest) (registry.Layer, error) {
	texts := make([]string, len(digests))
	f.mu.Lock()
	for i, d := range digests {
		f.known[d] = true
		texts[i] = d.String()
	}
	f.mu.Unlock()
	return f.registry.FinishUpload(f.Context(), owner, p, up.ID, texts, registry.FinishRules{})
}

// push uploads content as a layer.
func (f *fixture) push(content string) ref.Digest {
	f.Helper()
	return f.pushTo(app, content)
}

func (f *fixture) pushTo(p registry.Path, content string) ref.Digest {
	f.Helper()
	d := sum(content)
	_, err := f.finishIn(p, f.startIn(p, content), d)
	f.must(err)
	return d
}

// find reads where an upload in app stands.
func (f *fixture) find(up registry.Upload) registry.Upload {
	f.Helper()
	found, err := f.registry.FindUpload(f.Context(), owner, app, up.ID)
	f.must(err)
	return found
}

// view reads the metadata of a repository behind the registry's back.
func (f *fixture) view(p registry.Path, fn func(tx registry.Tx, repo registry.Repository) error) {
	f.Helper()
	f.must(f.meta.View(f.Context(), func(tx registry.Tx) error {
		repo, err := tx.Repository(p.Registry, p.Name)
		if err != nil {
			return err
		}
		return fn(tx, repo)
	}))
}

// keepUntil is until when a layer of app is promised, zero when an image references it.
func (f *fixture) keepUntil(d ref.Digest) time.Time {
	f.Helper()
	var layer registry.Layer
	f.view(app, func(tx registry.Tx, repo registry.Repository) (err error) {
		layer, err = tx.Layer(repo.ID, d)
		return err
	})
	return layer.KeepUntil
}

// stored is under how many locators there are bytes.
func (f *fixture) stored() int {
	f.Helper()
	n := 0
	for _, err := range f.store.List(f.Context()) {
		f.must(err)
		n++
	}
	return n
}

// available says which of the layers app has, asking the registry.
func (f *fixture) available(digests ...ref.Digest) []bool {
	f.Helper()
	return f.availableIn(app, digests...)
}

func (f *fixture) availableIn(p registry.Path, digests ...ref.Digest) []bool {
	f.Helper()
	statuses, err := f.registry.CheckLayers(f.Context(), owner, p, digests)
	f.must(err)
	are := make([]bool, len(statuses))
	for i, s := range statuses {
		are[i] = s.Available
	}
	return are
}

const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	ociLayer       = "application/vnd.oci.image.layer.v1.tar+gzip"
)

func descriptor(mediaType string, d ref.Digest) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1}`, mediaType, d)
}

// imageOf is the manifest of an OCI image.
func imageOf(config ref.Digest, layers ...ref.Digest) string {
	list := make([]string, len(layers))
	for i, l := range layers {
		list[i] = descriptor(ociLayer, l)
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
		ociManifest, descriptor(ociConfig, config), strings.Join(list, ","))
}

// indexOf is the manifest of an OCI index. Indexes of the same images differ by name.
func indexOf(name string, images ...ref.Digest) string {
	list := make([]string, len(images))
	for i, d := range images {
		list[i] = descriptor(ociManifest, d)
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s],"annotations":{"name":%q}}`,
		ociIndex, strings.Join(list, ","), name)
}

// tryPut puts a manifest into app.
func (f *fixture) tryPut(manifest, tag string) (registry.Image, error) {
	n := registry.NewImage{Manifest: []byte(manifest)}
	if tag != "" {
		n.Tags = []string{tag}
	}
	return f.registry.PutImage(f.Context(), owner, app, n)
}

// put puts a manifest into app under all the tags, or without a tag.
func (f *fixture) put(manifest string, tags ...string) ref.Digest {
	f.Helper()
	if len(tags) == 0 {
		tags = []string{""}
	}
	for _, tag := range tags {
		_, err := f.tryPut(manifest, tag)
		f.must(err)
	}
	return sum(manifest)
}

// putImage pushes and puts an image whose only blob is a config with that content.
func (f *fixture) putImage(config string, tags ...string) ref.Digest {
	f.Helper()
	return f.put(imageOf(f.push(config)), tags...)
}

// tags of app with their images.
func (f *fixture) tags() map[string]ref.Digest {
	f.Helper()
	tags := make(map[string]ref.Digest)
	f.view(app, func(tx registry.Tx, repo registry.Repository) error {
		all, err := tx.Tags(repo.ID, "", 0)
		for _, t := range all {
			tags[string(t.Name)] = t.Image
		}
		return err
	})
	return tags
}

// flakyMeta runs the function of every update twice, the first time in a transaction that fails in the end, as a store
// is free to do; and it can be told to fail. Its hooks are set while no call runs.
type flakyMeta struct {
	registry.Meta
	failUpdate func() (apply bool, err error) // asked at every Update; with apply the failed update happens all the same
	onUpdate   func()                         // runs before the next Update, once
	onFind     func()                         // runs after the next FindLayers has its answer, once
}

var errRehearsal = errors.New("undo this rehearsal")

func (m *flakyMeta) heal() { m.failUpdate, m.onUpdate, m.onFind = nil, nil, nil }

func (m *flakyMeta) Update(ctx context.Context, fn func(tx registry.Tx) error) error {
	if hook := m.onUpdate; hook != nil {
		m.onUpdate = nil
		hook()
	}
	apply, fault := true, error(nil)
	if m.failUpdate != nil {
		apply, fault = m.failUpdate()
	}
	if fault != nil && !apply {
		return fault
	}
	err := m.Meta.Update(ctx, func(tx registry.Tx) error {
		_ = fn(tx) // it fails again when it counts
		return errRehearsal
	})
	if !errors.Is(err, errRehearsal) {
		return err
	}
	if err := m.Meta.Update(ctx, fn); err != nil {
		return err
	}
	return fault
}

func (m *flakyMeta) FindLayers(ctx context.Context, reg string, name ref.RepositoryName, digests []ref.Digest) (registry.Repository, []registry.Layer, error) {
	repo, layers, err := m.Meta.FindLayers(ctx, reg, name, digests)
	if hook := m.onFind; hook != nil {
		m.onFind = nil
		hook()
	}
	return repo, layers, err
}

// filled is n bytes that differ from those of another name.
func filled(name string, n int) string {
	return string(bytes.Repeat([]byte(name), n/len(name)+1)[:n])
}
