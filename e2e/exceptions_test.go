//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/smithy-go"
)

// TestEveryExceptionReachesTheSDK provokes every exception that the API models, and has the AWS SDK say which it was. Not
// among them are ServerException, which needs a fault; ImageTagAlreadyExists, since tags of public images move; and
// RepositoryCatalogDataNotFound, since every repository has catalog data, if only an empty one.
func TestEveryExceptionReachesTheSDK(t *testing.T) {
	s := startServer(t, "--max-repositories", "2", "--strict-region")
	once := func(o *ecrpublic.Options) { o.RetryMaxAttempts = 1 }
	p := provoker{ecrpublic.New(newSDK(t, s).Options(), once), t.Context()}
	hello := aws.String("hello")
	_, err := p.CreateRepository(p.ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: hello})
	must(t, err)
	_, err = p.upload(hello, "{}")
	must(t, err)
	must(t, p.put(p.manifest("{}"), "1", ""))

	for code, provoke := range map[string]func() error{
		"EmptyUploadException":             func() error { _, err := p.upload(hello); return err },
		"ImageAlreadyExistsException":      func() error { return p.put(p.manifest("{}"), "1", "") },
		"ImageDigestDoesNotMatchException": func() error { return p.put(p.manifest("{}"), "2", digestOf([]byte("other"))) },
		"ImageNotFoundException": func() error {
			_, err := p.DescribeImages(p.ctx, &ecrpublic.DescribeImagesInput{RepositoryName: hello, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("absent")}}})
			return err
		},
		"InvalidLayerException": func() error {
			id, err := p.parts(hello, "abc")
			if err != nil {
				return err
			}
			return p.complete(hello, id, "other")
		},
		"InvalidLayerPartException": func() error {
			id, err := p.parts(hello, "abc")
			if err != nil {
				return err
			}
			return p.part(hello, id, 7, "abc")
		},
		"InvalidParameterException": func() error {
			_, err := p.SetRepositoryPolicy(p.ctx, &ecrpublic.SetRepositoryPolicyInput{RepositoryName: hello, PolicyText: aws.String("{}")})
			return err
		},
		"InvalidTagParameterException": func() error { return p.tag("aws:x") },
		"LayerAlreadyExistsException":  func() error { _, err := p.upload(hello, "{}"); return err },
		"LayerPartTooSmallException":   func() error { _, err := p.upload(hello, "abc", "def"); return err },
		"LayersNotFoundException":      func() error { return p.put(p.manifest("never pushed"), "2", "") },
		"LimitExceededException": func() error {
			for i := range 2 { // besides hello there is room for one
				if _, err := p.CreateRepository(p.ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String(fmt.Sprint("more-", i))}); err != nil {
					return err
				}
			}
			return nil
		},
		"ReferencedImagesNotFoundException": func() error {
			return p.put(fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":%q}]}`, digestOf([]byte("absent"))), "2", "")
		},
		"RegistryNotFoundException": func() error {
			_, err := p.InitiateLayerUpload(p.ctx, &ecrpublic.InitiateLayerUploadInput{RegistryId: aws.String("nobody"), RepositoryName: hello})
			return err
		},
		"RepositoryAlreadyExistsException": func() error {
			_, err := p.CreateRepository(p.ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: hello})
			return err
		},
		"RepositoryNotEmptyException": func() error {
			_, err := p.DeleteRepository(p.ctx, &ecrpublic.DeleteRepositoryInput{RepositoryName: hello})
			return err
		},
		"RepositoryNotFoundException": func() error { _, err := p.upload(aws.String("absent")); return err },
		"RepositoryPolicyNotFoundException": func() error {
			_, err := p.GetRepositoryPolicy(p.ctx, &ecrpublic.GetRepositoryPolicyInput{RepositoryName: hello})
			return err
		},
		"TooManyTagsException": func() error {
			keys := make([]string, 51)
			for i := range keys {
				keys[i] = fmt.Sprint("key-", i)
			}
			return p.tag(keys...)
		},
		"UnsupportedCommandException": func() error {
			_, err := p.GetAuthorizationToken(p.ctx, &ecrpublic.GetAuthorizationTokenInput{}, func(o *ecrpublic.Options) { o.Region = "us-west-2" })
			return err
		},
		"UploadNotFoundException": func() error { return p.complete(hello, "6cb64b8a-9378-0e33-2ab1-b780fab8a9e9", "abc") },
	} {
		t.Run(code, func(t *testing.T) { checkException(t, provoke(), code) })
	}
}

// checkException wants an error of the SDK's own type for the exception, answered as the service answers.
func checkException(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("error %v is no answer of the API", err)
	}
	if got, want := fmt.Sprintf("%T", api), "*types."+code; got != want {
		t.Errorf("the SDK knows it as %s: %v, want %s", got, err, want)
	}
	if api.ErrorMessage() == "" {
		t.Error("no message")
	}
	if status := response.HTTPStatusCode(); status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	header := response.Response.Header
	if header.Get("Content-Type") != "application/x-amz-json-1.1" || response.ServiceRequestID() == "" {
		t.Errorf("headers %v", header)
	}
}

// provoker makes calls of several steps.
type provoker struct {
	*ecrpublic.Client
	ctx context.Context
}

// manifest is that of an image without layers.
func (p provoker) manifest(config string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":%q},"layers":[]}`, len(config), digestOf([]byte(config)))
}

func (p provoker) put(manifest, tag, digest string) error {
	in := &ecrpublic.PutImageInput{RepositoryName: aws.String("hello"), ImageManifest: &manifest, ImageTag: &tag}
	if digest != "" {
		in.ImageDigest = &digest
	}
	_, err := p.PutImage(p.ctx, in)
	return err
}

// upload pushes a layer in parts and returns the id of its upload.
func (p provoker) upload(repository *string, parts ...string) (string, error) {
	id, err := p.parts(repository, parts...)
	if err != nil {
		return "", err
	}
	return id, p.complete(repository, id, strings.Join(parts, ""))
}

// parts begins an upload.
func (p provoker) parts(repository *string, parts ...string) (string, error) {
	started, err := p.InitiateLayerUpload(p.ctx, &ecrpublic.InitiateLayerUploadInput{RepositoryName: repository})
	if err != nil {
		return "", err
	}
	first := int64(0)
	for _, content := range parts {
		if err := p.part(repository, *started.UploadId, first, content); err != nil {
			return "", err
		}
		first += int64(len(content))
	}
	return *started.UploadId, nil
}

func (p provoker) part(repository *string, id string, first int64, content string) error {
	last := first + int64(len(content)) - 1
	_, err := p.UploadLayerPart(p.ctx, &ecrpublic.UploadLayerPartInput{
		RepositoryName: repository, UploadId: &id, PartFirstByte: &first, PartLastByte: &last, LayerPartBlob: []byte(content)})
	return err
}

func (p provoker) complete(repository *string, id, content string) error {
	_, err := p.CompleteLayerUpload(p.ctx, &ecrpublic.CompleteLayerUploadInput{RepositoryName: repository, UploadId: &id, LayerDigests: []string{digestOf([]byte(content))}})
	return err
}

// tag sets tags with these keys on repository hello.
func (p provoker) tag(keys ...string) error {
	described, err := p.DescribeRepositories(p.ctx, &ecrpublic.DescribeRepositoriesInput{RepositoryNames: []string{"hello"}})
	if err != nil {
		return err
	}
	tags := make([]types.Tag, len(keys))
	for i := range keys {
		tags[i] = types.Tag{Key: &keys[i], Value: aws.String("")}
	}
	_, err = p.TagResource(p.ctx, &ecrpublic.TagResourceInput{ResourceArn: described.Repositories[0].RepositoryArn, Tags: tags})
	return err
}
