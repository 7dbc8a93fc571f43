//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The logo that an owner sends as JPEG is shown to everybody as PNG, under the address that the catalog names.
func TestLogoIsShownToEverybody(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	aws.createRepository(t, s, "hello")
	var picture bytes.Buffer
	must(t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 80, 60)), nil))
	data, err := json.Marshal(map[string]any{"description": "what it is", "architectures": []string{"x86-64"}, "logoImageBlob": picture.Bytes()})
	must(t, err)
	file := filepath.Join(t.TempDir(), "catalog.json")
	must(t, os.WriteFile(file, data, 0o600))

	var put, got struct {
		CatalogData struct{ Description, LogoURL string }
	}
	aws.call(t, &put, "put-repository-catalog-data", "--repository-name", "hello", "--catalog-data", "file://"+file)
	aws.call(t, &got, "get-repository-catalog-data", "--repository-name", "hello")
	if put != got || got.CatalogData.Description != "what it is" || !strings.HasPrefix(got.CatalogData.LogoURL, s.url+"/-/logo/") {
		t.Errorf("put %+v, got %+v", put, got)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, got.CatalogData.LogoURL, nil)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	shown, err := png.Decode(response.Body)
	must(t, err)
	if shown.Bounds().Max != image.Pt(80, 60) || response.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the logo is %v, %s", shown.Bounds(), response.Header.Get("Content-Type"))
	}
}
