//go:build e2e

package e2e

import "testing"

// newSkopeo is skopeo without TLS checks: the servers of these tests speak plain HTTP unless a proxy stands before
// them.
func newSkopeo(t *testing.T) tool {
	t.Helper()
	return newTool(t, "/usr/bin/skopeo", "--insecure-policy")
}

// The options that let skopeo copy to, and from, a registry that speaks plain HTTP.
const (
	skopeoPlainTo   = "--dest-tls-verify=false"
	skopeoPlainFrom = "--src-tls-verify=false"
)
