package blobs3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/openecr/openecr/internal/registry"
)

// Store is a bucket, or a prefix of one. Its methods may be called concurrently.
type Store struct {
	client   *s3.Client
	presign  *s3.PresignClient // nil when readers are not sent to the bucket
	options  Options
	buffers  *buffers
	shutdown func()
}

var _ registry.Blobs = (*Store)(nil)

// Open checks that the bucket is there and may be used.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	client, shutdown, err := newClient(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", o.Bucket, err)
	}
	s := &Store{client: client, options: o, buffers: newBuffers(o.Buffers), shutdown: shutdown}
	if o.Redirect {
		s.presign = s3.NewPresignClient(client, s3.WithPresignExpires(presignedFor))
	}
	if err := s.Check(ctx); err != nil {
		shutdown()
		return nil, err
	}
	return s, nil
}

// Check asks whether the bucket is there and may be used.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := limited(ctx, 0)
	defer cancel()
	if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.options.Bucket}); err != nil {
		return fmt.Errorf("open bucket %s: %w", s.options.Bucket, explainBucket(err))
	}
	return nil
}

// Close ends idle connections.
func (s *Store) Close() error {
	s.shutdown()
	return nil
}

// explainBucket says what the operator can do. S3 answers a HEAD without a body, so all there is to read is the status.
func explainBucket(err error) error {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() == 0 {
		return fmt.Errorf("it cannot be reached: %w", err)
	}
	switch answer.HTTPStatusCode() {
	case http.StatusNotFound:
		return fmt.Errorf("there is no such bucket, make it first: %w", err)
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("the credentials are refused, or do not allow s3:ListBucket: %w", err)
	case http.StatusMovedPermanently, http.StatusBadRequest:
		if region := answer.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return fmt.Errorf("it is in region %s, say so with region=%s: %w", region, region, err)
		}
	}
	return err
}

// limited bounds one call, its retries included, whoever waits for it: even a store that trickles ends. Large parts get
// longer, down to 1 MiB per second.
func limited(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, callLimit+time.Duration(size>>20)*time.Second, errLimit)
}

const callLimit = 2 * time.Minute

var errLimit = errors.New("the store of layers took too long to answer")

func (s *Store) key(locator string) (string, error) {
	if err := registry.CheckLocator(locator); err != nil {
		return "", err
	}
	return s.options.Prefix + blobFolder + locator[:2] + "/" + locator, nil
}

const (
	blobFolder = "blobs/"
	tailFolder = "tails/"
)

// tails is what the names of all tails of an upload begin with.
func (s *Store) tails(locator string) string { return s.options.Prefix + tailFolder + locator + "/" }

// newTail is a name that nobody else makes, so no writer replaces what another has.
func newTail(offset int64) string { return fmt.Sprintf("%d-%s", offset, registry.NewLocator()[:16]) }

// absent turns S3's words for "not there" into registry.ErrAbsent.
func absent(err error) error {
	if isAbsent(err) {
		return fmt.Errorf("%w: %w", registry.ErrAbsent, err)
	}
	return err
}

func isAbsent(err error) bool {
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.ErrorCode() {
	case "NoSuchKey", "NoSuchUpload", "NotFound":
		return true
	}
	return false
}

// encryption is the part of SSE that every write states.
func (o Options) encryption() (mode types.ServerSideEncryption, kmsKey *string) {
	if o.KMSKey != "" {
		kmsKey = aws.String(o.KMSKey)
	}
	return types.ServerSideEncryption(o.Encryption), kmsKey
}
