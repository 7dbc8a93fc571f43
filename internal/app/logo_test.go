package app

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestLogoIsServedAsNothingButAnImage(t *testing.T) {
	meta, err := sqlmeta.Open(context.Background(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	must(t, err)
	t.Cleanup(func() { must(t, meta.Close()) })
	reg := registry.New(registry.Config{Meta: meta, URL: "https://registry.example"})
	must(t, reg.EnsureRoot(t.Context(), registry.Root{Account: "123456789012", Alias: "a1b2c3d4"}))
	var file bytes.Buffer
	must(t, png.Encode(&file, image.NewGray(image.Rect(0, 0, 60, 60))))
	owner := registry.Caller{Account: "123456789012"}
	repo, err := reg.CreateRepository(t.Context(), owner, "app", registry.Catalog{LogoFile: file.Bytes()}, nil)
	must(t, err)
	address, err := url.Parse(reg.LogoURL(repo.Catalog))
	must(t, err)
	if address.Scheme != "https" || address.Host != "registry.example" {
		t.Errorf("the logo is at %s", address)
	}
	logos := logoHandler(reg)
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		logos.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		w := get(method, address.Path)
		want := http.Header{
			"Content-Type":            {"image/png"},
			"Content-Length":          {w.Header().Get("Content-Length")},
			"X-Content-Type-Options":  {"nosniff"},
			"Content-Security-Policy": {"default-src 'none'; sandbox"},
			"Cache-Control":           {"public, max-age=31536000, immutable"},
		}
		if diff := cmp.Diff(want, w.Header()); w.Code != http.StatusOK || diff != "" {
			t.Errorf("%s: status %d (-want +got):\n%s", method, w.Code, diff)
		}
		if m, err := png.Decode(w.Body); method == http.MethodGet && (err != nil || m.Bounds().Max != image.Pt(60, 60)) {
			t.Errorf("the image cannot be read: %v", err)
		}
	}
	for _, path := range []string{"/-/logo/", "/-/logo/.png", "/-/logo/" + repo.Catalog.Logo, "/-/logo/absent.png", address.Path + ".png"} {
		if w := get(http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := get(http.MethodPost, address.Path); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: status %d, %v", w.Code, w.Header())
	}
}
