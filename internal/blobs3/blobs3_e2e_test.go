//go:build e2e

package blobs3_test

import (
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestBlobsOverARealServer(t *testing.T) {
	gateway := enginetest.S3(t)
	registrytest.TestBlobs(t, func(t *testing.T) func() registry.Blobs {
		o := gatewayOptions(t, gateway)
		return func() registry.Blobs { return open(t, o) }
	})
}

// gatewayOptions are for a fresh bucket.
func gatewayOptions(t testing.TB, g *enginetest.Gateway) blobs3.Options {
	t.Helper()
	o, err := blobs3.ParseURL(g.Blobs(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range g.Env() {
		_, value, _ := strings.Cut(variable, "=")
		if o.AccessKeyID == "" {
			o.AccessKeyID = value
		} else {
			o.SecretAccessKey = value
		}
	}
	return o
}
