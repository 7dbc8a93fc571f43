package blobs3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/openecr/openecr/internal/registry"
)

// Discard looks for leftovers of any attempt where the upload had parts, because its locator may live on in a blob, and
// then collection would not look there. Without parts the locator ends with the upload: the tails that are known go at
// once, and collection finds any others. Of an upload without a State nothing is known, so it looks for all.
func (s *Store) Discard(ctx context.Context, u registry.Unfinished) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	key, err := s.key(u.Locator)
	if err != nil {
		return err
	}
	st, err := decodeState(u)
	if err != nil {
		return fmt.Errorf("discard blob %s: %w", u.Locator, err)
	}
	if st.multipart != "" || len(u.State) == 0 {
		return together(
			func() error { return s.abortAll(ctx, key) },
			func() error { return s.removeTails(ctx, u.Locator) },
		)
	}
	return together(
		func() error { return s.removeTail(ctx, u.Locator, st.tail.object) },
		func() error { return s.removeTail(ctx, u.Locator, st.stale) },
	)
}

// Delete removes the object and everything that was to become it.
func (s *Store) Delete(ctx context.Context, locator string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	key, err := s.key(locator)
	if err != nil {
		return err
	}
	return together(
		func() error { return s.remove(ctx, key) },
		func() error { return s.abortAll(ctx, key) },
		func() error { return s.removeTails(ctx, locator) },
	)
}

// together runs calls side by side, because each is mostly waiting.
func together(calls ...func() error) error {
	errs := make([]error, len(calls))
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() { errs[i] = call() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// remove is nil when there is nothing under the key.
func (s *Store) remove(ctx context.Context, key string) error {
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.options.Bucket, Key: &key})
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// removeTail does nothing for the empty name.
func (s *Store) removeTail(ctx context.Context, locator, name string) error {
	if name == "" {
		return nil
	}
	return s.remove(ctx, s.tails(locator)+name)
}

func (s *Store) removeTails(ctx context.Context, locator string) error {
	for o, err := range s.objects(ctx, s.tails(locator)) {
		if err != nil {
			return err
		}
		if err := s.remove(ctx, o.key); err != nil {
			return err
		}
	}
	return nil
}

// abortAll ends the multipart uploads of a key, which removes their parts.
func (s *Store) abortAll(ctx context.Context, key string) error {
	for m, err := range s.multiparts(ctx, key) {
		if err != nil {
			return err
		}
		if err := s.abortMultipart(ctx, m.key, m.id); err != nil {
			return err
		}
	}
	return nil
}

// abort removes a multipart upload that nobody will go on with. It is a courtesy, so it does not take long, and it is
// done although the request may have ended.
func (s *Store) abort(ctx context.Context, key, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.abortMultipart(ctx, key, id)
}

func (s *Store) abortMultipart(ctx context.Context, key, id string) error {
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.options.Bucket, Key: &key, UploadId: &id})
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("abort a multipart upload of %s: %w", key, err)
	}
	return nil
}

// List yields finished objects, then tails, then multipart uploads; of these S3 does not tell the size. Keys of another
// form are passed over: the bucket may hold other things.
func (s *Store) List(ctx context.Context) iter.Seq2[registry.Stored, error] {
	return func(yield func(registry.Stored, error) bool) {
		for _, kind := range []struct {
			found   iter.Seq2[found, error]
			locator func(key string) string
		}{
			{s.objects(ctx, s.options.Prefix+blobFolder), path.Base},
			{s.objects(ctx, s.options.Prefix+tailFolder), func(key string) string { return path.Base(path.Dir(key)) }},
			{s.multiparts(ctx, s.options.Prefix+blobFolder), path.Base},
		} {
			for f, err := range kind.found {
				if err != nil {
					yield(registry.Stored{}, fmt.Errorf("list blobs in bucket %s: %w", s.options.Bucket, err))
					return
				}
				locator := kind.locator(f.key)
				if !s.owns(f.key, locator) {
					continue
				}
				if !yield(registry.Stored{Locator: locator, Size: f.size, ChangedAt: f.changedAt.UTC(), Leftover: s.isLeftover(ctx, f, locator)}, nil) {
					return
				}
			}
		}
	}
}

// isLeftover says whether it is a piece of an upload whose object is there. When S3 does not say, it is not.
func (s *Store) isLeftover(ctx context.Context, f found, locator string) bool {
	key, err := s.key(locator)
	if err != nil || f.key == key && f.id == "" {
		return false
	}
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	_, err = s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.options.Bucket, Key: &key})
	return err == nil
}

// owns says whether the key is one that this store makes for the locator.
func (s *Store) owns(key, locator string) bool {
	own, err := s.key(locator)
	return err == nil && (key == own || strings.HasPrefix(key, s.tails(locator)))
}

// found is an object or a multipart upload in the bucket.
type found struct {
	key       string
	id        string // of a multipart upload
	size      int64
	changedAt time.Time
}

// objects are those whose key begins with prefix.
func (s *Store) objects(ctx context.Context, prefix string) iter.Seq2[found, error] {
	in := s3.ListObjectsV2Input{Bucket: &s.options.Bucket, Prefix: &prefix}
	return pages(func() (page []found, more bool, err error) {
		ctx, cancel := limited(ctx, 0)
		defer cancel()
		out, err := s.client.ListObjectsV2(ctx, &in)
		if err != nil {
			return nil, false, err
		}
		for _, o := range out.Contents {
			page = append(page, found{key: aws.ToString(o.Key), size: aws.ToInt64(o.Size), changedAt: aws.ToTime(o.LastModified)})
		}
		in.ContinuationToken = out.NextContinuationToken
		return page, aws.ToBool(out.IsTruncated) && out.NextContinuationToken != nil, nil
	})
}

// multiparts are multipart uploads that were neither completed nor aborted, whose key begins with prefix.
func (s *Store) multiparts(ctx context.Context, prefix string) iter.Seq2[found, error] {
	in := s3.ListMultipartUploadsInput{Bucket: &s.options.Bucket, Prefix: &prefix}
	return pages(func() (page []found, more bool, err error) {
		ctx, cancel := limited(ctx, 0)
		defer cancel()
		out, err := s.client.ListMultipartUploads(ctx, &in)
		if err != nil {
			return nil, false, err
		}
		for _, m := range out.Uploads {
			page = append(page, found{key: aws.ToString(m.Key), id: aws.ToString(m.UploadId), changedAt: aws.ToTime(m.Initiated)})
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
		return page, aws.ToBool(out.IsTruncated) && aws.ToString(out.NextKeyMarker) != "", nil
	})
}

// pages asks for one page after the other as they are used.
func pages(next func() (page []found, more bool, err error)) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		for more := true; more; {
			var page []found
			var err error
			if page, more, err = next(); err != nil {
				yield(found{}, err)
				return
			}
			for _, f := range page {
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}
