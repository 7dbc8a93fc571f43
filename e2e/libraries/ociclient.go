package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ociauth"
	"cuelabs.dev/go/oci/ociregistry/ociclient"
)

// password is what the client's credentials are, whatever the host.
type password string

func (p password) EntryForRegistry(string) (ociauth.ConfigEntry, error) {
	return ociauth.ConfigEntry{Username: "AWS", Password: string(p)}, nil
}

// useOCIClient goes through the client's interface: blobs in one piece, in chunks and resumed, by mount and in ranges;
// manifests, tags and deletes.
func useOCIClient(ctx context.Context, t target) error {
	client, err := ociclient.New(t.host, &ociclient.Options{
		Insecure:  true,
		Transport: ociauth.NewStdTransport(ociauth.StdTransportParams{Config: password(t.password)}),
	})
	if err != nil {
		return err
	}
	config := descriptor("application/vnd.example.config", []byte("{}"))
	if _, err := client.PushBlob(ctx, t.repository, config, bytes.NewReader([]byte("{}"))); err != nil {
		return fmt.Errorf("push a blob: %w", err)
	}
	layer, err := pushResumed(ctx, client, t.repository)
	if err != nil {
		return err
	}
	if _, err := client.MountBlob(ctx, t.repository, t.other, layer.Digest); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := expectRange(ctx, client, t.other, layer); err != nil {
		return err
	}
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":%q,"digest":%q,"size":2},"layers":[{"mediaType":"text/plain","digest":%q,"size":%d}]}`,
		config.MediaType, config.Digest, layer.Digest, layer.Size)
	return manifestsAndTags(ctx, client, t.repository, manifest, layer)
}

func descriptor(mediaType string, content []byte) ociregistry.Descriptor {
	return ociregistry.Descriptor{MediaType: mediaType, Size: int64(len(content)),
		Digest: ociregistry.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(content)))}
}

// pushResumed sends a blob in chunks, stops, and goes on as another process would.
func pushResumed(ctx context.Context, client ociregistry.Interface, repository string) (ociregistry.Descriptor, error) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	want := descriptor("text/plain", content)
	first, err := client.PushBlobChunked(ctx, repository, 0)
	if err != nil {
		return want, fmt.Errorf("begin chunks: %w", err)
	}
	const half = 500_000
	if _, err := first.Write(content[:half]); err != nil {
		return want, fmt.Errorf("write a chunk: %w", err)
	}
	if err := first.Close(); err != nil {
		return want, fmt.Errorf("stop: %w", err)
	}
	second, err := client.PushBlobChunkedResume(ctx, repository, first.ID(), -1, 0)
	if err != nil {
		return want, fmt.Errorf("resume: %w", err)
	}
	if second.Size() != half {
		return want, fmt.Errorf("resumed at %d, want %d", second.Size(), half)
	}
	if _, err := second.Write(content[half:]); err != nil {
		return want, fmt.Errorf("write the rest: %w", err)
	}
	_, err = second.Commit(want.Digest)
	return want, err
}

func expectRange(ctx context.Context, client ociregistry.Interface, repository string, d ociregistry.Descriptor) error {
	r, err := client.GetBlobRange(ctx, repository, d.Digest, 10, 15)
	if err != nil {
		return fmt.Errorf("range: %w", err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "01234" {
		return fmt.Errorf("range is %q, %w", got, err)
	}
	return nil
}

func manifestsAndTags(ctx context.Context, client ociregistry.Interface, repository string, manifest []byte, layer ociregistry.Descriptor) error {
	const mediaType = "application/vnd.oci.image.manifest.v1+json"
	for _, tag := range []string{"b", "a"} {
		if _, err := client.PushManifest(ctx, repository, tag, manifest, mediaType); err != nil {
			return fmt.Errorf("push a manifest: %w", err)
		}
	}
	want := descriptor(mediaType, manifest)
	if got, err := client.ResolveTag(ctx, repository, "a"); err != nil || got.Digest != want.Digest || got.MediaType != mediaType {
		return fmt.Errorf("tag is %+v, %w", got, err)
	}
	tags, err := ociregistry.All(client.Tags(ctx, repository, ""))
	if err != nil || !slices.Contains(tags, "a") || !slices.IsSorted(tags) {
		return fmt.Errorf("tags are %q, %w", tags, err)
	}
	if err := client.DeleteBlob(ctx, repository, layer.Digest); err == nil {
		return errors.New("a layer of an image was deleted")
	}
	if err := client.DeleteTag(ctx, repository, "a"); err != nil {
		return fmt.Errorf("delete a tag: %w", err)
	}
	if _, err := client.GetTag(ctx, repository, "a"); !errors.Is(err, ociregistry.ErrManifestUnknown) {
		return fmt.Errorf("deleted tag: %w", err)
	}
	if err := client.DeleteManifest(ctx, repository, want.Digest); err != nil {
		return fmt.Errorf("delete a manifest: %w", err)
	}
	if err := client.DeleteBlob(ctx, repository, layer.Digest); err != nil {
		return fmt.Errorf("delete a blob: %w", err)
	}
	if _, err := client.ResolveBlob(ctx, repository, layer.Digest); err == nil {
		return errors.New("a deleted blob is still there")
	}
	return nil
}
