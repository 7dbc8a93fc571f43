package blobs3

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say where the bucket is and how it is used. ParseURL makes them of what an operator writes.
type Options struct {
	Bucket   string
	Prefix   string // of all keys; empty, or ends in "/"
	Endpoint string // "https://s3.example"; empty for AWS
	Region   string // empty for that of the AWS configuration, or us-east-1 where there is an Endpoint
	// PathStyle has the bucket in the path of requests, instead of in the host name.
	PathStyle bool
	// Redirect sends readers of the docker wire to the bucket by addresses that hold for a while.
	Redirect   bool
	Encryption string // "", "AES256" or "aws:kms"
	KMSKey     string // for aws:kms; empty for the bucket's
	CAFile     string // PEM, trusted besides the system's certificate authorities
	// Buffers is the memory of all uploads together, in pieces of 10 MiB; 64 when 0. An upload that goes on to S3 holds
	// one while it fills and others while they are sent, so it is also how many clients can upload at once before some
	// wait for others. Uploads of up to 64 KiB need none.
	Buffers int

	// AccessKeyID and SecretAccessKey are used when set, instead of the credentials of the AWS configuration.
	AccessKeyID, SecretAccessKey string

	// Pause is how long to wait before a request is sent for the (retry+2)nd time, and how long before a download that
	// broke goes on. Nil waits longer each time, and gives up after about half a minute in all.
	Pause func(retry int) time.Duration
}

// attempts and the pauses between them outlast a store that fails for 20 seconds.
const attempts = 16

func (o Options) withDefaults() Options {
	if o.Buffers == 0 {
		o.Buffers = 64
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	return o
}

// pause doubles from 0.1 to 4 seconds. The jitter keeps clients apart that were turned away together.
func pause(retry int) time.Duration {
	const first, most = 100 * time.Millisecond, 4 * time.Second
	d := min(most, first<<min(retry, 10))
	return d/2 + rand.N(d/2)
}

// bucketName is wider than what AWS allows for new buckets, since other stores are.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]+$`)

const maxBucketName = 63

// ParseURL reads s3://BUCKET/PREFIX?PARAMETER=VALUE&… The parameters are endpoint, region, path-style, redirect, sse,
// sse-kms-key, ca and buffers. What it does not know is an error, because an option that is overlooked could be the one
// that matters.
func ParseURL(s string) (Options, error) {
	u, err := url.Parse(s)
	if err != nil {
		return Options{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil:
		return Options{}, fmt.Errorf("its parameters are malformed: %w", err)
	case u.Scheme != "s3" || u.User != nil || u.Fragment != "" || len(u.Host) > maxBucketName || !bucketName.MatchString(u.Host):
		return Options{}, errors.New("write s3://BUCKET/PREFIX, with parameters behind ?; credentials come by the environment")
	}
	o := Options{Bucket: u.Host}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		o.Prefix = prefix + "/"
	}
	for name, values := range query {
		if len(values) > 1 {
			return Options{}, fmt.Errorf("parameter %s is there twice", name)
		}
		if err := o.set(name, values[0]); err != nil {
			return Options{}, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	if o.KMSKey != "" && o.Encryption != "aws:kms" {
		return Options{}, errors.New("parameter sse-kms-key needs sse=aws:kms beside it")
	}
	return o, nil
}

func (o *Options) set(name, value string) (err error) {
	switch name {
	case "endpoint":
		o.Endpoint, err = parseEndpoint(value)
	case "region":
		o.Region = value
	case "path-style":
		o.PathStyle, err = strconv.ParseBool(value)
	case "redirect":
		o.Redirect, err = strconv.ParseBool(value)
	case "sse":
		o.Encryption = value
		if !slices.Contains([]string{"AES256", "aws:kms"}, value) {
			err = errors.New("write AES256 or aws:kms")
		}
	case "sse-kms-key":
		o.KMSKey = value
	case "ca":
		o.CAFile = value
	case "buffers":
		o.Buffers, err = strconv.Atoi(value)
		if err == nil && o.Buffers < 1 {
			err = errors.New("an upload needs at least 1")
		}
	default:
		err = errors.New("it is not known: write endpoint, region, path-style, redirect, sse, sse-kms-key, ca or buffers")
	}
	return err
}

// parseEndpoint takes a host alone for one that is reached by https.
func parseEndpoint(s string) (string, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", errors.New("write http:// or https:// with a host and nothing after it")
	}
	return u.Scheme + "://" + u.Host, nil
}
