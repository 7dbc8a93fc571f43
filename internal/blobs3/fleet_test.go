package blobs3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

var (
	owner = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}
	app   = registry.Path{Registry: "123456789012", Name: "team/app"}
)

// fleet is two nodes that share one database and one bucket and nothing else.
type fleet struct {
	*testing.T
	meta  *lossyMeta
	nodes [2]*registry.Registry
}

// newFleet has one empty repository.
func newFleet(t *testing.T, o blobs3.Options) *fleet {
	t.Helper()
	store, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := &fleet{T: t, meta: &lossyMeta{Meta: store}}
	for i := range f.nodes {
		f.nodes[i] = registry.New(registry.Config{Meta: f.meta, Blobs: open(t, o)})
	}
	err = f.nodes[0].EnsureRoot(t.Context(), registry.Root{Account: owner.Account, Alias: "a1b2c3d4"})
	if err == nil {
		_, err = f.nodes[0].CreateRepository(t.Context(), owner, app.Name, registry.Catalog{}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lossyMeta fails updates when it is told to.
type lossyMeta struct {
	registry.Meta
	mu   sync.Mutex
	lost func() bool // asked before every update
}

var errLost = errors.New("the database is away")

func (m *lossyMeta) Update(ctx context.Context, fn func(tx registry.Tx) error) error {
	m.mu.Lock()
	lost := m.lost != nil && m.lost()
	m.mu.Unlock()
	if lost {
		return errLost
	}
	return m.Meta.Update(ctx, fn)
}

func (m *lossyMeta) losing(fn func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = fn
}

func (f *fleet) start() registry.Upload {
	f.Helper()
	up, err := f.nodes[0].StartUpload(f.Context(), owner, app)
	if err != nil {
		f.Fatal(err)
	}
	return up
}

func (f *fleet) append(node int, up registry.Upload, content []byte) (registry.Upload, error) {
	return f.appendReader(node, up, int64(len(content)), bytes.NewReader(content))
}

func (f *fleet) appendReader(node int, up registry.Upload, length int64, r io.Reader) (registry.Upload, error) {
	return f.nodes[node].AppendUpload(f.Context(), owner, app, up.ID, registry.Part{First: up.Offset, Length: length, Body: r})
}

// mustAppend returns where the upload then stands.
func (f *fleet) mustAppend(node int, up registry.Upload, content []byte) registry.Upload {
	f.Helper()
	up, err := f.append(node, up, content)
	if err != nil {
		f.Fatal(err)
	}
	return up
}

func (f *fleet) finish(node int, up registry.Upload, content []byte) error {
	_, err := f.nodes[node].FinishUpload(f.Context(), owner, app, up.ID, []string{ref.DigestBytes(ref.SHA256, content).String()}, registry.FinishRules{})
	return err
}

// mustFinish ends the upload and reads the layer through both nodes.
func (f *fleet) mustFinish(node int, up registry.Upload, content []byte) {
	f.Helper()
	if err := f.finish(node, up, content); err != nil {
		f.Fatal(err)
	}
	f.wantLayer(content)
}

func (f *fleet) wantLayer(content []byte) {
	f.Helper()
	for i, node := range f.nodes {
		layer, err := node.OpenLayer(f.Context(), app, ref.DigestBytes(ref.SHA256, content))
		if err != nil {
			f.Fatalf("node %d: %v", i, err)
		}
		got, err := io.ReadAll(layer)
		if err := errors.Join(err, layer.Close()); err != nil || !bytes.Equal(got, content) {
			f.Fatalf("node %d reads %d bytes and %v, want %d bytes as pushed", i, len(got), err, len(content))
		}
	}
}

func (f *fleet) wantKind(err error, kind registry.Kind, text string) {
	f.Helper()
	if registry.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), text) {
		f.Errorf("error %v of kind %d, want kind %d with %q", err, registry.KindOf(err), kind, text)
	}
}

// wantTidy demands that the bucket holds as many objects and nothing else.
func wantTidy(t *testing.T, o blobs3.Options, objects int) {
	t.Helper()
	n := 0
	for _, err := range open(t, o).List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != objects {
		t.Errorf("the bucket lists %d things, want %d", n, objects)
	}
}

const mib = 1 << 20

// randomBytes are the same for the same seed.
func randomBytes(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

func TestUploadGoesOnAtAnyNode(t *testing.T) { testUploadGoesOnAtAnyNode(t, newFakeS3(t).options()) }

func testUploadGoesOnAtAnyNode(t *testing.T, o blobs3.Options) {
	f := newFleet(t, o)
	sizes := [][]int{
		{1, 3 * mib, 5*mib - 1, 40 * mib, 1, 3 * mib},
		{5*mib - 1, 1, 1, 5*mib - 1, 3 * mib},
		{3 * mib, 1},
		{1, 1, 1},
		{},
	}
	for i, parts := range sizes {
		up, content := f.start(), []byte(nil)
		for j, size := range parts {
			part := randomBytes(byte(16*i+j), size)
			up = f.mustAppend(j%2, up, part)
			if again, err := f.append(1-j%2, registry.Upload{ID: up.ID, Offset: up.LastPart}, part); err != nil || again.Offset != up.Offset {
				t.Fatalf("the last part again, at the other node: at %d, %v, want at %d", again.Offset, err, up.Offset)
			}
			content = append(content, part...)
		}
		f.mustFinish(i%2, up, content)
		f.wantKind(f.finish(1-i%2, up, content), registry.LayerAlreadyExists, "")
	}
	wantTidy(t, o, len(sizes))
}

func TestOfTwoNodesAtOneOffsetOneWins(t *testing.T) {
	fake := newFakeS3(t)
	f := newFleet(t, fake.options())
	for i, size := range []int{10, 3 * mib, 12 * mib} {
		for first := range 2 { // with and without parts before
			up, content := f.start(), []byte(nil)
			if first == 1 {
				content = randomBytes(0, 6*mib)
				up = f.mustAppend(0, up, content)
			}
			contents := [][]byte{randomBytes(byte(4*i+1), size), randomBytes(byte(4*i+2), size)}
			var ups [2]registry.Upload
			var errs [2]error
			// Both have read where the upload stands before either is recorded.
			var reading, writers sync.WaitGroup
			reading.Add(2)
			for node := range 2 {
				writers.Go(func() {
					r := io.MultiReader(bytes.NewReader(contents[node][:1]), afterwards(func() { reading.Done(); reading.Wait() }), bytes.NewReader(contents[node][1:]))
					ups[node], errs[node] = f.appendReader(node, up, int64(size), r)
				})
			}
			writers.Wait()
			won := slices.Index(errs[:], nil)
			if won < 0 {
				t.Fatalf("neither of two writers won: %v", errs)
			}
			f.wantKind(errs[1-won], registry.InvalidLayerPart, fmt.Sprintf("First byte of the layer part is %d instead of %d", up.Offset, ups[won].Offset))
			f.mustFinish(1-won, ups[won], append(content, contents[won]...))
		}
	}
	wantTidy(t, fake.options(), 6+1) // one is a loser's tail, for collection: where there are no parts, no blob has the locator
}

// afterwards is an empty reader that calls f when the bytes before it were read.
type afterwards func()

func (f afterwards) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestTheSamePartAtTwoNodesAtOnceIsAcceptedByBoth(t *testing.T) {
	f := newFleet(t, newFakeS3(t).options())
	part := randomBytes(1, 6*mib)
	up := f.start()
	var other registry.Upload
	var otherErr error
	r := io.MultiReader(bytes.NewReader(part[:1]), afterwards(func() { other, otherErr = f.append(1, up, part) }), bytes.NewReader(part[1:]))
	up, err := f.appendReader(0, up, int64(len(part)), r)
	if err := errors.Join(err, otherErr); err != nil || up.Offset != other.Offset {
		t.Fatalf("the nodes stand at %d and %d: %v", up.Offset, other.Offset, err)
	}
	f.mustFinish(0, up, part)
}

func TestLateWriterChangesNothing(t *testing.T) {
	for _, size := range []int{10, 3 * mib, 12 * mib} {
		fake := newFakeS3(t)
		f := newFleet(t, fake.options())
		content := randomBytes(1, 6*mib)
		up := f.mustAppend(0, f.start(), content)
		late := randomBytes(2, size)
		r := io.MultiReader(bytes.NewReader(late[:1]), afterwards(func() { f.mustFinish(0, up, content) }), bytes.NewReader(late[1:]))
		_, err := f.appendReader(1, up, int64(size), r)
		f.wantKind(err, registry.UploadNotFound, "")
		f.wantLayer(content)
	}
}

func TestFinishWhileAnotherNodeAppendsCommitsNothingWrong(t *testing.T) {
	for _, before := range []int{100, 6 * mib} {
		f := newFleet(t, newFakeS3(t).options())
		content, more := randomBytes(1, before), randomBytes(2, 6*mib)
		up := f.mustAppend(0, f.start(), content)
		next := up
		// The commit is the update that comes after the bytes were sealed.
		f.meta.losing(func() bool {
			f.meta.lost = nil
			f.meta.mu.Unlock()
			defer f.meta.mu.Lock()
			if after, err := f.append(1, up, more); err == nil {
				next = after
			} else {
				f.wantKind(err, registry.UploadNotFound, "") // sealed already
			}
			return false
		})
		err := f.finish(0, up, content)
		if next.Offset == up.Offset {
			if err != nil {
				t.Error(err)
			}
			f.wantLayer(content)
			continue
		}
		f.wantKind(err, registry.InvalidLayer, "")
		f.mustFinish(0, next, append(content, more...))
	}
}

func TestCrashBetweenSealingAndCommit(t *testing.T) {
	for _, size := range []int{0, 100, 3 * mib, 12 * mib} {
		fake := newFakeS3(t)
		f := newFleet(t, fake.options())
		content := randomBytes(1, size)
		up := f.mustAppend(0, f.start(), content)
		committing := false
		fake.failing(func(op string, _ *http.Request) fault {
			committing = committing || op == "CompleteMultipartUpload" || op == "PutObject"
			return none
		})
		f.meta.losing(func() bool { return committing })
		if err := f.finish(0, up, content); !errors.Is(err, errLost) {
			t.Fatalf("finish without a database: %v", err)
		}
		f.meta.losing(nil)
		f.mustFinish(1, up, content)
		f.wantKind(f.finish(0, up, content), registry.LayerAlreadyExists, "")
	}
}

// A node that dies between the commit of a layer and the end of its upload leaves the tail under a locator that a row names.
func TestLeftoversOfAFinishedUploadAreCollected(t *testing.T) {
	fake := newFakeS3(t)
	f := newFleet(t, fake.options())
	content := randomBytes(1, 9*mib)
	up := f.mustAppend(0, f.start(), content[:6*mib])
	up = f.mustAppend(0, up, content[6*mib:])
	fake.failing(func(op string, _ *http.Request) fault {
		if op == "ListObjectsV2" {
			return failed
		}
		return none
	})
	f.mustFinish(0, up, content)
	fake.heal()
	wantTidy(t, fake.options(), 2)
	later := registry.New(registry.Config{Meta: f.meta, Blobs: open(t, fake.options()), Now: func() time.Time { return time.Now().Add(25 * time.Hour) }})
	for _, dry := range []bool{true, false} {
		done, err := later.CollectStrays(t.Context(), registry.CollectRules{DryRun: dry})
		if want := (registry.Collected{Strays: registry.Tally{Count: 1, Bytes: 3 * mib}, Listed: 2}); err != nil || done != want {
			t.Errorf("collected %+v, %v, want %+v", done, err, want)
		}
	}
	wantTidy(t, fake.options(), 1)
	f.wantLayer(content)
}

// Every call to S3 fails in both ways, once and for longer than anybody waits. What was accepted before stays, and the
// client can go on.
func TestS3FailsInEachCall(t *testing.T) {
	for op, ways := range map[string][]fault{
		"CreateMultipartUpload":   {failed, happened},
		"UploadPart":              {failed, happened},
		"CompleteMultipartUpload": {failed, happened},
		"PutObject":               {failed, happened, inTheWay},
		"DeleteObject":            {failed, happened},
		"GetObject":               {failed},
		"HeadObject":              {failed},
		"ListMultipartUploads":    {failed},
		"ListObjectsV2":           {failed},
	} {
		for _, become := range ways {
			for _, long := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, way %d, long %t", op, become, long), func(t *testing.T) {
					t.Parallel()
					testS3Fails(t, op, become, long)
				})
			}
		}
	}
}

func testS3Fails(t *testing.T, op string, become fault, long bool) {
	fake := newFakeS3(t)
	f := newFleet(t, fake.options())
	for i, parts := range [][]int{{1, 3 * mib, 5 * mib / 2, 200 << 10}, {70 << 10, 80 << 10}} {
		up, content := f.start(), []byte(nil)
		fail := func() {
			failures := 1
			if long {
				failures = 1000
			}
			fake.failing(func(called string, _ *http.Request) fault {
				if called != op || failures == 0 {
					return none
				}
				failures--
				return become
			})
		}
		for j, size := range parts {
			part := randomBytes(byte(16*i+j), size)
			fail()
			next, err := f.append(j%2, up, part)
			if err != nil && !long {
				t.Fatalf("a failure that passes is not ridden out: %v", err)
			}
			if err != nil {
				fake.heal()
				next = f.mustAppend((j+1)%2, up, part)
			}
			up, content = next, append(content, part...)
		}
		fail()
		if err := f.finish(0, up, content); err != nil {
			if !long {
				t.Fatalf("a failure that passes is not ridden out: %v", err)
			}
			fake.heal()
			if err := f.finish(1, up, content); err != nil && registry.KindOf(err) != registry.LayerAlreadyExists {
				t.Fatal(err)
			}
		}
		fake.heal()
		f.wantLayer(content)
	}
}
