package ociapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// account is what Options.Audit hears, one line each: who, what, on what, asked, answered, refused.
type account struct {
	mu    sync.Mutex
	lines []string
}

func (a *account) note(_ *http.Request, caller registry.Caller, c registry.Change) {
	asked, _ := json.Marshal(c.Request)
	answered, _ := json.Marshal(c.Answer)
	line := fmt.Sprintf("%s %s %s/%s %s %s refused=%v", caller.Account, c.Action, c.Repository.Registry, c.Repository.Name, asked, answered, registry.KindOf(c.Err))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines = append(a.lines, strings.TrimSpace(anyID.ReplaceAllString(line, "ID")))
}

func (a *account) check(t *testing.T, want ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.lines, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(a.lines, "\n"), strings.Join(want, "\n"))
	}
	a.lines = nil
}

func newAudited(t *testing.T) (*server, *account) {
	t.Helper()
	a := new(account)
	return newServer(t, func(o *ociapi.Options) {
		o.Audit, o.CreateOnPush = a.note, new(registry.Catalog)
	}), a
}

func TestPushesAndDeletesAreTold(t *testing.T) {
	s, told := newAudited(t)
	layer, config := []byte("layer"), []byte("{}")
	begun, _ := s.do(t, "POST", "/v2/a1b2c3d4/new/blobs/uploads/", nil)
	upload := strings.TrimPrefix(begun.Header.Get("Location"), "https://registry.test")
	s.do(t, "PATCH", upload, layer)
	s.do(t, "GET", upload, nil)
	s.do(t, "PUT", upload+"?digest="+digest(layer), nil)
	s.do(t, "POST", "/v2/a1b2c3d4/new/blobs/uploads/?digest="+digest(config), config)
	s.do(t, "POST", uploads+"?from=a1b2c3d4/new&mount="+digest(layer), nil)
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":5}]}`, digest(config), digest(layer))
	s.do(t, "PUT", "/v2/a1b2c3d4/new/manifests/1.0", []byte(manifest))
	s.do(t, "GET", "/v2/a1b2c3d4/new/manifests/1.0", nil)
	s.do(t, "PUT", "/v2/a1b2c3d4/new/manifests/2.0", []byte("no manifest"))
	s.do(t, "DELETE", "/v2/a1b2c3d4/new/manifests/1.0", nil)
	s.do(t, "DELETE", "/v2/a1b2c3d4/new/manifests/"+digest([]byte(manifest)), nil)
	s.do(t, "DELETE", "/v2/a1b2c3d4/new/blobs/"+digest(layer), nil)
	begun, _ = s.do(t, "POST", uploads, nil)
	s.do(t, "DELETE", strings.TrimPrefix(begun.Header.Get("Location"), "https://registry.test"), nil)

	const repo = `{"registryId":"a1b2c3d4","repositoryName":"new"`
	told.check(t,
		`111111111111 CreateRepository a1b2c3d4/new `+repo+`} null refused=0`,
		`111111111111 InitiateLayerUpload a1b2c3d4/new `+repo+`} {"uploadId":"ID"} refused=0`,
		`111111111111 UploadLayerPart a1b2c3d4/new `+repo+`,"uploadId":"ID"} {"lastByteReceived":4} refused=0`,
		`111111111111 CompleteLayerUpload a1b2c3d4/new `+repo+`,"uploadId":"ID","layerDigests":["`+digest(layer)+`"]} {"layerDigest":"`+digest(layer)+`"} refused=0`,
		`111111111111 InitiateLayerUpload a1b2c3d4/new `+repo+`,"layerDigests":["`+digest(config)+`"]} {"uploadId":"ID"} refused=0`,
		`111111111111 UploadLayerPart a1b2c3d4/new `+repo+`,"uploadId":"ID"} {"lastByteReceived":1} refused=0`,
		`111111111111 CompleteLayerUpload a1b2c3d4/new `+repo+`,"uploadId":"ID","layerDigests":["`+digest(config)+`"]} {"layerDigest":"`+digest(config)+`"} refused=0`,
		`111111111111 MountLayer a1b2c3d4/hello {"registryId":"a1b2c3d4","repositoryName":"hello","layerDigests":["`+digest(layer)+`"],"sourceRepository":"a1b2c3d4/new"} {"layerDigest":"`+digest(layer)+`"} refused=0`,
		`111111111111 PutImage a1b2c3d4/new `+repo+`,"imageTag":"1.0"} {"imageDigest":"`+digest([]byte(manifest))+`"} refused=0`,
		fmt.Sprintf(`111111111111 PutImage a1b2c3d4/new %s,"imageTag":"2.0"} null refused=%d`, repo, registry.InvalidManifest),
		`111111111111 BatchDeleteImage a1b2c3d4/new `+repo+`,"imageTag":"1.0"} null refused=0`,
		`111111111111 BatchDeleteImage a1b2c3d4/new `+repo+`,"imageDigest":"`+digest([]byte(manifest))+`"} null refused=0`,
		`111111111111 DeleteLayer a1b2c3d4/new `+repo+`,"layerDigests":["`+digest(layer)+`"]} null refused=0`,
		`111111111111 InitiateLayerUpload a1b2c3d4/hello {"registryId":"a1b2c3d4","repositoryName":"hello"} {"uploadId":"ID"} refused=0`,
		`111111111111 CancelLayerUpload a1b2c3d4/hello {"registryId":"a1b2c3d4","repositoryName":"hello","uploadId":"ID"} null refused=0`,
	)
}

func TestRefusalsAreTold(t *testing.T) {
	s, told := newAudited(t)
	as := func(authorization, method, path string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	// How every login begins, and what ends in another token, is no refusal.
	as("", "GET", "/v2/")
	as("", "POST", uploads)
	as("Bearer nobody", "POST", uploads)
	as("Bearer owner for repository:a1b2c3d4/hello:pull", "POST", uploads)
	as("Bearer stranger", "GET", list)
	as("Bearer broken", "GET", list)
	told.check(t)

	as("Bearer forged", "GET", "/v2/")
	as("Bearer forged", "GET", list)
	as("Basic QVdTOndyb25n", "GET", "/token?scope=repository:a1b2c3d4/hello:push")
	as("Bearer stranger", "POST", uploads)
	const hello = `{"registryId":"a1b2c3d4","repositoryName":"hello"}`
	denied := fmt.Sprintf(" null refused=%d", registry.AccessDenied)
	told.check(t,
		`Ping / null`+denied,
		`DescribeImageTags a1b2c3d4/hello `+hello+denied,
		`GetToken / null`+denied,
		`222222222222 InitiateLayerUpload a1b2c3d4/hello `+hello+denied,
	)
}
