//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// loadRig is a server with an image to pull, and the requests of those who load it.
type loadRig struct {
	registry registryClient
	client   *http.Client // of one of them
	present  []string     // digests of layers
	layer    string       // of the image
	check    http.Header  // of the signed call
	body     []byte
}

func newLoadRig(t *testing.T, s *server) *loadRig {
	t.Helper()
	api := newSDK(t, s)
	l := &loadRig{registry: newRegistryClient(t, s, api)}
	newAWSRepository(t, api, "hello")
	for range 100 {
		digest, err := l.registry.pushBlob(t.Context(), "hello", randomData(64))
		must(t, err)
		l.present = append(l.present, digest)
	}
	layer := randomData(256 << 10)
	l.layer = digestOf(layer)
	_, err := l.registry.pushBlob(t.Context(), "hello", layer)
	must(t, err)
	must(t, l.registry.pushManifest(t.Context(), "hello", "1", ociManifestType, l.manifest(l.layer, len(layer))))
	l.sign(t, s, api.Options().Credentials)
	return l
}

func (l *loadRig) manifest(layer string, size int) []byte {
	return fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":64},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		ociManifestType, ociConfigType, l.present[0], ociLayerType, layer, size)
}

// sign makes the call that all clients send. It holds for five minutes.
func (l *loadRig) sign(t *testing.T, s *server, keys aws.CredentialsProvider) {
	t.Helper()
	l.body = toJSON(t, map[string]any{"repositoryName": "hello", "layerDigests": l.present})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/", bytes.NewReader(l.body))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SpencerFrontendService.BatchCheckLayerAvailability")
	credentials, err := keys.Retrieve(t.Context())
	must(t, err)
	hash := sha256.Sum256(l.body)
	must(t, v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(hash[:]), "ecr-public", "us-east-1", time.Now()))
	l.check = r.Header
}

// errThrottled is an answer that says: later.
var errThrottled = errors.New("throttled")

// send sends one request, and reads all of the answer.
func (l *loadRig) send(ctx context.Context, want int, method, path string, header http.Header, body []byte) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, method, l.registry.address(path), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		r.Header = header
	} else {
		r.Header.Set("Authorization", "Bearer "+l.registry.token)
	}
	res, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var start bytes.Buffer
	_, err = io.Copy(io.Discard, io.TeeReader(io.LimitReader(res.Body, 512), &start))
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == want:
		return res.Header, nil
	case res.Header.Get("Retry-After") != "" && (res.StatusCode == http.StatusServiceUnavailable || strings.Contains(start.String(), "ThrottlingException")):
		return nil, errThrottled
	}
	return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, start.String())
}

// deeds are what clients do; one of them is drawn as often as its weight says.
func (l *loadRig) deeds() []deed {
	return []deed{
		{"check", 40, func(ctx context.Context) error {
			_, err := l.send(ctx, http.StatusOK, http.MethodPost, "/", l.check, l.body)
			return err
		}},
		{"HEAD", 30, func(ctx context.Context) error {
			_, err := l.send(ctx, http.StatusOK, http.MethodHead, "hello/blobs/"+l.present[rand.IntN(len(l.present))], nil, nil)
			return err
		}},
		{"pull", 20, func(ctx context.Context) error {
			_, err := l.send(ctx, http.StatusOK, http.MethodGet, "hello/manifests/1", nil, nil)
			if err == nil {
				_, err = l.send(ctx, http.StatusOK, http.MethodGet, "hello/blobs/"+l.layer, nil, nil)
			}
			return err
		}},
		{"push", 10, l.push},
	}
}

func (l *loadRig) push(ctx context.Context) error {
	layer := randomData(16 << 10)
	digest := digestOf(layer)
	header, err := l.send(ctx, http.StatusAccepted, http.MethodPost, "hello/blobs/uploads/", nil, nil)
	if err == nil {
		_, err = l.send(ctx, http.StatusCreated, http.MethodPut, withDigest(header.Get("Location"), digest), nil, layer)
	}
	if err == nil {
		content := http.Header{"Content-Type": {ociManifestType}, "Authorization": {"Bearer " + l.registry.token}}
		_, err = l.send(ctx, http.StatusCreated, http.MethodPut, "hello/manifests/"+digest[7:30], content, l.manifest(digest, len(layer)))
	}
	return err
}

type deed struct {
	name   string
	weight int
	run    func(context.Context) error
}

// tally is how often things were done, and how long they took.
type tally struct {
	mu        sync.Mutex
	took      map[string][]time.Duration
	throttled map[string]int
	failures  []error
}

func (y *tally) count(name string, took time.Duration, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case err == nil:
		y.took[name] = append(y.took[name], took)
	case errors.Is(err, errThrottled):
		y.throttled[name]++
	default:
		y.failures = append(y.failures, fmt.Errorf("%s after %v: %w", name, took.Round(time.Millisecond), err))
	}
}

// run has that many clients work at once for a while, each on a connection of its own. They come back later when they are
// told to.
func (l *loadRig) run(ctx context.Context, clients int, duration time.Duration) *tally {
	y := &tally{took: map[string][]time.Duration{}, throttled: map[string]int{}}
	end := time.Now().Add(duration)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			own := *l
			own.client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: time.Minute}
			defer own.client.CloseIdleConnections()
			var wheel []deed
			for _, one := range own.deeds() {
				wheel = append(wheel, slices.Repeat([]deed{one}, one.weight)...)
			}
			for time.Now().Before(end) {
				one := wheel[rand.IntN(len(wheel))]
				begun := time.Now()
				err := one.run(ctx)
				y.count(one.name, time.Since(begun), err)
				if errors.Is(err, errThrottled) {
					time.Sleep(time.Second + rand.N(time.Second))
				}
			}
		})
	}
	working.Wait()
	return y
}

func (y *tally) report(t *testing.T, duration time.Duration) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(y.took)) {
		took := y.took[name]
		slices.Sort(took)
		at := func(part float64) time.Duration { return took[int(part*float64(len(took)-1))].Round(time.Millisecond) }
		t.Logf("%-5s  %6d done, %5.0f/s, p50 %v, p99 %v, longest %v; %d throttled", name, len(took), float64(len(took))/duration.Seconds(), at(.5), at(.99), at(1), y.throttled[name])
	}
	for i, err := range y.failures {
		if i == 5 {
			t.Errorf("and %d more", len(y.failures)-i)
			break
		}
		t.Error(err)
	}
}

// drawCurve is the memory over time, for people.
func drawCurve(curve []memorySample) string {
	var text strings.Builder
	for _, s := range curve {
		fmt.Fprintf(&text, "\n%6.1f s  RSS %4d MiB, without files %4d MiB, cgroup with caches %4d MiB", s.at.Seconds(), s.all>>20, s.anonymous>>20, s.group>>20)
	}
	return text.String()
}

// memorySample is what a server holds at a moment.
type memorySample struct {
	at                    time.Duration
	all, anonymous, group int64
}
