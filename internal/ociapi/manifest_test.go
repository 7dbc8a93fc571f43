package ociapi

import "testing"

func TestMediaTypesThatBrowsersRenderAreNotServed(t *testing.T) {
	const bytes = "application/octet-stream"
	tests := []struct{ stored, served string }{
		{"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.index.v1+json"},
		{"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.v2+json"},
		{"application/json", "application/json"},
		{"text/html", bytes},
		{"image/svg+xml", bytes},
		{"application/xhtml+xml", bytes},
		{"application/pdf", bytes},
		{"application/json; charset=utf-8", bytes},
		{"application/a/b+json", bytes},
		{"application/<script>+json", bytes},
		{"text/html+json", bytes},
		{"", bytes},
	}
	for _, test := range tests {
		if got := safeMediaType(test.stored); got != test.served {
			t.Errorf("%q is served as %q, want %q", test.stored, got, test.served)
		}
	}
}
