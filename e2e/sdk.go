//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// newSDK is the AWS SDK for Go as a program gets it that knows nothing of openecr: everything comes from the
// environment of `openecr env`.
func newSDK(t *testing.T, s *server) *ecrpublic.Client {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_SESSION_TOKEN", "")
	for _, assignment := range s.environment(t) {
		name, value, _ := strings.Cut(assignment, "=")
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	must(t, err)
	return ecrpublic.NewFromConfig(cfg)
}
