package ociapi

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	someDigest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello"
	someUpload = "01234567-89ab-4def-8123-456789abcdef"
)

// comparable values with unexported fields need no looking into
var compareDigests = cmp.Comparer(func(a, b ref.Digest) bool { return a == b })

func mustDigest(t *testing.T, s string) ref.Digest {
	t.Helper()
	d, err := ref.ParseDigest(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestRequestsAndTheirURLs(t *testing.T) {
	hello := mustDigest(t, someDigest)
	tests := []struct {
		method, url string
		want        Request
	}{
		{"GET", "/v2/", Request{Kind: Ping}},
		{"GET", "/token", Request{Kind: TokenGet}},
		{"POST", "/token", Request{Kind: TokenPost}},
		{"HEAD", "/v2/a1/hello/blobs/" + someDigest, Request{Kind: BlobHead, Alias: "a1", Name: "hello", Digest: hello}},
		{"GET", "/v2/a1/team/x/hello/blobs/" + someDigest, Request{Kind: BlobGet, Alias: "a1", Name: "team/x/hello", Digest: hello}},
		{"GET", "/v2/a1/blobs/blobs/" + someDigest, Request{Kind: BlobGet, Alias: "a1", Name: "blobs", Digest: hello}},
		{"POST", "/v2/a1/hello/blobs/uploads/", Request{Kind: BlobUploadStart, Alias: "a1", Name: "hello"}},
		{"POST", "/v2/a1/blobs/uploads/blobs/uploads/", Request{Kind: BlobUploadStart, Alias: "a1", Name: "blobs/uploads"}},
		{"POST", "/v2/a1/hello/blobs/uploads/?digest=" + url.QueryEscape(someDigest), Request{Kind: BlobUploadStart, Alias: "a1", Name: "hello", Digest: hello}},
		{"PATCH", "/v2/a1/hello/blobs/uploads/" + someUpload, Request{Kind: BlobUploadChunk, Alias: "a1", Name: "hello", UploadID: someUpload}},
		{"PUT", "/v2/a1/hello/blobs/uploads/" + someUpload + "?digest=" + url.QueryEscape(someDigest), Request{Kind: BlobUploadFinish, Alias: "a1", Name: "hello", UploadID: someUpload, Digest: hello}},
		{"GET", "/v2/a1/hello/blobs/uploads/" + someUpload, Request{Kind: BlobUploadStatus, Alias: "a1", Name: "hello", UploadID: someUpload}},
		{"DELETE", "/v2/a1/hello/blobs/uploads/" + someUpload, Request{Kind: BlobUploadCancel, Alias: "a1", Name: "hello", UploadID: someUpload}},
		{"HEAD", "/v2/a1/hello/manifests/latest", Request{Kind: ManifestHead, Alias: "a1", Name: "hello", Tag: "latest"}},
		{"GET", "/v2/a1/hello/manifests/" + someDigest, Request{Kind: ManifestGet, Alias: "a1", Name: "hello", Digest: hello}},
		{"PUT", "/v2/a1/manifests/tags/manifests/list", Request{Kind: ManifestPut, Alias: "a1", Name: "manifests/tags", Tag: "list"}},
		{"PUT", "/v2/a1/hello/manifests/" + someDigest + "?tag=1.2&tag=latest", Request{Kind: ManifestPut, Alias: "a1", Name: "hello", Digest: hello, Tags: []ref.Tag{"1.2", "latest"}}},
		{"DELETE", "/v2/a1/hello/manifests/1", Request{Kind: ManifestDelete, Alias: "a1", Name: "hello", Tag: "1"}},
		{"DELETE", "/v2/a1/hello/manifests/" + someDigest, Request{Kind: ManifestDelete, Alias: "a1", Name: "hello", Digest: hello}},
		{"DELETE", "/v2/a1/hello/blobs/" + someDigest, Request{Kind: BlobDelete, Alias: "a1", Name: "hello", Digest: hello}},
		{"POST", "/v2/a1/hello/blobs/uploads/?from=b2%2Fteam%2Fother&mount=" + url.QueryEscape(someDigest), Request{Kind: BlobUploadStart, Alias: "a1", Name: "hello", Mount: hello, From: registry.Path{Registry: "b2", Name: "team/other"}}},
		{"POST", "/v2/a1/hello/blobs/uploads/?digest-algorithm=sha512", Request{Kind: BlobUploadStart, Alias: "a1", Name: "hello", Algorithm: ref.SHA512}},
		{"GET", "/v2/a1/hello/referrers/" + someDigest, Request{Kind: ReferrersList, Alias: "a1", Name: "hello", Digest: hello}},
		{"GET", "/v2/a1/referrers/referrers/" + someDigest + "?after=" + url.QueryEscape(someDigest) + "&artifactType=", Request{Kind: ReferrersList, Alias: "a1", Name: "referrers", Digest: hello, Filter: true, After: hello}},
		{"GET", "/v2/a1/hello/referrers/" + someDigest + "?artifactType=text%2Fx", Request{Kind: ReferrersList, Alias: "a1", Name: "hello", Digest: hello, Filter: true, ArtifactType: "text/x"}},
		{"GET", "/v2/a1/hello/tags/list?n=1000", Request{Kind: TagsList, Alias: "a1", Name: "hello", Limit: 1000}},
		{"GET", "/v2/a1/tags/tags/list?last=v1.0&n=0", Request{Kind: TagsList, Alias: "a1", Name: "tags", Last: "v1.0"}},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.url, func(t *testing.T) {
			got, err := Parse(test.method, mustURL(t, test.url))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, compareDigests); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if got := test.want.URL().String(); got != test.url {
				t.Errorf("URL = %q, want %q", got, test.url)
			}
		})
	}
}

func TestOtherWaysToAskTheSame(t *testing.T) {
	tests := []struct{ method, other, url string }{
		{"GET", "/v2", "/v2/"},
		{"HEAD", "/v2/", "/v2/"},
		{"GET", "/token/?service=x&scope=aws", "/token"},
		{"POST", "/v2/a1/hello/blobs/uploads", "/v2/a1/hello/blobs/uploads/"},
		{"POST", "/v2/a1/hello/blobs/uploads/?mount=" + someDigest, "/v2/a1/hello/blobs/uploads/"},
		{"POST", "/v2/a1/hello/blobs/uploads/?mount=" + someDigest + "&from=other", "/v2/a1/hello/blobs/uploads/"},
		{"POST", "/v2/a1/hello/blobs/uploads/?mount=" + someDigest + "&from=a1/Other", "/v2/a1/hello/blobs/uploads/"},
		{"PUT", "/v2/a1/hello/manifests/1?tag=2", "/v2/a1/hello/manifests/1"},
		{"GET", "/v2/a1/hello/manifests/" + someDigest + "?tag=2", "/v2/a1/hello/manifests/" + someDigest},
		{"GET", "/v2/a1/hello/blobs/sha256%3A" + someDigest[7:], "/v2/a1/hello/blobs/" + someDigest},
		{"GET", "/v2/a1/hello/tags/list", "/v2/a1/hello/tags/list?n=1000"},
		{"HEAD", "/v2/a1/hello/tags/list?n=5000", "/v2/a1/hello/tags/list?n=1000"},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.other, func(t *testing.T) {
			got, err := Parse(test.method, mustURL(t, test.other))
			if err != nil {
				t.Fatal(err)
			}
			if got := got.URL().String(); got != test.url {
				t.Errorf("read as %q, want %q", got, test.url)
			}
		})
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		method, url string
		kind        Kind // known all the same, for the log
		status      int
		code        string
	}{
		{"GET", "/", "", 404, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello", "", 404, "UNSUPPORTED"},
		{"GET", "/v2/_catalog", "", 404, "UNSUPPORTED"},
		{"GET", "/v2/manifests/latest", "", 404, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/tags/all", "", 404, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/uploads/" + someUpload, "", 404, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/referrers/sha256:abc", ReferrersList, 400, "DIGEST_INVALID"},
		{"GET", "/v2/a1/hello/referrers/latest", ReferrersList, 400, "DIGEST_INVALID"},
		{"GET", "/v2/a1/hello/referrers/" + someDigest + "?after=x", ReferrersList, 400, "DIGEST_INVALID"},
		{"POST", "/v2/", "", 405, "UNSUPPORTED"},
		{"PUT", "/token", "", 405, "UNSUPPORTED"},
		{"POST", "/v2/a1/hello/blobs/" + someDigest, "", 405, "UNSUPPORTED"},
		{"DELETE", "/v2/a1/hello/tags/list", "", 405, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/blobs/uploads/", "", 405, "UNSUPPORTED"},
		{"POST", "/v2/a1/hello/blobs/uploads/" + someUpload, "", 405, "UNSUPPORTED"},
		{"HEAD", "/v2/HELLO/manifests/latest", ManifestHead, 400, "NAME_INVALID"},
		{"GET", "/v2//hello/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/token/hello/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/a1/Hello/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/a1/hello//x/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/a1/../hello/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/a1/" + long + "/manifests/latest", ManifestGet, 400, "NAME_INVALID"},
		{"GET", "/v2/a1/hello/blobs/sha256:abc", BlobGet, 400, "DIGEST_INVALID"},
		{"GET", "/v2/a1/hello/blobs/md5:0123", BlobGet, 400, "DIGEST_INVALID"},
		{"GET", "/v2/a1/hello/blobs/", BlobGet, 400, "DIGEST_INVALID"},
		{"POST", "/v2/a1/hello/blobs/uploads/?digest=x", BlobUploadStart, 400, "DIGEST_INVALID"},
		{"POST", "/v2/a1/hello/blobs/uploads/?digest-algorithm=md5", BlobUploadStart, 400, "DIGEST_INVALID"},
		{"POST", "/v2/a1/hello/blobs/uploads/?mount=x&from=a1/other", BlobUploadStart, 400, "DIGEST_INVALID"},
		{"PUT", "/v2/a1/hello/blobs/uploads/" + someUpload, BlobUploadFinish, 400, "DIGEST_INVALID"},
		{"PUT", "/v2/a1/hello/blobs/uploads/" + someUpload + "?digest=sha256:zz", BlobUploadFinish, 400, "DIGEST_INVALID"},
		{"PATCH", "/v2/a1/hello/blobs/uploads/5", BlobUploadChunk, 404, "BLOB_UPLOAD_UNKNOWN"},
		{"PATCH", "/v2/a1/hello/blobs/uploads/" + strings.ToUpper(someUpload), BlobUploadChunk, 404, "BLOB_UPLOAD_UNKNOWN"},
		{"GET", "/v2/a1/hello/manifests/.hidden", ManifestGet, 404, "MANIFEST_UNKNOWN"},
		{"PUT", "/v2/a1/hello/manifests/.hidden", ManifestPut, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/a1/hello/manifests/sha256:bad", ManifestPut, 400, "DIGEST_INVALID"},
		{"DELETE", "/v2/a1/hello/manifests/.hidden", ManifestDelete, 404, "MANIFEST_UNKNOWN"},
		{"PUT", "/v2/a1/hello/manifests/" + someDigest + "?tag=.hidden", ManifestPut, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/a1/hello/manifests/" + someDigest + "?tag=x" + strings.Repeat("&tag=x", 100), ManifestPut, 414, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/tags/list?n=-1", TagsList, 400, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/tags/list?n=ten", TagsList, 400, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/tags/list?n=", TagsList, 400, "UNSUPPORTED"},
		{"GET", "/v2/a1/hello/tags/list?last=%00", TagsList, 400, "UNSUPPORTED"},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.url, func(t *testing.T) {
			got, err := Parse(test.method, mustURL(t, test.url))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error is %v, want a refusal", err)
			}
			if got.Kind != test.kind || e.Status != test.status || e.Code != test.code {
				t.Errorf("refused as %q %d %s, want %q %d %s", got.Kind, e.Status, e.Code, test.kind, test.status, test.code)
			}
			if len(e.Message) > 800 {
				t.Errorf("message has %d bytes: it repeats too much of the request", len(e.Message))
			}
			if (e.Status == http.StatusMethodNotAllowed) != (e.Header.Get("Allow") != "") {
				t.Errorf("Allow is %q with status %d", e.Header.Get("Allow"), e.Status)
			}
		})
	}
}

// method is one that makes a request of the kind.
func method(k Kind) string {
	for _, route := range routes {
		if route.kind == k {
			return route.method
		}
	}
	return ""
}

func FuzzParse(f *testing.F) {
	f.Add("GET", "/v2/", "")
	f.Add("PUT", "/v2/a1/team/hello/manifests/latest", "")
	f.Add("GET", "/v2/a1/manifests/blobs/"+someDigest, "")
	f.Add("POST", "/v2/a1/blobs/uploads/blobs/uploads/", "digest="+someDigest)
	f.Add("PUT", "/v2/a1/hello/blobs/uploads/"+someUpload, "digest="+someDigest)
	f.Add("GET", "/v2/a1/tags/list/tags/list", "n=7&last=v1")
	f.Add("GET", "/v2/hello/tags/list", "%")
	f.Add("POST", "/v2/a1/hello/blobs/uploads/", "mount="+someDigest+"&from=a1/other&digest-algorithm=sha512")
	f.Add("PUT", "/v2/a1/hello/manifests/"+someDigest, "tag=1&tag=2")
	f.Add("GET", "/v2/a1/hello/referrers/"+someDigest, "artifactType=&after="+someDigest)
	f.Fuzz(func(t *testing.T, verb, path, query string) {
		q, err := Parse(verb, &url.URL{Path: path, RawQuery: query})
		if err != nil {
			var refused *Error
			var missing *missingAliasError
			if !errors.As(err, &refused) && !errors.As(err, &missing) {
				t.Fatalf("error %v is not for clients", err)
			}
			return
		}
		again, err := Parse(method(q.Kind), mustURL(t, q.URL().String()))
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("%+v became %+v by way of %s: %v", q, again, q.URL(), err)
		}
	})
}
