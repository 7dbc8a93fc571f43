package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

// What a request of the hot paths may allocate, from the handler of the server down, with its log line, signature or token
// check and metrics. A figure that has to rise says that something is now done for every layer check or pull.
func TestAllocationsOfTheHotPaths(t *testing.T) {
	const (
		checkHit       = 18
		checkMiss      = 89 // the driver takes most of them
		blobHead       = 16
		manifestTag    = 14
		manifestDigest = 17
	)
	bounds := map[string]float64{
		"check hit":              checkHit,
		"check miss":             checkMiss,
		"HEAD blob":              blobHead,
		"GET manifest by digest": manifestDigest,
		"GET manifest by tag":    manifestTag,
	}
	handler, requests := hotRequests(t)
	for _, hot := range requests {
		got := testing.AllocsPerRun(200, func() { hot.serve(t, handler) })
		t.Logf("%s: %.0f", hot.name, got)
		if got > bounds[hot.name]+emptiedPools {
			t.Errorf("%s: %.0f allocations, at most %.0f: what is new in it is made for every check or pull", hot.name, got, bounds[hot.name])
		}
	}
}

func BenchmarkHotPaths(b *testing.B) {
	handler, requests := hotRequests(b)
	for _, hot := range requests {
		b.Run(hot.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				hot.serve(b, handler)
			}
		})
	}
}

// hotRequest can be made many times, by one goroutine.
type hotRequest struct {
	name string
	r    *http.Request
	body *bytes.Reader
	w    quietWriter
}

// hotRequests are those of the hot paths, with what answers them.
func hotRequests(t testing.TB) (http.Handler, []*hotRequest) {
	t.Helper()
	c := newConfig(t)
	openClose(t, c)
	layers := fillHot(t, c)
	env := readEnvironment(t, c)
	log, err := new(Operating).Logger(io.Discard, false)
	must(t, err)
	a, err := New(t.Context(), c, log)
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	absent := make([]ref.Digest, len(layers))
	for i := range absent {
		absent[i] = ref.DigestBytes(ref.SHA256, []byte("absent "+strconv.Itoa(i)))
	}
	path := "/v2/" + env.Alias + "/hello"
	token := bearerOf(t, a, env)
	manifest := ref.DigestBytes(ref.SHA256, hotManifest).String()
	request := func(name string, r *http.Request, body []byte) *hotRequest {
		return &hotRequest{name: name, r: r, body: bytes.NewReader(body), w: quietWriter{header: make(http.Header)}}
	}
	return a.Handler(), []*hotRequest{
		request("check hit", checkRequest(t, env, layers), checkBody(t, layers)),
		request("check miss", checkRequest(t, env, absent), checkBody(t, absent)),
		request("HEAD blob", pullRequest(http.MethodHead, path+"/blobs/"+layers[0].String(), token), nil),
		request("GET manifest by digest", pullRequest(http.MethodGet, path+"/manifests/"+manifest, token), nil),
		request("GET manifest by tag", pullRequest(http.MethodGet, path+"/manifests/latest", token), nil),
	}
}

func (h *hotRequest) serve(t testing.TB, handler http.Handler) {
	clear(h.w.header)
	_, _ = h.body.Seek(0, io.SeekStart)
	if h.r.Body = http.NoBody; h.body.Len() > 0 {
		h.r.Body = io.NopCloser(h.body)
	}
	if handler.ServeHTTP(&h.w, h.r); h.w.status != http.StatusOK {
		t.Fatalf("%s %s: status %d", h.r.Method, h.r.URL, h.w.status)
	}
}

var hotManifest = []byte(`{"schemaVersion":2}`)

// fillHot makes repository hello with layers and an image, past the rules, and returns the digests of the layers.
func fillHot(t testing.TB, c Config) []ref.Digest {
	t.Helper()
	meta, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: c.file("openecr.db")})
	must(t, err)
	digests := make([]ref.Digest, 100)
	now := time.Now().Truncate(time.Millisecond)
	must(t, meta.Update(t.Context(), func(tx registry.Tx) error {
		id, err := tx.InsertRepository(registry.Repository{Account: ref.AccountID(readEnvironment(t, c).AccountID), Name: "hello", CreatedAt: now})
		for i := 0; err == nil && i < len(digests); i++ {
			digests[i] = ref.DigestBytes(ref.SHA256, []byte(strconv.Itoa(i)))
			if err = tx.InsertBlob(registry.Blob{Digest: digests[i], Size: 1, Locator: digests[i].Hex()[:32], CreatedAt: now}); err == nil {
				err = tx.InsertLayer(id, registry.Layer{Digest: digests[i], Size: 1, MediaType: "application/vnd.oci.image.layer.v1.tar", KeepUntil: now.Add(2 * registry.Lease)})
			}
		}
		if err != nil {
			return err
		}
		image := registry.Image{Digest: ref.DigestBytes(ref.SHA256, hotManifest), MediaType: "application/vnd.oci.image.manifest.v1+json", Manifest: hotManifest, PushedAt: now}
		if err := tx.InsertImage(id, image); err != nil {
			return err
		}
		return tx.PutTag(id, registry.Tag{Name: "latest", Image: image.Digest, CreatedAt: now})
	}))
	must(t, meta.Close())
	return digests
}

func checkBody(t testing.TB, digests []ref.Digest) []byte {
	t.Helper()
	texts := make([]string, len(digests))
	for i, d := range digests {
		texts[i] = d.String()
	}
	body, err := json.Marshal(map[string]any{"repositoryName": "hello", "layerDigests": texts})
	must(t, err)
	return body
}

func checkRequest(t testing.TB, env Environment, digests []ref.Digest) *http.Request {
	t.Helper()
	body := checkBody(t, digests)
	r := httptest.NewRequest(http.MethodPost, env.URL+"/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SpencerFrontendService.BatchCheckLayerAvailability")
	hash := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey}
	must(t, v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(hash[:]), "ecr-public", "us-east-1", time.Now()))
	return r
}

func pullRequest(method, path, token string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// bearerOf is a token for pulls by nobody.
func bearerOf(t testing.TB, a *App, env Environment) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/token?scope=repository:"+env.Alias+"/hello:pull", http.NoBody))
	var answer struct{ Token string }
	must(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer.Token
}

// quietWriter is a connection that takes everything.
type quietWriter struct {
	header http.Header
	status int
}

func (w *quietWriter) Header() http.Header              { return w.header }
func (w *quietWriter) WriteHeader(status int)           { w.status = status }
func (w *quietWriter) Write(b []byte) (int, error)      { return len(b), nil }
func (w *quietWriter) SetReadDeadline(time.Time) error  { return nil }
func (w *quietWriter) SetWriteDeadline(time.Time) error { return nil }
