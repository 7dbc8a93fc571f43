package ecrpublic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// SigningName is the service in the credential scope of signatures.
	SigningName = "ecr-public"

	// DefaultEndpoint is the real service, for whoever configures no other. Its region is us-east-1.
	DefaultEndpoint = "https://api.ecr-public.us-east-1.amazonaws.com"

	defaultRegion = "us-east-1"

	// serviceID is the service's name in AWS configuration, as in AWS_ENDPOINT_URL_ECR_PUBLIC.
	serviceID = "ECR PUBLIC"

	// maxResponseBytes and maxErrorBytes bound what is read of an answer: many times any ordinary one, and little
	// enough to hold in memory.
	maxResponseBytes = 64 << 20
	maxErrorBytes    = 1 << 20
)

// A Client calls ECR Public, or whatever speaks its API. It is safe for concurrent use and needs no closing.
//
// Calls are tried again, with backoff and jitter, as the AWS SDK does: after throttling, server errors and broken
// connections, three attempts in all unless the configuration says otherwise. An error that the service answered is a
// [*ResponseError] around the exception, so errors.As finds both.
type Client struct {
	// ValidateInput makes calls with an input that breaks a constraint fail with a [*ValidationError] before anything
	// is sent. Otherwise the service is left to judge. Set it before the first call.
	ValidateInput bool

	endpoint    string
	region      string
	credentials aws.CredentialsProvider
	http        aws.HTTPClient
	signer      *v4.Signer
	attempts    *retry.Attempt
}

// NewClient returns a client with the credentials, region, endpoint, HTTP client and retryer of cfg, which usually comes
// from config.LoadDefaultConfig. The endpoint is found as the AWS SDK finds it: AWS_ENDPOINT_URL_ECR_PUBLIC,
// AWS_ENDPOINT_URL, the shared config file, else [DefaultEndpoint]. It fails if the endpoint is no http or https URL.
func NewClient(ctx context.Context, cfg aws.Config) (*Client, error) {
	c := &Client{
		region:      cfg.Region,
		credentials: cfg.Credentials,
		http:        cfg.HTTPClient,
		signer:      v4.NewSigner(),
		attempts:    retry.NewAttemptMiddleware(retryer(cfg), func(request any) any { return request }),
	}
	if c.http == nil {
		c.http = awshttp.NewBuildableClient()
	}
	var err error
	if c.endpoint, err = configuredEndpoint(ctx, cfg); err != nil {
		return nil, err
	}
	if c.endpoint == "" {
		c.endpoint, c.region = DefaultEndpoint, defaultRegion
	}
	if c.region == "" {
		c.region = defaultRegion
	}
	u, err := url.Parse(c.endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("ecrpublic: the endpoint %q is not an http or https URL", c.endpoint)
	}
	return c, nil
}

// Endpoint is the URL that calls go to.
func (c *Client) Endpoint() string { return c.endpoint }

// configuredEndpoint returns the endpoint that cfg and the environment set, or "". A source of cfg may know one for
// this service alone; the one for all services, which cfg.BaseEndpoint holds, comes after it, except that the
// environment's beats the file's.
func configuredEndpoint(ctx context.Context, cfg aws.Config) (string, error) {
	_, all := os.LookupEnv("AWS_ENDPOINT_URL")
	_, ours := os.LookupEnv("AWS_ENDPOINT_URL_ECR_PUBLIC")
	if !all || ours {
		endpoint, err := serviceEndpoint(ctx, cfg.ConfigSources)
		if endpoint != "" || err != nil {
			return endpoint, err
		}
	}
	return aws.ToString(cfg.BaseEndpoint), nil
}

// serviceEndpoint asks the sources of a configuration for an endpoint of this service. The interfaces are those of
// the SDK, which keeps their names to itself.
func serviceEndpoint(ctx context.Context, sources []any) (string, error) {
	for _, source := range sources {
		if s, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			ignore, found, err := s.GetIgnoreConfiguredEndpoints(ctx)
			if err != nil {
				return "", err
			}
			if found && ignore {
				return "", nil
			}
		}
	}
	for _, source := range sources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			endpoint, found, err := s.GetServiceBaseEndpoint(ctx, serviceID)
			if found || err != nil {
				return endpoint, err
			}
		}
	}
	return "", nil
}

func retryer(cfg aws.Config) aws.Retryer {
	if cfg.Retryer != nil {
		r := cfg.Retryer()
		if cfg.RetryMaxAttempts > 0 {
			r = retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts)
		}
		return r
	}
	standard := func(o *retry.StandardOptions) {
		if cfg.RetryMaxAttempts > 0 {
			o.MaxAttempts = cfg.RetryMaxAttempts
		}
	}
	if cfg.RetryMode == aws.RetryModeAdaptive {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, standard)
		})
	}
	return retry.NewStandard(standard)
}

// A ResponseError is an error that the service answered.
type ResponseError struct {
	Operation  string
	StatusCode int
	RequestID  string // "" if the service gave none
	Err        error  // an exception of the operation or an [*UnknownOperationError]
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s: %v (HTTP status %d", e.Operation, e.Err, e.StatusCode)
	if e.RequestID != "" {
		text += ", request " + e.RequestID
	}
	return text + ")"
}

// Unwrap returns the exception.
func (e *ResponseError) Unwrap() error { return e.Err }

// HTTPStatusCode is what the retryer of the SDK asks an error for.
func (e *ResponseError) HTTPStatusCode() int { return e.StatusCode }

// Call runs any operation of the table: in is its input or a pointer to it, out a pointer to its output, which is
// replaced on success and left alone otherwise. The methods named like operations are the same with types.
func (c *Client) Call(ctx context.Context, op *Operation, in, out any) error {
	if s, _, err := structureOf(in); err != nil || s != op.Input {
		return fmt.Errorf("ecrpublic: %T is not the input of %s", in, op.Name)
	}
	if s, _, err := targetOf(out); err != nil || s != op.Output {
		return fmt.Errorf("ecrpublic: %T is no place for the output of %s", out, op.Name)
	}
	if c.ValidateInput {
		if err := Validate(in); err != nil {
			return err
		}
	}
	body, err := Marshal(in)
	if err != nil {
		return err
	}
	send := func(ctx context.Context, _ middleware.FinalizeInput) (o middleware.FinalizeOutput, m middleware.Metadata, err error) {
		return o, m, c.send(ctx, op, body, out)
	}
	_, _, err = c.attempts.HandleFinalize(ctx, middleware.FinalizeInput{}, middleware.FinalizeHandlerFunc(send))
	return err
}

// send makes one attempt.
func (c *Client) send(ctx context.Context, op *Operation, body []byte, out any) error {
	req, err := c.request(ctx, op, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// The SDK's error, because its retryer takes that one for a broken connection whatever the cause.
		return canceled(ctx, fmt.Errorf("%s: %w", op.Name, &smithyhttp.RequestSendError{Err: err}))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return responseError(op, resp)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	if err != nil {
		return canceled(ctx, fmt.Errorf("%s: reading the answer: %w", op.Name, err))
	}
	if len(answer) > maxResponseBytes {
		return fmt.Errorf("%s: the answer has more than %d bytes", op.Name, maxResponseBytes)
	}
	if err := Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: the answer: %w", op.Name, err)
	}
	return nil
}

// responseError reads an answer that is an error. A body that is cut short or too long is one that cannot be read: the
// status still says something, so it is not an error of its own.
func responseError(op *Operation, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes+1))
	if err != nil || len(body) > maxErrorBytes {
		body = nil
	}
	return &ResponseError{
		Operation:  op.Name,
		StatusCode: resp.StatusCode,
		RequestID:  resp.Header.Get("x-amzn-RequestId"),
		Err:        op.ErrorFromResponse(resp.StatusCode, resp.Header, body),
	}
}

func (c *Client) request(ctx context.Context, op *Operation, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("X-Amz-Target", op.Target())
	if c.credentials == nil {
		return nil, errors.New("ecrpublic: no credentials are configured; every operation needs a signature")
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, canceled(ctx, fmt.Errorf("%s: finding credentials: %w", op.Name, err))
	}
	hash := sha256.Sum256(body)
	err = c.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(hash[:]), SigningName, c.region, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: signing: %w", op.Name, err)
	}
	return req, nil
}

// canceled keeps the retryer from trying again when the caller has given up. The result is still context.Canceled or
// context.DeadlineExceeded to errors.Is.
func canceled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &aws.RequestCanceledError{Err: err}
	}
	return err
}
