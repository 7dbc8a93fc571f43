package blobs3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/openecr/openecr/internal/registry"
)

// Finish makes one object of what is noted, and nothing else: parts and tails of other writers are left out.
//
// With parts it sends the tail as the last one and completes the multipart upload, which S3 does once; the bytes stay
// where they are. A crash or a lost answer after that leaves an object of the recorded size under the upload's locator,
// by which a second Finish knows that it is done. Without parts it stores the bytes under a locator of their own,
// because two processes may finish one upload at different offsets, and neither may replace what the other has
// committed; a crash leaves an object that no row names, for collection.
func (s *Store) Finish(ctx context.Context, u registry.Unfinished, allot registry.Allot) (string, error) {
	locator, err := s.finish(ctx, u, allot)
	if err != nil {
		return "", fmt.Errorf("finish blob %s at %d bytes: %w", u.Locator, u.Offset, err)
	}
	return locator, nil
}

func (s *Store) finish(ctx context.Context, u registry.Unfinished, allot registry.Allot) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	key, err := s.key(u.Locator)
	if err != nil {
		return "", err
	}
	st, err := decodeState(u)
	if err != nil {
		return "", err
	}
	if st.multipart == "" {
		locator := registry.NewLocator()
		return locator, s.finishSmall(ctx, u.Locator, locator, st.tail)
	}
	return u.Locator, s.completeOnce(ctx, u.Locator, key, st, allot)
}

// completeOnce is complete, also of what was completed before.
func (s *Store) completeOnce(ctx context.Context, locator, key string, st *state, allot registry.Allot) error {
	err := s.complete(ctx, locator, key, st, allot)
	if errors.Is(err, registry.ErrAbsent) && s.isFinished(ctx, key, st.size()) {
		return nil
	}
	return err
}

// finishSmall stores an upload that is no more than a tail.
func (s *Store) finishSmall(ctx context.Context, from, locator string, t tail) error {
	key, err := s.key(locator)
	if err != nil {
		return err
	}
	buf, err := s.loadTail(ctx, from, t)
	if err != nil {
		return err
	}
	defer buf.release()
	return s.put(ctx, key, buf)
}

// complete is ErrAbsent when the multipart upload was completed or aborted before.
func (s *Store) complete(ctx context.Context, locator, key string, st *state, allot registry.Allot) error {
	parts := st.parts
	if st.tail.bytes() > 0 {
		last, err := s.sendTail(ctx, locator, key, st, allot)
		if err != nil {
			return err
		}
		parts = append(parts, last)
	}
	listed := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		listed[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.number)), ETag: aws.String(p.etag), ChecksumCRC32C: checksum(p.sum)}
	}
	ctx, cancel := limited(ctx, st.size()>>5) // some stores copy the parts together before they answer
	defer cancel()
	_, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.options.Bucket, Key: &key, UploadId: &st.multipart, MultipartUpload: &types.CompletedMultipartUpload{Parts: listed},
	})
	if err != nil {
		return fmt.Errorf("complete the multipart upload: %w", absent(err))
	}
	return nil
}

func (s *Store) sendTail(ctx context.Context, locator, key string, st *state, allot registry.Allot) (part, error) {
	buf, err := s.loadTail(ctx, locator, st.tail)
	if err != nil {
		return part{}, err
	}
	defer buf.release()
	number, err := allotPart(ctx, allot)
	if err != nil {
		return part{}, err
	}
	p := part{number: number, size: buf.size, sum: buf.sum}
	err = s.sendPart(ctx, key, st.multipart, &p, buf) // sets the etag
	return p, err
}

// isFinished says whether the object is there whole. When S3 does not say, it is not.
func (s *Store) isFinished(ctx context.Context, key string, size int64) bool {
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.options.Bucket, Key: &key})
	return err == nil && aws.ToInt64(out.ContentLength) == size
}

// loadTail reads a tail into memory.
func (s *Store) loadTail(ctx context.Context, locator string, t tail) (*buffer, error) {
	buf, err := s.buffers.take(ctx, 1)
	if err != nil {
		return nil, err
	}
	source := s.readTail(ctx, locator, t)
	defer source.Close()
	if _, err := buf.fill(ctx, source); err != nil {
		buf.release()
		return nil, err
	}
	return buf, nil
}

// readTail reads the object, from when it is first read, and then what is inline.
func (s *Store) readTail(ctx context.Context, locator string, t tail) io.ReadCloser {
	r := &tailReader{inline: *bytes.NewReader(t.inline)}
	if t.object != "" {
		r.open = func() (io.ReadCloser, error) {
			object, err := s.openKey(ctx, s.tails(locator)+t.object)
			if err == nil && object.size != t.size {
				_ = object.Close()
				err = fmt.Errorf("it has %d bytes instead of %d: %w", object.size, t.size, registry.ErrAbsent)
			}
			return object, err
		}
	}
	return r
}

type tailReader struct {
	open   func() (io.ReadCloser, error) // nil when there is no object, or it was opened
	object io.ReadCloser                 // nil when there is none, or it was read
	inline bytes.Reader
}

func (r *tailReader) Read(b []byte) (n int, err error) {
	if r.open != nil {
		object, err := r.open()
		if err != nil {
			return 0, fmt.Errorf("read the tail: %w", err)
		}
		r.object, r.open = object, nil
	}
	if r.object == nil {
		return r.inline.Read(b)
	}
	n, err = r.object.Read(b)
	if err == io.EOF { //nolint:errorlint // openKey gives it as it is
		err = r.Close()
	}
	return n, err
}

func (r *tailReader) Close() error {
	if r.object == nil {
		return nil
	}
	err := r.object.Close()
	r.object = nil
	return err
}

func checksum(sum uint32) *string {
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum)))
}
