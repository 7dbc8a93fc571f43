//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"

	"github.com/openecr/openecr/internal/enginetest"
)

// A fleet is nodes over one PostgreSQL and one S3 server of their own, behind a balancer.
type fleet struct {
	t        *testing.T
	postgres *enginetest.Cluster
	s3       *enginetest.Gateway
	balancer *balancer
	nodes    []*server
}

// startFleet starts engines and nodes, with more of the environment set for all nodes.
func startFleet(t *testing.T, nodes int, env ...string) *fleet {
	t.Helper()
	f := newFleet(t)
	f.start(nodes, append([]string{"OPENECR_METADATA=" + f.postgres.Database(t)}, env...)...)
	return f
}

// newFleet has no nodes yet.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	return &fleet{t: t, postgres: enginetest.Postgres(t), s3: enginetest.S3(t), balancer: startBalancer(t)}
}

func (f *fleet) start(nodes int, env ...string) {
	f.t.Helper()
	shared := append(f.s3.Env(),
		"OPENECR_BLOBS="+f.s3.Blobs(f.t),
		"OPENECR_MASTER_KEY="+strings.Repeat("5a", 32),
		"OPENECR_ACCESS_KEY_ID=AKIAENDTOENDTESTS000", "OPENECR_SECRET_ACCESS_KEY=secret-of-the-end-to-end-tests",
		"OPENECR_PUBLIC_URL="+f.balancer.url,
		"OPENECR_SHUTDOWN_DELAY=1s")
	for range nodes {
		node := newServer(f.t, f.t.TempDir())
		node.env = append(append(node.env, shared...), env...)
		node.start()
		f.nodes = append(f.nodes, node)
		f.balancer.add(node.addr)
	}
}

// clients are signed in and have made repository hello.
func (f *fleet) clients() (*ecrpublic.Client, registryClient) {
	f.t.Helper()
	api := newSDK(f.t, f.nodes[0])
	f.createRepository(api, "hello")
	return api, newRegistryClient(f.t, f.nodes[0], api)
}

// createRepository returns the name that docker pushes to.
func (f *fleet) createRepository(api *ecrpublic.Client, name string) string {
	f.t.Helper()
	_, err := api.CreateRepository(f.t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: &name})
	must(f.t, err)
	return f.nodes[0].registry + "/" + name
}

// only has node n answer everything that comes from now on.
func (f *fleet) only(n int) { f.balancer.pin(f.nodes[n].addr) }

// all has all nodes answer again.
func (f *fleet) all() { f.balancer.pin("") }

// midway waits until a node is in the middle of a large request, and returns it.
func (f *fleet) midway() *server {
	f.t.Helper()
	select {
	case address := <-f.balancer.midway:
		for _, node := range f.nodes {
			if node.addr == address {
				return node
			}
		}
	case <-time.After(time.Minute):
	}
	f.t.Fatal("waited a minute for a large request")
	return nil
}

// verify has `openecr verify` read all that is stored.
func (f *fleet) verify() {
	f.t.Helper()
	node := f.nodes[0]
	f.t.Log(strings.TrimSpace(node.command(f.t).run(f.t, "verify", "--whole", "--data", node.data)))
}

// load is clients that push small images until they are told to stop. They retry what a broken connection cost them and
// nothing else: an answer that is not what they asked for is a failure.
type load struct {
	acked   *acknowledged
	retries *retries
	stop    chan struct{}
	loops   sync.WaitGroup

	mu       sync.Mutex
	failures []error
}

// startLoad has pushers at work in repository hello until the caller stops them, or the test ends. Their tags begin with
// the name of the load.
func startLoad(t *testing.T, registry registryClient, name string, pushers int) *load {
	t.Helper()
	registry.retries = &retries{most: 100}
	l := &load{retries: registry.retries, acked: &acknowledged{manifests: map[string][]byte{}}, stop: make(chan struct{})}
	for n := range pushers {
		l.loops.Go(func() { l.push(t, registry, fmt.Sprintf("%s-%d", name, n)) })
	}
	t.Cleanup(l.end)
	return l
}

// end returns when nothing is sent any more.
func (l *load) end() {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.loops.Wait()
}

// reconnects is how many requests were sent again.
func (l *load) reconnects() int64 { return l.retries.used.Load() }

func (l *load) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, err)
}

// check ends the load. No request may have failed.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.end()
	for i, err := range l.failures {
		if i < 5 {
			t.Error(err)
		}
	}
	if len(l.failures) > 0 || len(l.acked.manifests) == 0 {
		t.Errorf("%d requests failed, %d images were acknowledged", len(l.failures), len(l.acked.manifests))
	}
	t.Logf("%d layers and %d images were acknowledged, %d requests were sent again", len(l.acked.layers), len(l.acked.manifests), l.reconnects())
}

// push pushes an image of two blobs after the other, and pulls what it pushed.
func (l *load) push(t *testing.T, registry registryClient, name string) {
	for i := 0; !l.stopped(); i++ {
		if err := l.pushImage(t, registry, fmt.Sprintf("%s-%d", name, i)); err != nil {
			l.fail(err)
		}
	}
}

func (l *load) pushImage(t *testing.T, registry registryClient, tag string) error {
	ctx := context.Background() // a load outlives the test that is failing
	var blobs [2]descriptor
	for n := range blobs {
		data := randomData(int64(1 + rand.IntN(96<<10))) // some of them are small enough to need no S3 before their end
		digest, err := l.pushBlob(ctx, registry, data)
		if err != nil {
			return err
		}
		l.acked.layer(digest)
		blobs[n] = descriptor{MediaType: ociLayerType, Digest: digest, Size: int64(len(data))}
	}
	blobs[0].MediaType = ociConfigType
	data := toJSON(t, manifest{SchemaVersion: 2, MediaType: ociManifestType, Config: &blobs[0], Layers: blobs[1:]})
	if err := registry.pushManifest(ctx, "hello", tag, ociManifestType, data); err != nil {
		return err
	}
	l.acked.manifest(tag, data)
	for _, blob := range blobs {
		stored, err := registry.blob(ctx, "hello", blob.Digest)
		if err == nil && digestOf(stored) != blob.Digest {
			err = fmt.Errorf("layer %s has the bytes of %s", blob.Digest, digestOf(stored))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pushBlob pushes a blob. Of a chunk that had to be sent again nobody knows whether it had arrived the first time: an upload
// that is refused after that is begun again, as clients do.
func (l *load) pushBlob(ctx context.Context, registry registryClient, data []byte) (digest string, err error) {
	registry.retries = &retries{most: l.retries.most} // of this blob alone
	for {
		digest, err = registry.pushBlob(ctx, "hello", data)
		again := registry.retries.used.Swap(0)
		l.retries.used.Add(again)
		if err == nil || again == 0 {
			return digest, err
		}
	}
}

// since waits until as many images as that were acknowledged from now on.
func (l *load) since(t *testing.T, images int) {
	t.Helper()
	before := l.acked.images()
	waitFor(t, time.Minute, "the load to get on", func() bool { return l.acked.images() >= before+images })
}
