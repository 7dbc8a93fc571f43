package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var owner = registry.Caller{Account: "123456789012"}

// store is a pair that can be told to fail.
type store struct {
	testing.TB
	meta     *faultyMeta
	blobs    *registrytest.MemBlobs
	registry *registry.Registry
}

// emptyStore is the file of a store without rows: to copy it takes less time than to make it.
var emptyStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "transfer-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "meta.db")
	meta, err := sqlmeta.Open(context.Background(), sqlmeta.Options{Path: path})
	if err == nil {
		err = meta.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// newStore has SQLite and memory.
func newStore(t testing.TB) *store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "meta.db")
	content, err := emptyStore()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return openStore(t, sqlmeta.Options{Path: path})
}

func openStore(t testing.TB, o sqlmeta.Options) *store {
	t.Helper()
	meta, err := sqlmeta.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := meta.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &store{TB: t, meta: &faultyMeta{Meta: meta}, blobs: registrytest.NewMemBlobs(t)}
	s.registry = registry.New(registry.Config{Meta: s.meta, Blobs: s.blobs})
	return s
}

// newSource has a registry with images, layers that no image needs, an upload on its way and a repository that is gone.
func newSource(t testing.TB) *store {
	t.Helper()
	s := newStore(t)
	s.fill()
	return s
}

func (s *store) fillRoot() {
	s.Helper()
	root := registry.Root{Account: owner.Account, Alias: "a1b2c3d4", Key: registry.AccessKey{ID: "KEY", Account: owner.Account, SealedSecret: []byte("sealed")}}
	s.must(s.registry.EnsureRoot(s.Context(), root))
	_, err := registry.EnsureSetting(s.Context(), s.meta, "token-key", []byte("sealed token key of "+s.Name()))
	s.must(err)
}

func (s *store) fill() {
	s.Helper()
	s.fillRoot()
	for _, name := range []ref.RepositoryName{"team/app", "other", "gone"} {
		s.addRepository(name)
	}
	s.pushImage("team/app", "1")
	s.pushImage("team/app", "2")
	s.pushImage("other", "1")
	s.pushLayer("other", strings.Repeat("referenced by nothing ", 10_000))
	s.pushLayer("other", "")
	_, err := s.registry.StartUpload(s.Context(), owner, registry.Path{Name: "other"})
	s.must(err)
	_, err = s.registry.DeleteRepository(s.Context(), owner, registry.Path{Name: "gone"}, true)
	s.must(err)
}

func (s *store) addRepository(name ref.RepositoryName) registry.Repository {
	s.Helper()
	repository, err := s.registry.CreateRepository(s.Context(), owner, name, registry.Catalog{}, nil)
	s.must(err)
	return repository
}

func (s *store) pair() transfer.Pair { return transfer.Pair{Meta: s.meta, Blobs: s.blobs} }

func (s *store) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *store) pushLayer(repository ref.RepositoryName, content string) ref.Digest {
	s.Helper()
	ctx, p, d := s.Context(), registry.Path{Name: repository}, ref.DigestBytes(ref.SHA256, []byte(content))
	up, err := s.registry.StartUpload(ctx, owner, p)
	s.must(err)
	if content != "" {
		_, err = s.registry.AppendUpload(ctx, owner, p, up.ID, registry.Part{First: -1, Length: int64(len(content)), Body: strings.NewReader(content)})
		s.must(err)
	}
	_, err = s.registry.FinishUpload(ctx, owner, p, up.ID, []string{d.String()}, registry.FinishRules{})
	s.must(err)
	return d
}

// pushImage makes an image that differs from all others by its tag.
func (s *store) pushImage(repository ref.RepositoryName, tag string) {
	s.Helper()
	config := s.pushLayer(repository, `{"architecture":"amd64","os":"linux","tag":"`+string(repository)+tag+`"}`)
	layer := s.pushLayer(repository, "layer of "+tag)
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
		"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":1},
		"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":1}]}`, config, layer)
	_, err := s.registry.PutImage(s.Context(), owner, registry.Path{Name: repository}, registry.NewImage{Manifest: []byte(manifest), Tags: []string{tag}})
	s.must(err)
}

// dump is all that a copy must have: every row, and the bytes of every blob.
func (s *store) dump() map[string][]string {
	s.Helper()
	dump := make(map[string][]string)
	var blobs []registry.Blob
	s.must(s.meta.Meta.View(s.Context(), func(tx registry.Tx) error {
		tables, err := tx.Tables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			lines := []string{fmt.Sprint("numbered up to ", table.LastID)}
			for row, err := range tx.Rows(table) {
				if err != nil {
					return err
				}
				lines = append(lines, fmt.Sprintf("%#v", row))
			}
			slices.Sort(lines)
			dump[table.Name] = lines
		}
		blobs, err = tx.BlobsAfter(ref.Digest{}, 1000)
		return err
	}))
	for _, blob := range blobs {
		r, err := s.blobs.Open(s.Context(), blob.Locator)
		s.must(err)
		content, err := io.ReadAll(r)
		s.must(errors.Join(err, r.Close()))
		if ref.DigestBytes(blob.Digest.Algorithm(), content) != blob.Digest {
			s.Errorf("%s has other bytes", blob.Digest)
		}
		dump["blob"] = append(dump["blob"], fmt.Sprint(blob.Digest, blob.Size, blob.CreatedAt))
	}
	return dump
}

func (s *store) equals(want map[string][]string) {
	s.Helper()
	if diff := cmp.Diff(want, s.dump()); diff != "" {
		s.Errorf("source (-) and copy (+) differ:\n%s", diff)
	}
}

// faultyMeta fails when it is told to. With apply an update happens all the same.
type faultyMeta struct {
	registry.Meta
	fault func(op string) (apply bool, err error)
}

func (m *faultyMeta) Snapshot(ctx context.Context, fn func(registry.Tx) error) error {
	if m.fault != nil {
		if _, err := m.fault("Snapshot"); err != nil {
			return err
		}
	}
	return m.Meta.Snapshot(ctx, fn)
}

func (m *faultyMeta) View(ctx context.Context, fn func(registry.Tx) error) error {
	if m.fault != nil {
		if _, err := m.fault("View"); err != nil {
			return err
		}
	}
	return m.Meta.View(ctx, fn)
}

func (m *faultyMeta) Update(ctx context.Context, fn func(registry.Tx) error) error {
	var apply bool
	var fault error
	if m.fault != nil {
		apply, fault = m.fault("Update")
	}
	if fault != nil && !apply {
		return fault
	}
	if err := m.Meta.Update(ctx, fn); err != nil {
		return err
	}
	return fault
}

// heal ends all faults.
func (s *store) heal() { s.meta.fault, s.blobs.Fault = nil, nil }

// failAt makes the n-th call to either store fail, counted from 0, and says whether it came so far.
func (s *store) failAt(n int, apply bool, err error) (failed func() bool) {
	calls := make(chan int, 1) // a lock around a number
	calls <- 0
	next := func() bool {
		i := <-calls
		calls <- i + 1
		return i == n
	}
	s.meta.fault = func(string) (bool, error) {
		if next() {
			return apply, err
		}
		return false, nil
	}
	s.blobs.Fault = func(string, string) (bool, error) {
		if next() {
			return apply, err
		}
		return false, nil
	}
	return func() bool { i := <-calls; calls <- i; return i > n }
}
