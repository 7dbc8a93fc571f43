package awscli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/openecr/openecr/ecrpublic"
)

// newCaller makes a client from the options, the environment and the files of the AWS SDK, in that order of strength.
func (s *session) newCaller(ctx context.Context) (*caller, error) {
	raw, err := s.takesRawBlobs()
	if err != nil {
		return nil, err
	}
	cfg, err := s.configuration(ctx)
	if err != nil {
		return nil, err
	}
	t := &transport{next: cfg.HTTPClient, unsigned: !s.sign, agent: "openecr/" + s.Version}
	if s.debug {
		t.log = s.Stderr
	}
	cfg.HTTPClient = t
	client, err := ecrpublic.NewClient(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &caller{client: client, credentials: cfg.Credentials, transport: t,
		rawBlobs: raw, wireTimes: s.settings["cli_timestamp_format"] == "wire",
		maxAttempts: cmp.Or(cfg.RetryMaxAttempts, retry.DefaultMaxAttempts)}, nil
}

func (s *session) takesRawBlobs() (bool, error) {
	switch format := cmp.Or(s.binaryFormat, s.settings["cli_binary_format"], "base64"); format {
	case "base64":
		return false, nil
	case "raw-in-base64-out":
		return true, nil
	default:
		return false, fmt.Errorf("the profile's cli_binary_format %q is neither base64 nor raw-in-base64-out", format)
	}
}

// regionForm is what may be part of a host name.
var regionForm = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$`)

const maxRegion = 63

func (s *session) configuration(ctx context.Context) (aws.Config, error) {
	if cfg, ok := s.local(); ok {
		return cfg, nil
	}
	client, err := s.httpClient()
	if err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithRegion(s.region)}
	if s.profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.profile))
	}
	if bundle := s.bundle(); bundle != nil {
		options = append(options, config.WithCustomCABundle(bytes.NewReader(bundle)))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	var missing config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		return cfg, fmt.Errorf("The config profile (%s) could not be found", missing.Profile) //nolint:staticcheck // the AWS CLI's text
	case err != nil:
		return cfg, err
	case cfg.Region == "":
		return cfg, failf(exitConfiguration, `You must specify a region. You can also configure your region by running "aws configure".`)
	case len(cfg.Region) > maxRegion || !regionForm.MatchString(cfg.Region):
		return cfg, fmt.Errorf("Provided region_name '%s' doesn't match a supported format.", cfg.Region) //nolint:staticcheck // the AWS CLI's text
	}
	if s.endpoint != "" {
		if u, err := url.Parse(s.endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return cfg, fmt.Errorf("Invalid endpoint: %s", s.endpoint) //nolint:staticcheck // the AWS CLI's text
		}
		cfg.BaseEndpoint, cfg.ConfigSources = aws.String(s.endpoint), nil
	}
	if !s.sign { // the client wants some; transport takes the signature off
		cfg.Credentials = credentials.NewStaticCredentialsProvider("none", "none", "")
	}
	return cfg, nil
}

// local is the configuration for the server of this machine, if nothing says that another is meant.
func (s *session) local() (aws.Config, bool) {
	given := s.endpoint != "" || s.profile != "" ||
		slices.ContainsFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	if given || s.Local == nil {
		return aws.Config{}, false
	}
	server, ok := s.Local()
	if !ok {
		return aws.Config{}, false
	}
	client, err := s.httpClient()
	if err != nil {
		return aws.Config{}, false
	}
	return aws.Config{
		Region:       cmp.Or(s.region, "us-east-1"),
		Credentials:  credentials.NewStaticCredentialsProvider(server.AccessKeyID, server.SecretAccessKey, ""),
		BaseEndpoint: aws.String(server.URL),
		HTTPClient:   client,
	}, true
}

func (s *session) httpClient() (*awshttp.BuildableClient, error) {
	client := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = s.connectTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = s.readTimeout
			if !s.verifyTLS {
				t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // --no-verify-ssl asks for it
			}
		})
	if s.caBundle != "" && strings.HasPrefix(s.endpoint, "https:") && s.bundle() == nil {
		return nil, fmt.Errorf("SSL validation failed for %s: --ca-bundle %s cannot be read", s.endpoint, s.caBundle) //nolint:staticcheck // the AWS CLI's text
	}
	return client, nil
}

// bundle is the content of --ca-bundle, or nil. Only a connection with TLS needs it.
func (s *session) bundle() []byte {
	if s.caBundle == "" || !s.verifyTLS {
		return nil
	}
	data, err := os.ReadFile(s.caBundle)
	if err != nil {
		return nil
	}
	return data
}
