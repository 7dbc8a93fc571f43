//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/smithy-go"

	"github.com/openecr/openecr/internal/faults"
)

// acknowledged is what the server has answered with success: from then on it has to be there.
type acknowledged struct {
	mu        sync.Mutex
	layers    []string          // digests
	manifests map[string][]byte // by tag
}

func (a *acknowledged) layer(digest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.layers = append(a.layers, digest)
}

func (a *acknowledged) manifest(tag string, data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.manifests[tag] = data
}

func (a *acknowledged) images() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.manifests)
}

// Servers die at a named point of a write or at any moment, while clients push, tag, delete and set policies. After each
// start the server has what it had acknowledged, and nothing of the rest is there by half.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	r := newCrashRig(t)
	many := rounds(t, 6)
	for round := range many {
		r.start(r.draw()...)
		r.verify(t, round%250 == 249)
		if t.Failed() {
			return // the next rounds would only repeat it
		}
		r.crash(t, round)
	}
	r.start()
	r.verify(t, true)
	t.Logf("%d layers and %d images were acknowledged over %d crashes: %v", len(r.acked.layers), len(r.acked.manifests), many, r.died)
}

// Stores that fail, before or after they did what they were asked, cost their clients an error and another try: no answer
// breaks off, nothing is there by half, and what was answered stays.
func TestFailingStoresAreErrorsNotHalfPushes(t *testing.T) {
	r := newCrashRig(t)
	var plan []string
	for _, point := range faults.Points {
		plan = append(plan, point+"=fail%3")
	}
	r.start("OPENECR_FAULTS_ARMED=later", "OPENECR_FAULTS="+strings.Join(plan, ","))
	r.process.signal(t, syscall.SIGUSR2)
	failures := 0
	for n := 0; r.recent.images() < 5; n++ {
		if n == 300 {
			t.Fatalf("of %d pushes %d succeeded", n, r.recent.images())
		}
		err := r.push(t.Context(), t, fmt.Sprint(n))
		var refused smithy.APIError
		if err != nil && !errors.As(err, &refused) && !strings.Contains(err.Error(), `: 500, want`) {
			t.Errorf("a push over stores that fail: %v", err)
		}
		if err != nil {
			failures++
		}
	}
	if failures == 0 {
		t.Error("no push failed")
	}
	t.Logf("%d pushes failed and %d succeeded", failures, r.recent.images())
	r.process.terminate(t) // with whatever status: what it writes at its end may fail too
	r.start()
	r.verify(t, true)
}

// pushUntilFailure pushes small images until the server is gone.
func pushUntilFailure(ctx context.Context, t *testing.T, acked *acknowledged, api *ecrpublic.Client, registry registryClient, name string) {
	for i := 0; pushSmall(ctx, t, acked, api, registry, fmt.Sprintf("%s-%d", name, i)) == nil; i++ {
	}
}

// pushSmall pushes a small image, one of its layers by the API and the others by the registry.
func pushSmall(ctx context.Context, t *testing.T, acked *acknowledged, api *ecrpublic.Client, registry registryClient, tag string) error {
	m := manifest{SchemaVersion: 2, MediaType: ociManifestType}
	for n := range 3 {
		data := randomData(int64(1 + rand.IntN(256<<10)))
		digest := digestOf(data)
		var err error
		switch n {
		case 0:
			_, err = registry.pushBlob(ctx, "hello", data)
		case 1:
			err = sdkUpload(ctx, api, "hello", digest, [][]byte{data})
		case 2:
			_, err = registry.sendBlob(ctx, "hello", data)
		}
		if err != nil {
			return err
		}
		acked.layer(digest)
		d := descriptor{MediaType: ociLayerType, Digest: digest, Size: int64(len(data))}
		if n == 0 {
			d.MediaType = ociConfigType
			m.Config = &d
		} else {
			m.Layers = append(m.Layers, d)
		}
	}
	data := toJSON(t, m)
	err := registry.pushManifest(ctx, "hello", tag, ociManifestType, data)
	if err == nil {
		acked.manifest(tag, data)
	}
	return err
}

// verifyAcknowledged asks for everything again: both wires know it, and its bytes are whole.
func verifyAcknowledged(t *testing.T, acked *acknowledged, api *ecrpublic.Client, registry registryClient) {
	t.Helper()
	for start := 0; start < len(acked.layers); start += 100 {
		digests := acked.layers[start:min(start+100, len(acked.layers))]
		out, err := api.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
			RepositoryName: aws.String("hello"), LayerDigests: digests,
		})
		must(t, err)
		if len(out.Layers) != len(digests) {
			t.Errorf("BatchCheckLayerAvailability of %d layers answered %d", len(digests), len(out.Layers))
		}
		for _, layer := range out.Layers {
			if layer.LayerAvailability != types.LayerAvailabilityAvailable {
				t.Errorf("layer %s was acknowledged and is %s", aws.ToString(layer.LayerDigest), layer.LayerAvailability)
			}
		}
	}
	for _, digest := range acked.layers {
		data, err := registry.blob(t.Context(), "hello", digest)
		if err != nil {
			t.Error(err)
		} else if got := digestOf(data); got != digest {
			t.Errorf("layer %s has bytes of digest %s", digest, got)
		}
	}
	for tag, want := range acked.manifests {
		data, err := registry.manifest(t.Context(), "hello", tag)
		if err != nil {
			t.Error(err)
		} else if string(data) != string(want) {
			t.Errorf("image %s has another manifest than was acknowledged:\n%s", tag, data)
		}
	}
}

// An acknowledged chunk is durable too: the upload goes on where the client knows it to be.
func TestUploadGoesOnAfterKill(t *testing.T) {
	s := startServer(t)
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	data := randomData(3 << 20)
	const chunk = 1 << 20

	upload, err := registry.startUpload(t.Context(), "hello")
	must(t, err)
	for offset := int64(0); offset < int64(len(data)); offset += chunk {
		upload, err = registry.sendChunk(t.Context(), upload, offset, data[offset:offset+chunk])
		must(t, err)
		s.kill()
		s.start()
		header, _, err := registry.request(t.Context(), http.StatusNoContent, "GET", upload, nil, nil)
		must(t, err)
		if got, want := header.Get("Range"), fmt.Sprintf("0-%d", offset+chunk-1); got != want {
			t.Errorf("Range of the upload after the kill = %q, want %q", got, want)
		}
	}
	must(t, registry.completeUpload(t.Context(), upload, digestOf(data), nil))
	stored, err := registry.blob(t.Context(), "hello", digestOf(data))
	must(t, err)
	if digestOf(stored) != digestOf(data) {
		t.Error("the bytes read differ from the bytes sent")
	}
}

// A client that goes away in the middle of a part leaves the upload as it was before that part.
func TestDeadClientLeavesTheUploadAsItWas(t *testing.T) {
	s := startServer(t)
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	const chunk = 1 << 20
	data := randomData(2 * chunk)
	upload, err := registry.startUpload(t.Context(), "hello")
	must(t, err)
	upload, err = registry.sendChunk(t.Context(), upload, 0, data[:chunk])
	must(t, err)

	dying := io.MultiReader(bytes.NewReader(data[chunk:chunk+chunk/2]), iotest.ErrReader(errors.New("the client dies")))
	request, err := http.NewRequestWithContext(t.Context(), "PATCH", registry.address(upload), dying)
	must(t, err)
	request.ContentLength = chunk
	request.Header.Set("Authorization", "Bearer "+registry.token)
	if status, _, _, err := send(request); err == nil {
		t.Fatalf("half a chunk was answered with status %d", status)
	}

	for _, r := range s.restart() { // and the server is done with the half
		if r.Method == "PATCH" && r.BytesIn > 0 && r.BytesIn < chunk && r.Status < 400 {
			t.Errorf("half a chunk was accepted: %+v", r)
		}
	}
	header, _, err := registry.request(t.Context(), http.StatusNoContent, "GET", upload, nil, nil)
	must(t, err)
	if got, want := header.Get("Range"), fmt.Sprintf("0-%d", chunk-1); got != want {
		t.Errorf("Range after half a chunk = %q, want %q", got, want)
	}
	must(t, registry.completeUpload(t.Context(), upload, digestOf(data), data[chunk:]))
}
