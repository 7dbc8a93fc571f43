package blobs3_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openecr/openecr/internal/blobs3"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]blobs3.Options{
		"s3://layers":          {Bucket: "layers"},
		"s3://layers/":         {Bucket: "layers"},
		"s3://layers/a/b/":     {Bucket: "layers", Prefix: "a/b/"},
		"s3://Old_Bucket.name": {Bucket: "Old_Bucket.name"},
		"s3://layers/a?endpoint=http://127.0.0.1:9000/&region=eu-west-1&path-style=true&redirect=true&sse=aws:kms&sse-kms-key=alias/x&ca=/etc/ca.pem&buffers=8": {
			Bucket: "layers", Prefix: "a/", Endpoint: "http://127.0.0.1:9000", Region: "eu-west-1", PathStyle: true, Redirect: true,
			Encryption: "aws:kms", KMSKey: "alias/x", CAFile: "/etc/ca.pem", Buffers: 8,
		},
		"s3://layers?endpoint=s3.example&path-style=false&sse=AES256": {Bucket: "layers", Endpoint: "https://s3.example", Encryption: "AES256"},
	} {
		got, err := blobs3.ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

func TestParseURLNamesTheMistake(t *testing.T) {
	for url, want := range map[string]string{
		"s3:layers":                         "write s3://BUCKET/PREFIX",
		"s3://":                             "write s3://BUCKET/PREFIX",
		"s3://id:secret@layers":             "credentials come by the environment",
		"s3://layers#x":                     "write s3://BUCKET/PREFIX",
		"s3://layers?regoin=x":              "parameter regoin: it is not known: write endpoint, region, path-style, redirect, sse, sse-kms-key, ca or buffers",
		"s3://layers?region=a&region=b":     "parameter region is there twice",
		"s3://layers?path-style=perhaps":    "parameter path-style: ",
		"s3://layers?endpoint=ftp://x":      "parameter endpoint: write http:// or https://",
		"s3://layers?endpoint=http://x/sub": "parameter endpoint: write http:// or https://",
		"s3://layers?sse=none":              "parameter sse: write AES256 or aws:kms",
		"s3://layers?sse-kms-key=x":         "parameter sse-kms-key needs sse=aws:kms",
		"s3://layers?buffers=0":             "parameter buffers: an upload needs at least 1",
		"s3://layers?a=%zz":                 "its parameters are malformed",
	} {
		if _, err := blobs3.ParseURL(url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", url, err, want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("s3://layers/prefix?endpoint=http://127.0.0.1:9000&region=x&path-style=true")
	f.Add("s3://layers?buffers=-1&sse=aws:kms")
	f.Fuzz(func(t *testing.T, url string) {
		o, err := blobs3.ParseURL(url)
		if err == nil && (o.Bucket == "" || o.Prefix != "" && !strings.HasSuffix(o.Prefix, "/") || o.Buffers < 0) {
			t.Errorf("%q gives %+v", url, o)
		}
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	fake := newFakeS3(t)
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*blobs3.Options){
		"open bucket elsewhere: there is no such bucket, make it first": func(o *blobs3.Options) { o.Bucket = "elsewhere" },
		"open bucket layers: it cannot be reached":                      func(o *blobs3.Options) { o.Endpoint = "http://127.0.0.1:1" },
		"read the certificate authorities of parameter ca":              func(o *blobs3.Options) { o.CAFile = notPEM + ".absent" },
		"which parameter ca names, has no certificate in PEM form":      func(o *blobs3.Options) { o.CAFile = notPEM },
	} {
		o := fake.options()
		change(&o)
		if _, err := blobs3.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
