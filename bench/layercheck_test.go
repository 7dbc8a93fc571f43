package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

const (
	account      = "123456789012"
	repositories = 100
	layersEach   = 1000
	batch        = 100 // digests in a BatchCheckLayerAvailability, the most it takes
)

var key = aws.Credentials{AccessKeyID: "AKIABENCH", SecretAccessKey: "bench-secret"}

// layer is the digest of layer n of repository r.
func layer(r, n int) ref.Digest {
	var seed [16]byte
	binary.BigEndian.PutUint64(seed[:8], uint64(r))
	binary.BigEndian.PutUint64(seed[8:], uint64(n))
	return ref.DigestBytes(ref.SHA256, seed[:])
}

// open is the handler of a program over a store of repositories*layersEach layers.
func open(b *testing.B) http.Handler {
	b.Helper()
	a := openApp(b)
	b.Cleanup(func() { _ = a.Close() })
	return a.Handler()
}

func openApp(b *testing.B) *app.App {
	b.Helper()
	config := app.Config{
		Stores:      app.Stores{Data: b.TempDir()},
		Addr:        "127.0.0.1:0",
		AccountID:   account,
		Alias:       "b1e2n3c4",
		AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey,
	}
	a, err := app.New(context.Background(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Close(); err != nil { // the first start made the account
		b.Fatal(err)
	}
	fill(b, filepath.Join(config.Data, "openecr.db"))
	if a, err = app.New(context.Background(), config, slog.New(slog.NewJSONHandler(io.Discard, nil))); err != nil {
		b.Fatal(err)
	}
	return a
}

func fill(b *testing.B, path string) {
	b.Helper()
	meta, err := sqlmeta.Open(context.Background(), sqlmeta.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer meta.Close()
	now := time.Now().Truncate(time.Millisecond)
	for r := range repositories {
		err := meta.Update(context.Background(), func(tx registry.Tx) error {
			id, err := tx.InsertRepository(registry.Repository{Account: account, Name: repository(r), CreatedAt: now})
			for n := 0; err == nil && n < layersEach; n++ {
				d := layer(r, n)
				if err = tx.InsertBlob(registry.Blob{Digest: d, Size: 1 << 20, Locator: d.Hex()[:32], CreatedAt: now}); err == nil {
					err = tx.InsertLayer(id, registry.Layer{Digest: d, Size: 1 << 20, MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", KeepUntil: now.Add(2 * registry.Lease)})
				}
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func repository(r int) ref.RepositoryName { return ref.RepositoryName(fmt.Sprintf("repository-%d", r)) }

// checkRequest is a signed call for one batch of a repository: layers first to first+batch-1.
func checkRequest(b *testing.B, r, first int) func() *http.Request {
	b.Helper()
	digests := make([]string, batch)
	for i := range digests {
		digests[i] = layer(r, first+i).String()
	}
	body, err := json.Marshal(map[string]any{"repositoryName": repository(r), "layerDigests": digests})
	if err != nil {
		b.Fatal(err)
	}
	signed := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/", nil)
	signed.Header.Set("Content-Type", "application/x-amz-json-1.1")
	signed.Header.Set("X-Amz-Target", "SpencerFrontendService.BatchCheckLayerAvailability")
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), key, signed, hex.EncodeToString(hash[:]), "ecr-public", "us-east-1", time.Now()); err != nil {
		b.Fatal(err)
	}
	return func() *http.Request {
		request := signed.Clone(context.Background())
		request.Body = io.NopCloser(bytes.NewReader(body))
		request.ContentLength = int64(len(body))
		return request
	}
}

func serve(b *testing.B, handler http.Handler, request *http.Request) {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		b.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
}

// BenchmarkLayerCheck is one BatchCheckLayerAvailability of 100 digests, from the HTTP handler down, log line and
// signature check included. hit is answered from memory, miss by one statement, and unknown by one statement as well,
// because absence is never remembered.
func BenchmarkLayerCheck(b *testing.B) {
	handler := open(b)
	run := func(request func(i int) *http.Request) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				serve(b, handler, request(i))
			}
			b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "layers/s")
		}
	}
	hit := checkRequest(b, 0, 0)
	b.Run("hit", run(func(int) *http.Request { return hit() }))
	unknown := checkRequest(b, 0, layersEach)
	b.Run("unknown", run(func(int) *http.Request { return unknown() }))
	// A repository that was never asked about is a miss; the list is longer than a run of it.
	misses := make([]func() *http.Request, 0, repositories*layersEach/batch)
	for r := 1; r < repositories; r++ {
		for first := 0; first < layersEach; first += batch {
			misses = append(misses, checkRequest(b, r, first))
		}
	}
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for i := range min(b.N, len(misses)) {
			serve(b, handler, misses[i]())
		}
	})
}

// BenchmarkBlobHead is the same question as docker asks it: one layer a request.
func BenchmarkBlobHead(b *testing.B) {
	handler := open(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequest(http.MethodHead, fmt.Sprintf("http://127.0.0.1:8080/v2/b1e2n3c4/%s/blobs/%s", repository(0), layer(0, i%layersEach)), nil)
		serve(b, handler, r)
	}
}
