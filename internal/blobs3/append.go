package blobs3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/openecr/openecr/internal/registry"
)

// Append takes these steps. The caller records what it returns after the last; until then nothing that is recorded has
// changed, so a crash, an error or another writer in between costs nothing but leftovers, which Discard or collection
// removes:
//
//  1. read up to maxInline bytes      few bytes end here: they are noted in the State and nothing is stored
//  2. begin a multipart upload,       left: a multipart upload without a part that counts
//     unless the State has one
//  3. send parts as they fill         left: parts whose numbers no State lists; completing leaves them out
//  4. store what is under 5 MiB       left: a tail object that no State names
//
// The bytes of the tail before go first in step 3, so that every part but the last is large enough for S3.
func (s *Store) Append(ctx context.Context, u registry.Unfinished, r io.Reader, allot registry.Allot) (registry.Unfinished, error) {
	next, err := s.append(ctx, u, r, allot)
	if err != nil {
		return registry.Unfinished{}, fmt.Errorf("append to blob %s at byte %d: %w", u.Locator, u.Offset, err)
	}
	return next, nil
}

func (s *Store) append(ctx context.Context, u registry.Unfinished, r io.Reader, allot registry.Allot) (registry.Unfinished, error) {
	key, err := s.key(u.Locator)
	if err != nil {
		return registry.Unfinished{}, err
	}
	st, err := decodeState(u)
	if err != nil {
		return registry.Unfinished{}, err
	}
	head := make([]byte, maxInline+1)
	n, ended, err := readFull(ctx, r, head)
	if err != nil {
		return registry.Unfinished{}, err
	}
	if n == 0 {
		return u, nil
	}
	if ended && len(st.tail.inline)+n <= maxInline {
		st.tail.inline = append(st.tail.inline, head[:n]...)
		return recorded(u, st), nil
	}
	a := &appending{Store: s, key: key, locator: u.Locator, allot: allot, state: st, inFlight: make(chan struct{}, maxInFlight)}
	if err := a.run(ctx, io.MultiReader(bytes.NewReader(head[:n]), r)); err != nil {
		return registry.Unfinished{}, err
	}
	return recorded(u, st), nil
}

func recorded(u registry.Unfinished, st *state) registry.Unfinished {
	return registry.Unfinished{Locator: u.Locator, Offset: st.size(), State: st.encode()}
}

// maxInFlight is how many parts of one upload are sent at the same time, while another fills.
const maxInFlight = 2

// appending is an Append that stores something.
type appending struct {
	*Store
	key, locator string
	allot        registry.Allot
	state        *state // as noted before; run makes of it what to note then
	whole        bool   // nothing follows, so the last part may be short
	begun        bool   // the multipart upload was begun here, so nobody else knows of it

	cancel   context.CancelCauseFunc
	running  sync.WaitGroup
	inFlight chan struct{}
	sent     []*part // their etags are there when running is done
}

func (a *appending) run(ctx context.Context, r io.Reader) error {
	return a.together(ctx, func(ctx context.Context) error {
		before := *a.state
		a.running.Go(func() { _ = a.removeTail(ctx, a.locator, before.stale) }) // else Discard or collection does it
		source := a.readTail(ctx, a.locator, before.tail)
		defer source.Close()
		a.state.tail, a.state.stale = tail{}, before.tail.object
		return a.sendAll(ctx, io.MultiReader(source, r))
	})
}

// together runs send and waits for the parts that it sends. When one fails, all end and nothing of them stays.
func (a *appending) together(ctx context.Context, send func(ctx context.Context) error) error {
	ctx, a.cancel = context.WithCancelCause(ctx)
	err := send(ctx)
	if err != nil {
		a.cancel(err)
	}
	a.running.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	a.cancel(nil)
	if err != nil {
		if a.begun {
			a.abort(ctx, a.key, a.state.multipart)
		}
		return err
	}
	for _, p := range a.sent {
		a.state.parts = append(a.state.parts, *p)
	}
	return nil
}

// sendAll cuts the bytes into parts and sends each as soon as it is full. It fails early when one that was sent fails.
func (a *appending) sendAll(ctx context.Context, r io.Reader) error {
	for ended := false; !ended; {
		buf, err := a.buffers.take(ctx, a.nextChunks())
		if err != nil {
			return err
		}
		ended, err = buf.fill(ctx, r)
		if err == nil && (buf.size >= minPart || a.whole && buf.size > 0) {
			if err = a.send(ctx, buf); err == nil {
				continue // it is released when it was sent
			}
		} else if err == nil {
			err = a.keepTail(ctx, buf)
		}
		buf.release()
		if err != nil {
			return err
		}
	}
	return nil
}

// nextChunks is how long the next part may become. Parts double with every thousand, so that their limited number
// is enough for terabytes, as far as the memory for all uploads goes.
func (a *appending) nextChunks() int {
	last := a.state.lastNumber()
	if len(a.sent) > 0 {
		last = a.sent[len(a.sent)-1].number
	}
	return min(1<<(last/1000), a.buffers.most)
}

// send gives the buffer away unless it fails. Numbers are asked for one after the other, so they ascend like the bytes.
func (a *appending) send(ctx context.Context, buf *buffer) error {
	select {
	case a.inFlight <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	number, err := allotPart(ctx, a.allot)
	if err == nil && a.state.multipart == "" {
		a.state.multipart, err = a.beginMultipart(ctx, a.key)
		a.begun = err == nil
	}
	if err != nil {
		<-a.inFlight
		return err
	}
	p := &part{number: number, size: buf.size, sum: buf.sum}
	a.sent = append(a.sent, p)
	a.running.Go(func() {
		defer func() { <-a.inFlight }()
		defer buf.release()
		if err := a.sendPart(ctx, a.key, a.state.multipart, p, buf); err != nil {
			a.cancel(err)
		}
	})
	return nil
}

func allotPart(ctx context.Context, allot registry.Allot) (int, error) {
	n, err := allot(ctx)
	if err != nil {
		return 0, fmt.Errorf("get a part number: %w", err)
	}
	if n > maxParts {
		return 0, errors.New("S3 takes 10,000 parts, and the attempts at this upload have used them up: begin it again and send more bytes at a time")
	}
	return n, nil
}

// keepTail keeps what is left for the next Append or for Finish.
func (a *appending) keepTail(ctx context.Context, buf *buffer) error {
	if buf.size <= maxInline {
		a.state.tail.inline = make([]byte, buf.size)
		_, _ = buf.ReadAt(a.state.tail.inline, 0) // all of it is there
		return nil
	}
	offset := a.state.size()
	for _, p := range a.sent {
		offset += p.size
	}
	name := newTail(offset)
	if err := a.put(ctx, a.tails(a.locator)+name, buf); err != nil {
		return fmt.Errorf("store the last %d bytes: %w", buf.size, err)
	}
	a.state.tail.object, a.state.tail.size = name, buf.size
	return nil
}

func (s *Store) beginMultipart(ctx context.Context, key string) (string, error) {
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	mode, kmsKey := s.options.encryption()
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.options.Bucket, Key: &key, ContentType: aws.String(contentType),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c, ServerSideEncryption: mode, SSEKMSKeyId: kmsKey,
	})
	if err != nil {
		return "", fmt.Errorf("begin a multipart upload: %w", err)
	}
	return aws.ToString(out.UploadId), nil
}

// contentType is that of blobs on the docker wire, for readers who are sent here.
const contentType = "application/octet-stream"

// sendPart sets the etag. ErrAbsent when the multipart upload is gone.
func (s *Store) sendPart(ctx context.Context, key, multipart string, p *part, buf *buffer) error {
	ctx, cancel := limited(ctx, buf.size)
	defer cancel()
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.options.Bucket, Key: &key, UploadId: &multipart, PartNumber: aws.Int32(int32(p.number)),
		Body: buf.reader(), ContentLength: &buf.size, ChecksumCRC32C: checksum(buf.sum),
	}, s.options.bodyOptions)
	if err != nil {
		return fmt.Errorf("send part %d: %w", p.number, absent(err))
	}
	p.etag = aws.ToString(out.ETag)
	return nil
}

// put stores the buffer as an object.
func (s *Store) put(ctx context.Context, key string, buf *buffer) error {
	ctx, cancel := limited(ctx, buf.size)
	defer cancel()
	mode, kmsKey := s.options.encryption()
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.options.Bucket, Key: &key, ContentType: aws.String(contentType),
		Body: buf.reader(), ContentLength: &buf.size, ChecksumCRC32C: checksum(buf.sum),
		ServerSideEncryption: mode, SSEKMSKeyId: kmsKey,
	}, s.options.bodyOptions)
	return err
}
