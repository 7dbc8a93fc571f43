package ecrapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account   = "123456789012"
	stranger  = "210987654321" // another account of the same server
	requestID = "6cb64b8a-9378-4e33-8ab1-b780fab8a9e9"
)

// clock stands still, so that answers are the same to the byte.
var clock = time.UnixMilli(1705072146123).UTC()

// rig is a Server over real metadata and blobs in memory.
type rig struct {
	*Server
	meta     *watchedMeta
	blobs    *registrytest.MemBlobs
	writes   atomic.Int64 // to the blobs
	observed []observation
}

type observation struct {
	operation string
	caller    registry.Caller
	err       error
}

// watchedMeta counts changes, and fails when it is told to.
type watchedMeta struct {
	registry.Meta
	updates atomic.Int64
	fail    error
}

func (m *watchedMeta) View(ctx context.Context, fn func(registry.Tx) error) error {
	if m.fail != nil {
		return m.fail
	}
	return m.Meta.View(ctx, fn)
}

func (m *watchedMeta) Update(ctx context.Context, fn func(registry.Tx) error) error {
	if m.fail != nil {
		return m.fail
	}
	m.updates.Add(1)
	return m.Meta.Update(ctx, fn)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{meta: &watchedMeta{Meta: openMeta(t)}, blobs: registrytest.NewMemBlobs(t)}
	r.blobs.Fault = func(op, _ string) (bool, error) {
		if op != "Open" {
			r.writes.Add(1)
		}
		return true, nil
	}
	r.Server = newServer(t, r.meta, r.blobs)
	r.Observe = func(_ *http.Request, operation string, caller registry.Caller, err error) {
		r.observed = append(r.observed, observation{operation, caller, err})
	}
	return r
}

// openMeta makes a store with both accounts in it.
func openMeta(t *testing.T) registry.Meta {
	t.Helper()
	meta, err := sqlmeta.Open(context.Background(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	must(t, err)
	t.Cleanup(func() { must(t, meta.Close()) })
	must(t, meta.Update(context.Background(), func(tx registry.Tx) error {
		for id, alias := range map[ref.AccountID]ref.Alias{account: "a1b2c3d4", stranger: "z9y8x7w6"} {
			if err := tx.InsertAccount(registry.Account{ID: id, CreatedAt: clock}); err != nil {
				return err
			}
			if err := tx.InsertAlias(registry.Alias{Name: alias, Account: id, Default: true, Primary: true, CreatedAt: clock}); err != nil {
				return err
			}
		}
		return nil
	}))
	return meta
}

func newServer(t *testing.T, meta registry.Meta, blobs registry.Blobs) *Server {
	t.Helper()
	return New(Options{
		Registry: registry.New(registry.Config{Meta: meta, Blobs: blobs, Host: "registry.example", PageKey: []byte("page key"), Now: func() time.Time { return clock }}),
		Begin:    beginSigned,
		IssueToken: func(context.Context, registry.Caller) (string, time.Time, error) {
			return "QVdTOnBhc3N3b3Jk", clock.Add(12 * time.Hour), nil
		},
		SpoolDir: t.TempDir(),
	})
}

// signed is what a request proves in these tests: "Authorization: KEYID HASH" signs a body with that hash.
type signed struct{ keyID, bodyHash string }

// signers are the keys that exist.
var signers = map[string]ref.AccountID{"OWNER": account, "STRANGER": stranger}

func beginSigned(r *http.Request) (Pending, error) {
	keyID, hash, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if signers[keyID] == "" {
		return nil, refusedError{"UnrecognizedClientException"}
	}
	return signed{keyID, hash}, nil
}

func (s signed) AccessKeyID() string { return s.keyID }

func (s signed) Finish(sum [sha256.Size]byte) (registry.Caller, error) {
	if hex.EncodeToString(sum[:]) != s.bodyHash {
		return registry.Caller{}, refusedError{"InvalidSignatureException"}
	}
	id := signers[s.keyID]
	return registry.Caller{Account: id, ARN: ref.RootARN(id), KeyID: s.keyID}, nil
}

// refusedError is an exception of another package, as those of a real Begin are.
type refusedError struct{ code string }

func (e refusedError) Error() string        { return e.code }
func (e refusedError) ErrorCode() string    { return e.code }
func (e refusedError) ErrorMessage() string { return "refused" }

func newRequest(operation, body string) *http.Request {
	return signedBy("OWNER", operation, body)
}

func signedBy(keyID, operation, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", ecrpublic.TargetPrefix+"."+operation)
	r.Header.Set("Content-Type", ecrpublic.ContentType)
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("Authorization", keyID+" "+hex.EncodeToString(sum[:]))
	return r
}

// do answers a request as the program would, with a request id set by whoever stands before the Server.
func do(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	w.Header().Set("x-amzn-RequestId", requestID)
	s.ServeHTTP(w, r)
	return w
}

// call runs an operation that must succeed.
func (r *rig) call(t *testing.T, operation, body string) string {
	t.Helper()
	w := do(r, newRequest(operation, body))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.String()
}

// startUpload makes repository hello and an upload in it.
func (r *rig) startUpload(t *testing.T) (id string) {
	t.Helper()
	r.call(t, "CreateRepository", `{"repositoryName":"hello"}`)
	return uploadID(t, r.call(t, "InitiateLayerUpload", `{"repositoryName":"hello"}`))
}

func uploadID(t *testing.T, answer string) string {
	t.Helper()
	out := new(ecrpublic.InitiateLayerUploadResponse)
	must(t, ecrpublic.Unmarshal([]byte(answer), out))
	return *out.UploadId
}

// unchanged fails the test when something has changed since it was called.
func (r *rig) unchanged(t *testing.T) func() {
	updates, writes := r.meta.updates.Load(), r.writes.Load()
	return func() {
		t.Helper()
		if n := r.meta.updates.Load() - updates; n != 0 {
			t.Errorf("%d transactions that may write", n)
		}
		if n := r.writes.Load() - writes; n != 0 {
			t.Errorf("%d writes to the blobs", n)
		}
		r.noSpools(t)
	}
}

// noSpools fails the test when room for parts is still taken, or a file was left.
func (r *rig) noSpools(t *testing.T) {
	t.Helper()
	if r.spools.bytes != 0 || len(r.spools.perKey) != 0 {
		t.Errorf("%d bytes of spools are still taken, by %v", r.spools.bytes, r.spools.perKey)
	}
	files, err := os.ReadDir(r.SpoolDir)
	must(t, err)
	if len(files) != 0 {
		t.Errorf("spool files with names: %v", files)
	}
}

// countingReader counts what is read of a body.
type countingReader struct {
	io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
