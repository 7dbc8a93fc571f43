package ociapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestReadersAreSentToWhereTheBytesAre(t *testing.T) {
	core := newCoreOf(t, registry.Config{
		Blobs:   registrytest.NewMemBlobs(t),
		Presign: func(_ context.Context, locator string) (string, error) { return "https://bytes.test/" + locator, nil },
	})
	s := newServer(t, func(o *ociapi.Options) { o.Registry = core })
	p := registry.Path{Registry: "a1b2c3d4", Name: "hello"}
	up, err := core.StartUpload(t.Context(), owner, p)
	if err == nil {
		_, err = core.AppendUpload(t.Context(), owner, p, up.ID, registry.Part{First: 0, Length: 3, Body: strings.NewReader("abc")})
	}
	d := ref.DigestBytes(ref.SHA256, []byte("abc"))
	if err == nil {
		_, err = core.FinishUpload(t.Context(), owner, p, up.ID, []string{d.String()}, registry.FinishRules{})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		status       int
		location     string
	}{
		{http.MethodGet, "/v2/a1b2c3d4/hello/blobs/" + d.String(), http.StatusTemporaryRedirect, "https://bytes.test/"},
		{http.MethodHead, "/v2/a1b2c3d4/hello/blobs/" + d.String(), http.StatusOK, ""},
		{http.MethodGet, "/v2/z9y8x7w6/theirs/blobs/" + d.String(), http.StatusNotFound, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.address+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(r) // which follows nothing
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if location := res.Header.Get("Location"); res.StatusCode != c.status || !strings.HasPrefix(location, c.location) || (location == "") != (c.location == "") {
			t.Errorf("%s %s: %s to %q, want %d to %q", c.method, c.path, res.Status, location, c.status, c.location)
		}
		if digest := res.Header.Get("Docker-Content-Digest"); c.status != http.StatusNotFound && digest != d.String() {
			t.Errorf("%s %s: digest %q", c.method, c.path, digest)
		}
	}
}
