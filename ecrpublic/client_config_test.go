package ecrpublic

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
)

func TestEndpointIsFoundAsTheSDKFindsIt(t *testing.T) {
	const file = "[profile p]\nregion = eu-west-1\nendpoint_url = http://file-all\nservices = s\n[services s]\necr_public =\n  endpoint_url = http://file-ours\n"
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		env              map[string]string
		endpoint, region string
	}{
		"nothing set":         {nil, DefaultEndpoint, "us-east-1"},
		"for all services":    {map[string]string{"AWS_ENDPOINT_URL": "http://all"}, "http://all", "eu-north-1"},
		"for this service":    {map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_ECR_PUBLIC": "http://ours"}, "http://ours", "eu-north-1"},
		"for another service": {map[string]string{"AWS_ENDPOINT_URL_S3": "http://s3"}, DefaultEndpoint, "us-east-1"},
		"ignored":             {map[string]string{"AWS_ENDPOINT_URL_ECR_PUBLIC": "http://ours", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, DefaultEndpoint, "us-east-1"},
		"in the file":         {map[string]string{"AWS_PROFILE": "p"}, "http://file-ours", "eu-north-1"},
		"environment first":   {map[string]string{"AWS_PROFILE": "p", "AWS_ENDPOINT_URL": "http://all"}, "http://all", "eu-north-1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, pair := range os.Environ() {
				if key, _, _ := strings.Cut(pair, "="); strings.HasPrefix(key, "AWS_") {
					t.Setenv(key, "") // restores it afterwards
					if err := os.Unsetenv(key); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Setenv("AWS_CONFIG_FILE", path)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(filepath.Dir(path), "none"))
			t.Setenv("AWS_REGION", "eu-north-1")
			for key, value := range test.env {
				t.Setenv(key, value)
			}
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c, err := NewClient(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if c.endpoint != test.endpoint || c.region != test.region {
				t.Errorf("got %s in %s, want %s in %s", c.endpoint, c.region, test.endpoint, test.region)
			}
		})
	}
}

func TestEndpointMustBeAnHTTPURL(t *testing.T) {
	for _, endpoint := range []string{"localhost:8080", "ftp://x/", "http://", "://", "/path"} {
		if _, err := NewClient(t.Context(), aws.Config{BaseEndpoint: aws.String(endpoint)}); err == nil {
			t.Errorf("%q was taken", endpoint)
		}
	}
}

func TestRetryerFollowsTheConfiguration(t *testing.T) {
	nop := func() aws.Retryer { return retry.NewStandard() }
	tests := map[string]struct {
		cfg  aws.Config
		want int
	}{
		"default":           {aws.Config{}, 3},
		"attempts":          {aws.Config{RetryMaxAttempts: 5}, 5},
		"adaptive":          {aws.Config{RetryMaxAttempts: 7, RetryMode: aws.RetryModeAdaptive}, 7},
		"own":               {aws.Config{Retryer: nop}, 3},
		"own with attempts": {aws.Config{Retryer: nop, RetryMaxAttempts: 2}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := retryer(test.cfg)
			if r.MaxAttempts() != test.want {
				t.Errorf("%d attempts, want %d", r.MaxAttempts(), test.want)
			}
			if _, adaptive := r.(*retry.AdaptiveMode); adaptive != (test.cfg.RetryMode == aws.RetryModeAdaptive) {
				t.Errorf("%T for the mode %q", r, test.cfg.RetryMode)
			}
		})
	}
}
