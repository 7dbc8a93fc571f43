package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
)

// useEStargz pushes an image with a layer that snapshotters read file by file, and pulls it: the layer must have its
// bytes, its media type, and the annotation that its table of contents is verified by.
func useEStargz(ctx context.Context, t target) error {
	repository, err := t.orasRepository(t.repository)
	if err != nil {
		return err
	}
	layer, blob, err := newEStargz()
	if err != nil {
		return fmt.Errorf("make a layer: %w", err)
	}
	if err := repository.Push(ctx, layer, bytes.NewReader(blob)); err != nil {
		return fmt.Errorf("push the layer: %w", err)
	}
	image, err := oras.PackManifest(ctx, repository, oras.PackManifestVersion1_0, v1.MediaTypeImageConfig, oras.PackManifestOptions{Layers: []v1.Descriptor{layer}})
	if err != nil {
		return fmt.Errorf("push the manifest: %w", err)
	}
	if err := repository.Tag(ctx, image, "estargz"); err != nil {
		return err
	}
	anonymous, err := target{host: t.host}.orasRepository(t.repository)
	if err != nil {
		return err
	}
	return pullEStargz(ctx, anonymous, layer, blob)
}

// newEStargz is a layer of one file that is longer than one chunk.
func newEStargz() (v1.Descriptor, []byte, error) {
	var archive bytes.Buffer
	file := bytes.Repeat([]byte("a file that is read in chunks\n"), 10_000)
	w := tar.NewWriter(&archive)
	err := w.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: int64(len(file))})
	if err == nil {
		_, err = w.Write(file)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return v1.Descriptor{}, nil, err
	}
	built, err := estargz.Build(io.NewSectionReader(bytes.NewReader(archive.Bytes()), 0, int64(archive.Len())), estargz.WithChunkSize(64<<10))
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	defer built.Close()
	blob, err := io.ReadAll(built)
	layer := content.NewDescriptorFromBytes(v1.MediaTypeImageLayerGzip, blob)
	layer.Annotations = map[string]string{estargz.TOCJSONDigestAnnotation: built.TOCDigest().String()}
	return layer, blob, err
}

func pullEStargz(ctx context.Context, from oras.ReadOnlyTarget, pushed v1.Descriptor, blob []byte) error {
	_, raw, err := oras.FetchBytes(ctx, from, "estargz", oras.DefaultFetchBytesOptions)
	if err != nil {
		return fmt.Errorf("pull the manifest: %w", err)
	}
	var image v1.Manifest
	if err := json.Unmarshal(raw, &image); err != nil || len(image.Layers) != 1 {
		return fmt.Errorf("the manifest is %s, %w", raw, err)
	}
	layer := image.Layers[0]
	toc := digest.Digest(layer.Annotations[estargz.TOCJSONDigestAnnotation])
	if !content.Equal(layer, pushed) || toc.String() != pushed.Annotations[estargz.TOCJSONDigestAnnotation] {
		return fmt.Errorf("the layer is described as %+v, pushed was %+v", layer, pushed)
	}
	pulled, err := content.FetchAll(ctx, from, layer)
	if err != nil || !slices.Equal(pulled, blob) {
		return fmt.Errorf("the layer has %d bytes, not those pushed: %w", len(pulled), err)
	}
	contents, err := estargz.Open(io.NewSectionReader(bytes.NewReader(pulled), 0, int64(len(pulled))))
	if err != nil {
		return fmt.Errorf("open the layer: %w", err)
	}
	if _, err := contents.VerifyTOC(toc); err != nil {
		return fmt.Errorf("verify the table of contents: %w", err)
	}
	return nil
}
