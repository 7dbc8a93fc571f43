package blobs3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Open begins to read at once, since most readers want all of it: that is one request to S3.
func (s *Store) Open(ctx context.Context, locator string) (io.ReadSeekCloser, error) {
	key, err := s.key(locator)
	if err != nil {
		return nil, err
	}
	r, err := s.openKey(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", locator, err)
	}
	return r, nil
}

func (s *Store) openKey(ctx context.Context, key string) (*reader, error) {
	out, err := s.get(ctx, &s3.GetObjectInput{Bucket: &s.options.Bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	return &reader{store: s, ctx: ctx, key: key, etag: out.ETag, size: aws.ToInt64(out.ContentLength), body: out.Body}, nil
}

// get bounds the time until the answer begins, not the time that its body takes.
func (s *Store) get(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(callLimit, func() { cancel(errLimit) })
	defer timer.Stop()
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		cancel(nil)
		return nil, absent(err)
	}
	out.Body = &cancelledBody{out.Body, cancel}
	return out, nil
}

// cancelledBody gives up its request when it is closed.
type cancelledBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelledBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// reader reads an object through one request as long as it goes forward. Where the connection breaks it goes on from
// there with another.
type reader struct {
	store *Store
	ctx   context.Context
	key   string
	etag  *string
	size  int64

	offset int64         // of the next Read
	body   io.ReadCloser // yields the bytes from bodyAt on; nil when none is open
	bodyAt int64
	closed bool
}

// maxBreaks is how many times in a row a connection may break without giving a byte. That the request itself fails is
// retried by the client, and does not count.
const maxBreaks = 5

func (r *reader) Read(b []byte) (int, error) {
	if r.closed {
		return 0, os.ErrClosed
	}
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	for breaks := 0; ; breaks++ {
		n, err := r.read(b)
		if n > 0 {
			return n, nil // what is wrong, if anything, is found by the next Read
		}
		if err == nil {
			continue
		}
		r.drop()
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		var refused requestError
		if errors.As(err, &refused) || breaks == maxBreaks {
			return 0, fmt.Errorf("read %s at byte %d: %w", r.key, r.offset, err)
		}
		if err := sleep(r.ctx, r.store.options.Pause(breaks)); err != nil {
			return 0, err
		}
	}
}

// requestError is a request that failed, after all its retries.
type requestError struct{ error }

func (e requestError) Unwrap() error { return e.error }

// read reads once. The end of the body before that of the object is io.ErrUnexpectedEOF.
func (r *reader) read(b []byte) (int, error) {
	if r.body != nil && r.bodyAt != r.offset {
		r.drop()
	}
	if r.body == nil {
		out, err := r.store.get(r.ctx, &s3.GetObjectInput{
			Bucket: &r.store.options.Bucket, Key: &r.key, IfMatch: r.etag, Range: aws.String(fmt.Sprintf("bytes=%d-", r.offset)),
		})
		if err != nil {
			return 0, requestError{err}
		}
		r.body, r.bodyAt = out.Body, r.offset
	}
	n, err := r.body.Read(b)
	r.offset += int64(n)
	r.bodyAt += int64(n)
	if n == 0 && err == io.EOF { //nolint:errorlint // a wrapped one is not the end
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek only notes where to go on; the next Read goes there. Nothing is given up until then, because servers look for the
// end of what they serve and come back.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	if r.closed {
		return 0, os.ErrClosed
	}
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in %s to byte %d, which is before its start", r.key, offset)
	}
	r.offset = offset
	return offset, nil
}

func (r *reader) drop() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
}

func (r *reader) Close() error {
	if r.closed {
		return os.ErrClosed
	}
	r.drop()
	r.closed = true
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// presignedFor is how long a reader may take from being sent away until S3 has its request.
const presignedFor = 20 * time.Minute

// Presign is an address at which anybody can read the blob for a while; empty when readers are not to be sent away.
func (s *Store) Presign(ctx context.Context, locator string) (string, error) {
	if s.presign == nil {
		return "", nil
	}
	key, err := s.key(locator)
	if err != nil {
		return "", err
	}
	r, err := s.presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &s.options.Bucket, Key: &key, ResponseContentType: aws.String(contentType)})
	if err != nil {
		return "", fmt.Errorf("make an address for blob %s: %w", locator, err)
	}
	return r.URL, nil
}
