//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// TestLibraries runs the programs that people write: with oras-go and with ociclient. See folder libraries.
func TestLibraries(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	name := func(image string) string { return strings.TrimPrefix(image, s.host()+"/") }
	repository, other := aws.createRepository(t, s, "hello"), aws.createRepository(t, s, "team/other")
	newClient(t, "libraries").run(t, s.host(), name(repository), name(other), aws.password(t))
}
