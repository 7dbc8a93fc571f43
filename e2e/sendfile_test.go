//go:build e2e && linux

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// The bytes of a layer go from the file to the network without passing through the program. Nothing between the two may
// wrap the file or the connection: then Go would copy, and only the cost would tell.
func TestLayersAreSentByTheKernel(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	s := newServer(t, t.TempDir())
	s.env = nil // whatever the stores of the run, it is files that the kernel can send
	s.under = []string{"strace", "-f", "-qq", "-e", "trace=sendfile", "-o", trace}
	s.start()
	api := newSDK(t, s)
	client := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	layer := randomData(3 << 20)
	digest, err := client.sendBlob(t.Context(), "hello", layer)
	must(t, err)
	pulled, err := client.blob(t.Context(), "hello", digest)
	must(t, err)
	if !bytes.Equal(pulled, layer) {
		t.Errorf("pulled %d bytes that are not the %d pushed", len(pulled), len(layer))
	}
	s.stop()

	calls, err := os.ReadFile(trace)
	must(t, err)
	sent := 0
	for _, result := range sendfileResult.FindAllSubmatch(calls, -1) {
		n, err := strconv.Atoi(string(result[1]))
		must(t, err)
		sent += n
	}
	if rest := len(layer) - sent; rest < 0 || rest > 4<<10 { // the first bytes go with the headers
		t.Errorf("the kernel sent %d of %d bytes by itself", sent, len(layer))
	}
}

// sendfileResult is how many bytes a call has sent, also where strace has split its line.
var sendfileResult = regexp.MustCompile(`(?m)sendfile.* = ([0-9]+)$`)
