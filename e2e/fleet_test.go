//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// Docker pushes and pulls through a fleet to which things happen. It tries layers again by itself, five times with longer
// and longer pauses, as it does unless told otherwise. Beside it a load counts every answer that is not what was asked for.
func TestFleetOutlivesDisasters(t *testing.T) {
	f := startFleet(t, 3)
	api, registry := f.clients()
	name := f.createRepository(api, "app")
	here, elsewhere := startDocker(t), startDocker(t)
	here.login(t, passwordOf(t, api), f.nodes[0].host())
	first := pushNewImage(t, here, name+":before")
	load := startLoad(t, registry, "load", 3)

	for _, disaster := range []struct {
		tag    string
		strike func()
	}{
		{"node-killed", func() {
			node := f.midway()
			node.kill()
			load.since(t, 5) // the others go on
			node.start()
		}},
		{"postgres-restarted", func() {
			f.midway()
			f.postgres.Stop()
			f.postgres.Start()
		}},
		{"s3-away", func() {
			f.midway()
			f.s3.Stop()
			time.Sleep(20 * time.Second) // that is how long it is away
			f.s3.Start()
		}},
	} {
		t.Run(disaster.tag, func(t *testing.T) {
			var clients sync.WaitGroup
			ids := make([]string, 2)
			for n := range ids {
				clients.Go(func() { ids[n] = pushNewImage(t, here, fmt.Sprintf("%s:%s-%d", name, disaster.tag, n)) })
			}
			clients.Go(func() { pullImage(t, elsewhere, name+":before", first) })
			disaster.strike()
			clients.Wait()
			load.since(t, 5)
			for n, id := range ids {
				pullImage(t, elsewhere, fmt.Sprintf("%s:%s-%d", name, disaster.tag, n), id)
			}
		})
	}
	load.check(t)
	verifyAcknowledged(t, load.acked, api, registry)
	f.verify()
}

// pushNewImage pushes an image of two layers and returns its ID.
func pushNewImage(t *testing.T, d docker, name string) string {
	t.Helper()
	l := newLayout(t)
	made := l.image("amd64", 2, 24<<20)
	d.load(t, l, made, name)
	d.run(t, "push", "--quiet", name)
	d.run(t, "image", "rm", name)
	return made.config(l)
}

// pullImage pulls an image anew.
func pullImage(t *testing.T, d docker, name, id string) {
	t.Helper()
	d.run(t, "pull", "--quiet", name)
	if got := d.imageID(t, name); got != id {
		t.Errorf("pulled image %s as %s, pushed %s", got, name, id)
	}
	d.run(t, "image", "rm", name)
}

// An upload goes on wherever its next request comes, on both wires.
func TestFleetAnyNodeAnyRequest(t *testing.T) {
	f := startFleet(t, 3)
	api, registry := f.clients()
	hello := aws.String("hello")

	t.Run("docker", func(t *testing.T) {
		for _, sizes := range [][]int{{1, 3 << 20, 0}, {5<<20 - 1, 40 << 20, 3 << 20}, {100, 200, 300}, {6 << 20, 6 << 20, 6 << 20}} {
			data := randomData(int64(sizes[0] + sizes[1] + sizes[2]))
			f.only(0)
			upload, err := registry.startUpload(t.Context(), "hello")
			must(t, err)
			offset := 0
			for n, size := range sizes[:2] {
				f.only(1 + n)
				upload, err = registry.sendChunk(t.Context(), upload, int64(offset), data[offset:offset+size])
				must(t, err)
				offset += size
			}
			f.only(0)
			must(t, registry.completeUpload(t.Context(), upload, digestOf(data), data[offset:]))
			f.only(1)
			stored, err := registry.blob(t.Context(), "hello", digestOf(data))
			must(t, err)
			if digestOf(stored) != digestOf(data) {
				t.Errorf("an upload in parts of %v bytes came back with other bytes", sizes)
			}
		}
	})
	t.Run("API", func(t *testing.T) {
		data := randomData(12 << 20)
		f.only(0)
		upload, err := api.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: hello})
		must(t, err)
		for n, part := range [][]byte{data[:partSize], data[partSize : 2*partSize], data[2*partSize:]} {
			f.only(n)
			_, err := api.UploadLayerPart(t.Context(), &ecrpublic.UploadLayerPartInput{
				RepositoryName: hello, UploadId: upload.UploadId, LayerPartBlob: part,
				PartFirstByte: aws.Int64(int64(n * partSize)), PartLastByte: aws.Int64(int64(n*partSize + len(part) - 1)),
			})
			must(t, err)
		}
		f.only(1)
		_, err = api.CompleteLayerUpload(t.Context(), &ecrpublic.CompleteLayerUploadInput{
			RepositoryName: hello, UploadId: upload.UploadId, LayerDigests: []string{digestOf(data)},
		})
		must(t, err)
		f.only(2)
		if out := checkLayers(t, api, "hello", digestOf(data)); out != "AVAILABLE" {
			t.Errorf("node 3 says that the layer is %s", out)
		}
	})
	f.all()
	f.verify()
}

// checkLayers is the availability of a layer.
func checkLayers(t *testing.T, api *ecrpublic.Client, repository, digest string) string {
	t.Helper()
	out, err := api.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
		RepositoryName: &repository, LayerDigests: []string{digest},
	})
	must(t, err)
	return string(out.Layers[0].LayerAvailability)
}

// Collection that is asked for on all nodes at once is done by one of them.
func TestFleetCollectsOnce(t *testing.T) {
	const layers = 12
	f := startFleet(t, 3, "OPENECR_LEASE=1ms", "OPENECR_GC_INTERVAL=0")
	_, registry := f.clients()
	for range layers {
		_, err := registry.pushBlob(t.Context(), "hello", randomData(100))
		must(t, err)
	}
	results := make([]result, len(f.nodes))
	var collections sync.WaitGroup
	for n, node := range f.nodes {
		openecr := node.command(t)
		collections.Go(func() { results[n] = openecr.try(t, "", "gc", "--rate", "5", "--data", node.data) })
	}
	collections.Wait()
	done := 0
	for _, r := range results {
		switch {
		case r.err == nil:
			done++
			t.Log(r.stdout)
		case !strings.Contains(r.stderr, "under way"):
			t.Errorf("openecr gc: %v\n%s%s", r.err, r.stdout, r.stderr)
		}
	}
	if done != 1 {
		t.Errorf("%d nodes collected, want one", done)
	}
	f.verify()
}

// A key that was disabled at one node signs at no other two seconds later, nor does what was made with it.
func TestFleetDisablesAKeyEverywhere(t *testing.T) {
	f := startFleet(t, 2)
	api, registry := f.clients()
	f.only(1)
	_, err := registry.startUpload(t.Context(), "hello") // node 2 knows the key now
	must(t, err)

	f.nodes[0].command(t).run(t, "key", "disable", "AKIAENDTOENDTESTS000", "--data", f.nodes[0].data)
	disabled := time.Now()
	waitFor(t, 10*time.Second, "node 2 to refuse the key on both wires", func() bool {
		_, uploading := registry.startUpload(t.Context(), "hello")
		_, calling := api.DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{})
		return uploading != nil && calling != nil
	})
	if took := time.Since(disabled); took > 2500*time.Millisecond { // two seconds and the requests themselves
		t.Errorf("a disabled key was taken for %v", took)
	}
}
