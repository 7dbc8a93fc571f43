//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/smithy-go"
)

// A full disk is an error to the one who writes; readers go on, and so do writers when there is room again.
func TestFullDiskIsAnErrorNotABrokenRegistry(t *testing.T) {
	const capacity = 24 << 20
	s := newServer(t, smallDisk(t, "24m"))
	s.env = nil // whatever the stores of the run, it is files that fill a disk
	s.start()
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	small := randomData(1 << 20)
	before, err := registry.pushBlob(t.Context(), "hello", small)
	must(t, err)

	t.Run("an upload larger than the disk", func(t *testing.T) {
		upload, err := registry.startUpload(t.Context(), "hello")
		must(t, err)
		big := randomData(capacity + 1<<20)
		_, text, err := registry.request(t.Context(), http.StatusInsufficientStorage, "PATCH", upload, nil, bytes.NewReader(big))
		if err != nil {
			t.Errorf("sending more than the disk holds: %v", err)
		}
		if !bytes.Contains(text, []byte(`"errors"`)) {
			t.Errorf("the answer is not a registry error: %s", text)
		}
		registry.mustHave(t, before)
		if _, err := registry.pushBlob(t.Context(), "hello", randomData(1<<20)); err != nil {
			t.Errorf("a small upload after one that did not fit: %v", err)
		}
	})

	t.Run("a disk with no room at all", func(t *testing.T) {
		filler := filepath.Join(s.data, "filler")
		fill(t, filler)
		if _, err := registry.pushBlob(t.Context(), "hello", randomData(1<<20)); err == nil {
			t.Error("an upload to a full disk succeeded")
		}
		part := randomData(1 << 20)
		var refused smithy.APIError
		if err := sdkUpload(t.Context(), api, "hello", digestOf(part), [][]byte{part}); !errors.As(err, &refused) {
			t.Errorf("an upload to a full disk through the API: %v, want an exception", err)
		}
		registry.mustHave(t, before)
		must(t, os.Remove(filler))
		time.Sleep(time.Second) // the server asks that often how much is free
		digest, err := registry.pushBlob(t.Context(), "hello", randomData(1<<20))
		must(t, err)
		s.restart()
		registry.mustHave(t, before)
		registry.mustHave(t, digest)
		must(t, sdkUpload(t.Context(), api, "hello", digestOf(part), [][]byte{part}))
		verifyWhole(t, s)
	})
}

// mustHave reads a layer and compares its bytes with its digest.
func (c registryClient) mustHave(t *testing.T, digest string) {
	t.Helper()
	data, err := c.blob(t.Context(), "hello", digest)
	if err != nil {
		t.Error(err)
	} else if got := digestOf(data); got != digest {
		t.Errorf("layer %s has bytes of digest %s", digest, got)
	}
}

// smallDisk is a folder on a file system of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	must(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
