package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/registry"
)

// S3Keys sign requests to the bucket of --blobs. They come by environment only, like all secrets; without them it is the
// AWS configuration that says who openecr is.
type S3Keys struct {
	S3AccessKeyID     string `hidden:"" env:"OPENECR_S3_ACCESS_KEY_ID"`
	S3SecretAccessKey string `hidden:"" env:"OPENECR_S3_SECRET_ACCESS_KEY"`
}

// openBlobs opens the store that --blobs names. One that is also an io.Closer is to be closed. Buffers are for a bucket
// whose URL says nothing about them; 0 is its own default.
func (s Stores) openBlobs(ctx context.Context, buffers int) (registry.Blobs, error) {
	bucket, ok, err := s.bucket()
	if err != nil {
		return nil, err
	}
	if ok {
		bucket.Buffers = cmp.Or(bucket.Buffers, buffers)
		return blobs3.Open(ctx, bucket)
	}
	path, err := s.blobsPath()
	if err != nil {
		return nil, err
	}
	return blobfs.Open(path)
}

// bucket is false when --blobs names something else.
func (s Stores) bucket() (blobs3.Options, bool, error) {
	if !strings.HasPrefix(s.Blobs, "s3:") {
		return blobs3.Options{}, false, nil
	}
	o, err := blobs3.ParseURL(s.Blobs)
	if err != nil {
		return blobs3.Options{}, false, fmt.Errorf("--blobs: %w", err)
	}
	if (s.S3AccessKeyID == "") != (s.S3SecretAccessKey == "") {
		return blobs3.Options{}, false, fmt.Errorf("OPENECR_S3_ACCESS_KEY_ID and OPENECR_S3_SECRET_ACCESS_KEY go together: set both or neither")
	}
	o.AccessKeyID, o.SecretAccessKey = s.S3AccessKeyID, s.S3SecretAccessKey
	return o, true, nil
}

// closerOf is nil for a store that holds nothing open.
func closerOf(blobs registry.Blobs) func() error {
	if c, ok := blobs.(io.Closer); ok {
		return c.Close
	}
	return func() error { return nil }
}

// presignerOf is nil for a store to which readers cannot be sent.
func presignerOf(blobs registry.Blobs) func(ctx context.Context, locator string) (string, error) {
	if p, ok := blobs.(interface {
		Presign(ctx context.Context, locator string) (string, error)
	}); ok {
		return p.Presign
	}
	return nil
}
