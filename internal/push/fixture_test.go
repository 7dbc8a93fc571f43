package push

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/ref"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// partSize is the smallest that the service takes for a part that is not the last. The tests' services recommend it, and
// not their usual size, so that parts cost less time.
const partSize = 5 << 20

// service is the real server, with a count of what it was asked and a client whose connection can be disturbed.
type service struct {
	t      *testing.T
	url    string
	alias  string
	client *ecrpublic.Client
	// disturb may take a call over: it gets the operation, which call of it this is, and what would send it.
	disturb func(operation string, n int, request *http.Request, send sender) (*http.Response, error)

	mu   sync.Mutex
	sent map[string]int // calls that the client has made, by operation
	got  map[string]int // calls that the server has answered
	busy int            // parts that the server is receiving
	most int            // ... at most, at once
}

func newService(t *testing.T) *service {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	program, err := app.New(t.Context(), app.Config{Stores: app.Stores{Data: data}, Addr: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	must(t, err)
	s := &service{t: t, alias: program.Info().Alias, sent: map[string]int{}, got: map[string]int{}}
	server := httptest.NewServer(s.counting(program.Handler()))
	transport := new(http.Transport)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		must(t, program.Close())
	})
	env, err := app.ReadEnvironment(data)
	must(t, err)
	s.url = server.URL
	s.client, err = ecrpublic.NewClient(t.Context(), aws.Config{
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(env.AccessKeyID, env.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return s.send(transport, r) })},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	})
	must(t, err)
	return s
}

// newRepository is a service with the repository "hello".
func newRepository(t *testing.T) *service {
	t.Helper()
	s := newService(t)
	_, err := s.client.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryRequest{RepositoryName: new("hello")})
	must(t, err)
	return s
}

// sender sends a request to the service.
type sender func(*http.Request) (*http.Response, error)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func operation(r *http.Request) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return name
}

func (s *service) send(transport http.RoundTripper, r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.sent[operation(r)]++
	n, disturb := s.sent[operation(r)], s.disturb
	s.mu.Unlock()
	if disturb == nil {
		return withSmallParts(transport)(r)
	}
	return disturb(operation(r), n, r, withSmallParts(transport))
}

func withSmallParts(transport http.RoundTripper) sender {
	return func(r *http.Request) (*http.Response, error) {
		response, err := transport.RoundTrip(r)
		if err != nil || operation(r) != "InitiateLayerUpload" {
			return response, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		body = bytes.Replace(body, []byte(`"partSize":10485760`), fmt.Appendf(nil, `"partSize":%d`, partSize), 1)
		response.Body = io.NopCloser(bytes.NewReader(body))
		return response, err
	}
}

func (s *service) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isPart := operation(r) == "UploadLayerPart"
		s.mu.Lock()
		s.got[operation(r)]++
		if isPart {
			s.busy++
			s.most = max(s.most, s.busy)
		}
		s.mu.Unlock()
		next.ServeHTTP(w, r)
		if isPart {
			s.mu.Lock()
			s.busy--
			s.mu.Unlock()
		}
	})
}

// count is how often the server was asked for an operation.
func (s *service) count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[operation]
}

// pusher pushes to "hello".
func (s *service) pusher(o Options) *Pusher {
	if o.Repository == "" {
		o.Repository = "hello"
	}
	return New(s.client, o)
}

// mustHave fails the test unless the repository has each of the blobs, with its size.
func (s *service) mustHave(blobs ...Blob) {
	s.t.Helper()
	for _, b := range blobs {
		out, err := s.client.BatchCheckLayerAvailability(context.Background(), &ecrpublic.BatchCheckLayerAvailabilityRequest{
			RepositoryName: new("hello"), LayerDigests: []string{b.Digest.String()}})
		must(s.t, err)
		if l := out.Layers[0]; *l.LayerAvailability != ecrpublic.LayerAvailabilityAvailable || *l.LayerSize != b.Size {
			s.t.Errorf("layer %s of %d bytes is %s", b.Digest, b.Size, *l.LayerAvailability)
		}
	}
}

// pull is a manifest as anybody pulls it.
func (s *service) pull(reference string) (mediaType, content string) {
	s.t.Helper()
	response, err := http.Get(fmt.Sprintf("%s/v2/%s/hello/manifests/%s", s.url, s.alias, reference))
	must(s.t, err)
	defer response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("pull %s: %d %s", reference, response.StatusCode, body)
	}
	return response.Header.Get("Content-Type"), string(body)
}

// events keeps what a push tells.
type events struct {
	mu     sync.Mutex
	need   int64
	sent   int64
	layers []Layer
	onSent func()
}

func (e *events) Need(n int64) { e.mu.Lock(); e.need += n; e.mu.Unlock() }

func (e *events) Sent(n int64) {
	e.mu.Lock()
	e.sent += n
	e.mu.Unlock()
	if e.onSent != nil {
		e.onSent()
	}
}

func (e *events) Done(l Layer) { e.mu.Lock(); e.layers = append(e.layers, l); e.mu.Unlock() }

// mustAddUp fails the test unless all that was to be sent was sent.
func (e *events) mustAddUp(t *testing.T, want int64) {
	t.Helper()
	if e.need != want || e.sent != want {
		t.Errorf("progress: %d of %d bytes, want %d", e.sent, e.need, want)
	}
}

// randomBlob is a blob that no other equals.
func randomBlob(size int) Blob {
	content := make([]byte, size)
	_, _ = rand.Read(content) // never fails
	return bytesBlob("random bytes", content)
}

// files are what a directory or tar file is made of, by name.
type files map[string]string

func (f files) directory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func (f files) tar() []byte {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		content := f[name]
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			header.Typeflag, header.Linkname, header.Size, content = tar.TypeSymlink, target, 0, ""
		}
		_ = w.WriteHeader(header) // memory never fails
		_, _ = io.WriteString(w, content)
	}
	_ = w.Close()
	return archive.Bytes()
}

func (f files) tarFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	must(t, os.WriteFile(name, f.tar(), 0o644))
	return name
}

// add makes a blob of an image layout.
func (f files) add(mediaType, content string) descriptor {
	digest := ref.DigestBytes(ref.SHA256, []byte(content))
	f[blobName(digest)] = content
	return descriptor{MediaType: mediaType, Digest: digest.String(), Size: int64(len(content))}
}

func (f files) addJSON(mediaType string, v any) descriptor {
	content, _ := json.Marshal(v) // only maps, slices, strings and numbers
	return f.add(mediaType, string(content))
}

// addImage adds an image with these layers.
func (f files) addImage(platform string, layers ...string) descriptor {
	config := f.addJSON("application/vnd.oci.image.config.v1+json", map[string]any{"architecture": platform})
	var ds []descriptor
	for _, l := range layers {
		ds = append(ds, f.add("application/vnd.oci.image.layer.v1.tar", l))
	}
	return f.addJSON(mediaTypeOCIManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaTypeOCIManifest, "config": config, "layers": ds})
}

func (f files) addIndex(manifests ...descriptor) descriptor {
	return f.addJSON(mediaTypeOCIIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaTypeOCIIndex, "manifests": manifests})
}

// named is the layout of these images, where each has the name of its key.
func (f files) named(images map[string]descriptor) files {
	top := []descriptor{}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		d := images[name]
		if name != "" {
			d.Annotations = map[string]string{annotationName: name}
		}
		top = append(top, d)
	}
	content, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": top})
	f["index.json"], f["oci-layout"] = string(content), `{"imageLayoutVersion":"1.0.0"}`
	return f
}

// only is the layout of one image.
func (f files) only(d descriptor) files { return f.named(map[string]descriptor{"": d}) }

func openImage(t *testing.T, file, name string) *Image {
	t.Helper()
	image, err := OpenImage(t.Context(), file, name)
	must(t, err)
	t.Cleanup(func() { must(t, image.Close()) })
	return image
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
