package blobs3_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBlobs(t *testing.T) {
	registrytest.TestBlobs(t, func(t *testing.T) func() registry.Blobs {
		f := newFakeS3(t)
		return func() registry.Blobs { return f.open(t) }
	})
}
