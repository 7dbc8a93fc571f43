package ociapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

const (
	uploads = "/v2/a1b2c3d4/hello/blobs/uploads/"
	list    = "/v2/a1b2c3d4/hello/tags/list"
)

// do sends a request with the owner's token and returns the answer with its body.
func (s *server) do(t *testing.T, method, path string, body []byte) (*http.Response, string) {
	t.Helper()
	answer, text, err := s.send(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, text
}

func (s *server) send(ctx context.Context, method, path string, body []byte) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Authorization", "Bearer owner")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, string(text), err
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

func TestEveryRequestIsObserved(t *testing.T) {
	s := newServer(t)
	s.do(t, "GET", list, nil)
	s.do(t, "PATCH", uploads+"42", nil)
	s.do(t, "GET", "/token", nil)
	s.do(t, "GET", "/v2/nothing", nil)
	var got []string
	for range 4 {
		o := <-s.observed
		got = append(got, fmt.Sprintf("%s by %q, refused: %v", o.operation, o.caller.Account, o.err != nil))
	}
	want := []string{
		`tagsList by "111111111111", refused: false`,
		`blobUploadChunk by "111111111111", refused: true`,
		`tokenGet by "", refused: true`,
		` by "111111111111", refused: true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestFailureOfTheStoreLeavesTheUploadAndSaysNothing(t *testing.T) {
	s := newServer(t)
	answer, _ := s.do(t, "POST", uploads, nil)
	upload := uploads + answer.Header.Get("Docker-Upload-Uuid")
	<-s.observed
	full := errors.New("write /secret/place: no space left on device")
	s.blobs.Fault = func(string, string) (bool, error) { return false, full }
	answer, body := s.do(t, "PATCH", upload, []byte("hello"))
	const want = `{"errors":[{"code":"UNKNOWN","message":"The server failed to answer. Its log says why under request id request-1."}]}`
	if answer.StatusCode != http.StatusInternalServerError || strings.TrimSpace(body) != want {
		t.Errorf("answer is %s: %s", answer.Status, body)
	}
	if o := <-s.observed; !errors.Is(o.err, full) {
		t.Errorf("observed %v, want the cause", o.err)
	}
	s.blobs.Fault = nil
	answer, body = s.do(t, "PUT", upload+"?digest="+digest([]byte("hello")), []byte("hello"))
	if answer.StatusCode != http.StatusCreated {
		t.Errorf("once there was room the upload went on with %s: %s", answer.Status, body)
	}
}

func TestClientThatDiesInAChunkLeavesTheUpload(t *testing.T) {
	s := newServer(t)
	answer, _ := s.do(t, "POST", uploads, nil)
	upload := uploads + answer.Header.Get("Docker-Upload-Uuid")
	s.do(t, "PATCH", upload, []byte("hello"))
	<-s.observed
	<-s.observed

	dialer := net.Dialer{}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: registry.test\r\nAuthorization: Bearer owner\r\nContent-Length: 1000\r\n\r\nnever whole", upload)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	o := <-s.observed
	var e *ociapi.Error
	if !errors.As(o.err, &e) && !errors.Is(o.err, context.Canceled) {
		t.Errorf("observed %v, want the client's fault", o.err)
	}
	answer, _ = s.do(t, "GET", upload, nil)
	if got := answer.Header.Get("Range"); got != "0-4" {
		t.Errorf("the upload stands at %q, want 0-4", got)
	}
}

func TestUploadInOneRequestLeavesNothingWhenItFails(t *testing.T) {
	s := newServer(t)
	answer, _ := s.do(t, "POST", uploads+"?digest="+digest([]byte("hello")), []byte("other"))
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("answer is %s, want 400", answer.Status)
	}
	for stored, err := range s.blobs.List(t.Context()) {
		t.Errorf("%v is left, %v", stored, err)
	}
}

func TestEqualUploadsAtOnceAllSucceed(t *testing.T) {
	s := newServer(t)
	content := bytes.Repeat([]byte("layer"), 100_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			answer, body, err := s.send(t.Context(), "POST", uploads+"?digest="+digest(content), content)
			if err != nil || answer.StatusCode != http.StatusCreated {
				t.Errorf("answer is %v: %s, %v", answer, body, err)
			}
		})
	}
	wg.Wait()
	if _, body := s.do(t, "GET", "/v2/a1b2c3d4/hello/blobs/"+digest(content), nil); body != string(content) {
		t.Errorf("the blob has %d bytes, not those that were sent", len(body))
	}
}

func TestManifestsHaveALimit(t *testing.T) {
	s := newServer(t)
	manifest := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	manifest = append(manifest, bytes.Repeat([]byte(" "), registry.MaxManifest-len(manifest))...)
	const path = "/v2/a1b2c3d4/hello/manifests/large"
	if answer, body := s.do(t, "PUT", path, manifest); answer.StatusCode != http.StatusCreated {
		t.Errorf("a manifest of the most bytes: %s: %s", answer.Status, body)
	}
	answer, body := s.do(t, "PUT", path, append(manifest, ' '))
	const want = `{"errors":[{"code":"SIZE_INVALID","message":"The manifest has more than 4194304 bytes, which is the most that a manifest may have."}]}`
	if answer.StatusCode != http.StatusRequestEntityTooLarge || strings.TrimSpace(body) != want {
		t.Errorf("one byte more: %s: %s", answer.Status, body)
	}
}

func TestReferrersComeInPages(t *testing.T) {
	s := newServer(t)
	subject := digest([]byte("a subject that is not there"))
	want := make(map[string]bool)
	for i := range 250 {
		manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"text/x","manifests":[],"subject":{"mediaType":"text/y","digest":%q,"size":1},"annotations":{"n":"%d"}}`, subject, i)
		if answer, body := s.do(t, "PUT", "/v2/a1b2c3d4/hello/manifests/"+digest(manifest), manifest); answer.StatusCode != http.StatusCreated {
			t.Fatalf("referrer %d: %s: %s", i, answer.Status, body)
		}
		<-s.observed
		want[digest(manifest)] = true
	}
	pages := 0
	for next := "/v2/a1b2c3d4/hello/referrers/" + subject + "?artifactType=text/x"; next != ""; pages++ {
		answer, body := s.do(t, "GET", next, nil)
		<-s.observed
		var index struct{ Manifests []struct{ Digest string } }
		if err := json.Unmarshal([]byte(body), &index); err != nil || answer.Header.Get("OCI-Filters-Applied") != "artifactType" {
			t.Fatalf("%s: %s, %v: %s", next, answer.Status, err, body)
		}
		for _, m := range index.Manifests {
			if !want[m.Digest] {
				t.Errorf("%s is listed twice, or is no referrer", m.Digest)
			}
			delete(want, m.Digest)
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(answer.Header.Get("Link"), "<"), `>; rel="next"`)
	}
	if pages != 3 || len(want) > 0 {
		t.Errorf("%d pages leave out %d referrers, want 3 pages with all", pages, len(want))
	}
}

// Two annotations of half the bound fill an answer, however few referrers they are.
func TestPagesOfReferrersAreBoundedInBytes(t *testing.T) {
	s := newServer(t)
	subject := digest([]byte("subject"))
	for i := range 3 {
		manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"subject":{"mediaType":"text/y","digest":%q,"size":1},"annotations":{"n":"%d%s"}}`, subject, i, strings.Repeat("x", 1<<19))
		s.do(t, "PUT", "/v2/a1b2c3d4/hello/manifests/"+digest(manifest), manifest)
	}
	answer, body := s.do(t, "GET", "/v2/a1b2c3d4/hello/referrers/"+subject, nil)
	if n := strings.Count(body, `"digest"`); n != 2 || answer.Header.Get("Link") == "" {
		t.Errorf("the first page has %d referrers and Link %q, want 2 and a way on", n, answer.Header.Get("Link"))
	}
}

func TestSeveralRangesComeInParts(t *testing.T) {
	s := newServer(t)
	content := []byte("hello world")
	s.do(t, "POST", uploads+"?digest="+digest(content), content)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.address+"/v2/a1b2c3d4/hello/blobs/"+digest(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-4,6-10")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	mediaType, params, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || answer.StatusCode != http.StatusPartialContent || mediaType != "multipart/byteranges" {
		t.Fatalf("answer is %s, %s, %v", answer.Status, answer.Header.Get("Content-Type"), err)
	}
	parts := multipart.NewReader(answer.Body, params["boundary"])
	for _, want := range []string{"bytes 0-4/11 hello", "bytes 6-10/11 world"} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if got := part.Header.Get("Content-Range") + " " + string(body); err != nil || got != want {
			t.Errorf("part is %q, %v, want %q", got, err, want)
		}
	}
}
