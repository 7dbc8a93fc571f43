package blobs3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

// newClient takes credentials and region from the AWS configuration where o does not have them, but never the endpoint:
// the variables that point AWS tools at openecr would send openecr to itself.
func newClient(ctx context.Context, o Options) (client *s3.Client, shutdown func(), err error) {
	transport, err := newTransport(o.CAFile, silence)
	if err != nil {
		return nil, nil, err
	}
	load := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, "")))
	}
	shared, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if shared.Region == "" {
		if o.Endpoint == "" {
			return nil, nil, errors.New("the region is not known: add region=REGION, or set AWS_REGION")
		}
		shared.Region = "us-east-1" // what signatures name for stores without regions
	}
	client = s3.NewFromConfig(shared, func(c *s3.Options) {
		c.BaseEndpoint = nil
		if o.Endpoint != "" {
			c.BaseEndpoint = &o.Endpoint
		}
		c.UsePathStyle = o.PathStyle
		c.HTTPClient = &http.Client{Transport: transport}
		c.Retryer = retryer(o.Pause)
		// Every write carries a checksum that is made here; what is read is compared with its digest by those who pull.
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return client, transport.CloseIdleConnections, nil
}

// retryer has no quota: a store that fails is asked again for as long as each request allows, however many there are,
// and the pauses keep them from piling up.
func retryer(pause func(retry int) time.Duration) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, conflicts)
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return pause(attempt), nil })
	})
}

// conflicts pass: a store says 409 when another request gets in the way of this one, be it only to the same folder, and
// nothing that is sent here is refused for good with it.
var conflicts = retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusConflict: {}}}

// bodyOptions spare the hash of a body under TLS, which protects it on the way, as its checksum does at the end.
func (o Options) bodyOptions(c *s3.Options) {
	if !strings.HasPrefix(o.Endpoint, "http://") {
		c.APIOptions = append(c.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
}

// silence is how long a connection may neither take nor give a byte. The request is then sent again on another one.
const silence = 30 * time.Second

// newTransport gives up on connections that are silent for so long.
func newTransport(caFile string, silence time.Duration) (*http.Transport, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &impatientConn{conn, silence}, nil
		},
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       silence / 2,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities of parameter ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s, which parameter ca names, has no certificate in PEM form", caFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}

// impatientConn fails after a silence. Writing moves both deadlines: the wait for an answer begins when the request ends.
type impatientConn struct {
	net.Conn
	silence time.Duration
}

func (c *impatientConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *impatientConn) Write(b []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
