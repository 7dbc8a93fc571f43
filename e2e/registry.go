//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// A registryClient speaks the registry's HTTP API with nothing between, for what real clients cannot be made to do:
// stop in the middle, go on after a crash, push from many goroutines and know what was acknowledged.
type registryClient struct {
	base    string // http://HOST:PORT/v2/ALIAS/
	url     string
	token   string   // empty: anonymous
	retries *retries // nil: none
}

// retries are requests that are sent again because their connection broke.
type retries struct {
	most int // for a request
	used atomic.Int64
}

// send sends a request, and sends it again as long as there is no answer.
func (r *retries) send(request *http.Request) (status int, header http.Header, body []byte, err error) {
	for again := 0; ; again++ {
		status, header, body, err = send(request)
		if err == nil || r == nil || again == r.most || request.Context().Err() != nil {
			return status, header, body, err
		}
		r.used.Add(1)
		time.Sleep(100 * time.Millisecond) // as clients do, so that the other side can come back
		if request.GetBody != nil {
			request.Body, _ = request.GetBody() // in memory: cannot fail
		}
	}
}

// newRegistryClient signs in with a password from the API.
func newRegistryClient(t *testing.T, s *server, api *ecrpublic.Client) registryClient {
	t.Helper()
	return signIn(t, s.url, s.alias(), passwordOf(t, api))
}

// passwordOf is what docker login takes.
func passwordOf(t *testing.T, api *ecrpublic.Client) string {
	t.Helper()
	out, err := api.GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	login, err := base64.StdEncoding.DecodeString(*out.AuthorizationData.AuthorizationToken)
	must(t, err)
	_, password, _ := strings.Cut(string(login), ":")
	return password
}

// signIn is a client of the server at this URL, with the password that docker login takes.
func signIn(t *testing.T, url, alias, password string) registryClient {
	t.Helper()
	c := registryClient{url: url, base: url + "/v2/" + alias + "/"}
	request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/token?service=openecr&scope=aws", nil)
	must(t, err)
	request.SetBasicAuth("AWS", password)
	status, _, body, err := send(request)
	must(t, err)
	if status != http.StatusOK {
		t.Fatalf("GET /token: %d: %s", status, body)
	}
	var token struct{ Token string }
	must(t, json.Unmarshal(body, &token))
	c.token = token.Token
	return c
}

// address is a whole address for a path: one that starts with a slash is the server's, another is below the base.
func (c registryClient) address(path string) string {
	switch {
	case strings.Contains(path, "://"):
		return path
	case strings.HasPrefix(path, "/"):
		return c.url + path
	default:
		return c.base + path
	}
}

// request sends a request. It is an error if the answer has another status than want.
func (c registryClient) request(ctx context.Context, want int, method, path string, header http.Header, body io.Reader) (http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.address(path), body)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	status, answer, data, err := c.retries.send(request)
	if err == nil && status != want {
		err = fmt.Errorf("%s %s: %d, want %d: %s", method, path, status, want, data)
	}
	return answer, data, err
}

// send sends a request and reads the whole answer.
func send(request *http.Request) (status int, header http.Header, body []byte, err error) {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, body, err
}

// startUpload opens an upload and returns its address.
func (c registryClient) startUpload(ctx context.Context, repository string) (string, error) {
	header, _, err := c.request(ctx, http.StatusAccepted, "POST", repository+"/blobs/uploads/", nil, nil)
	return header.Get("Location"), err
}

// sendChunk adds a chunk that starts at offset to an upload, and returns the address of the next.
func (c registryClient) sendChunk(ctx context.Context, upload string, offset int64, chunk []byte) (string, error) {
	header := http.Header{"Content-Range": {fmt.Sprintf("%d-%d", offset, offset+int64(len(chunk))-1)}}
	answer, _, err := c.request(ctx, http.StatusAccepted, "PATCH", upload, header, bytes.NewReader(chunk))
	return answer.Get("Location"), err
}

// completeUpload ends an upload with its last chunk, which may be empty.
func (c registryClient) completeUpload(ctx context.Context, upload, digest string, last []byte) error {
	_, _, err := c.request(ctx, http.StatusCreated, "PUT", withDigest(upload, digest), nil, bytes.NewReader(last))
	return err
}

// withDigest is the address that completes an upload; the address of an upload may have a query already.
func withDigest(upload, digest string) string {
	separator := "?"
	if strings.Contains(upload, "?") {
		separator = "&"
	}
	return upload + separator + "digest=" + digest
}

// pushBlob uploads data in two chunks.
func (c registryClient) pushBlob(ctx context.Context, repository string, data []byte) (digest string, err error) {
	upload, err := c.startUpload(ctx, repository)
	if err != nil {
		return "", err
	}
	half := len(data) / 2
	if upload, err = c.sendChunk(ctx, upload, 0, data[:half]); err != nil {
		return "", err
	}
	digest = digestOf(data)
	return digest, c.completeUpload(ctx, upload, digest, data[half:])
}

// sendBlob uploads data in one request, as containerd and oras do.
func (c registryClient) sendBlob(ctx context.Context, repository string, data []byte) (digest string, err error) {
	upload, err := c.startUpload(ctx, repository)
	if err != nil {
		return "", err
	}
	digest = digestOf(data)
	return digest, c.completeUpload(ctx, upload, digest, data)
}

// pushManifest stores a manifest by tag.
func (c registryClient) pushManifest(ctx context.Context, repository, tag, mediaType string, data []byte) error {
	_, _, err := c.request(ctx, http.StatusCreated, "PUT", repository+"/manifests/"+tag,
		http.Header{"Content-Type": {mediaType}}, bytes.NewReader(data))
	return err
}

// blob reads a layer or configuration.
func (c registryClient) blob(ctx context.Context, repository, digest string) ([]byte, error) {
	_, data, err := c.request(ctx, http.StatusOK, "GET", repository+"/blobs/"+digest, nil, nil)
	return data, err
}

// manifest reads a manifest by tag or digest.
func (c registryClient) manifest(ctx context.Context, repository, reference string) ([]byte, error) {
	_, data, err := c.request(ctx, http.StatusOK, "GET", repository+"/manifests/"+reference, nil, nil)
	return data, err
}
