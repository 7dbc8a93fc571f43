//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// apiPush pushes an image of a layout to a repository by operations of the API alone.
type apiPush func(t *testing.T, repository, tag string, l layout, image descriptor)

// partSize is the smallest that the service takes for a part that is not the last.
const partSize = 5 << 20

// contents are the blobs an image is made of, configuration last.
func (l layout) contents(image descriptor) []descriptor {
	l.t.Helper()
	m := l.manifest(image.Digest)
	return append(slices.Clone(m.Layers), *m.Config)
}

// parts cuts a blob as an upload by parts needs it.
func (l layout) parts(blob descriptor) [][]byte {
	l.t.Helper()
	return slices.Collect(slices.Chunk(l.read(blob.Digest), partSize))
}

// cliPush is a push by the AWS CLI.
func cliPush(cli awsCLI) apiPush {
	return func(t *testing.T, repository, tag string, l layout, image descriptor) {
		t.Helper()
		for _, blob := range l.contents(image) {
			cli.uploadLayer(t, repository, l, blob)
		}
		var put struct {
			Image struct {
				ImageID       struct{ ImageDigest, ImageTag string }
				ImageManifest string
			}
		}
		cli.call(t, &put, "put-image", "--repository-name", repository, "--image-tag", tag,
			"--image-manifest", string(l.read(image.Digest)), "--image-manifest-media-type", image.MediaType)
		if put.Image.ImageID.ImageDigest != image.Digest || put.Image.ImageID.ImageTag != tag {
			t.Errorf("put-image answered %+v, want digest %s and tag %s", put.Image.ImageID, image.Digest, tag)
		}
		if put.Image.ImageManifest != string(l.read(image.Digest)) {
			t.Errorf("put-image answered another manifest than was sent:\n%s", put.Image.ImageManifest)
		}
	}
}

func (c awsCLI) uploadLayer(t *testing.T, repository string, l layout, blob descriptor) {
	t.Helper()
	var upload struct {
		UploadID string
		PartSize int64
	}
	c.call(t, &upload, "initiate-layer-upload", "--repository-name", repository)
	if upload.PartSize < partSize {
		t.Errorf("initiate-layer-upload answered partSize %d, want at least %d", upload.PartSize, partSize)
	}
	file := filepath.Join(t.TempDir(), "part")
	first := 0
	for _, part := range l.parts(blob) {
		must(t, os.WriteFile(file, part, 0o600))
		last := first + len(part) - 1
		var answer struct{ LastByteReceived int }
		c.call(t, &answer, "upload-layer-part", "--repository-name", repository, "--upload-id", upload.UploadID,
			"--part-first-byte", fmt.Sprint(first), "--part-last-byte", fmt.Sprint(last), "--layer-part-blob", "fileb://"+file)
		if answer.LastByteReceived != last {
			t.Errorf("upload-layer-part of bytes %d to %d answered lastByteReceived %d", first, last, answer.LastByteReceived)
		}
		first = last + 1
	}
	var complete struct{ LayerDigest string }
	c.call(t, &complete, "complete-layer-upload", "--repository-name", repository, "--upload-id", upload.UploadID,
		"--layer-digests", blob.Digest)
	if complete.LayerDigest != blob.Digest {
		t.Errorf("complete-layer-upload answered %q, want %q", complete.LayerDigest, blob.Digest)
	}
}

// boto3Push is a push by testdata/push.py.
func boto3Push(s *server) apiPush {
	return func(t *testing.T, repository, tag string, l layout, image descriptor) {
		t.Helper()
		var paths, digests []string
		for _, blob := range l.contents(image) {
			paths = append(paths, l.path(blob.Digest))
			digests = append(digests, blob.Digest)
		}
		input := toJSON(t, map[string]any{
			"repository": repository, "tag": tag, "blobs": paths, "partSize": partSize,
			"manifest": string(l.read(image.Digest)), "mediaType": image.MediaType,
		})
		var answer struct {
			LayerDigests []string
			Tags         []string
			Missing      string
			Image        struct{ ImageID struct{ ImageDigest string } }
		}
		printed := newBoto3(t, s, "push.py").runWithInput(t, string(input))
		must(t, json.Unmarshal([]byte(printed), &answer))
		if !slices.Equal(answer.LayerDigests, digests) {
			t.Errorf("complete_layer_upload answered %q, want %q", answer.LayerDigests, digests)
		}
		if answer.Image.ImageID.ImageDigest != image.Digest {
			t.Errorf("put_image answered digest %s, want %s", answer.Image.ImageID.ImageDigest, image.Digest)
		}
		if !slices.Equal(answer.Tags, []string{tag}) {
			t.Errorf("describe_image_tags answered %q, want only %q", answer.Tags, tag)
		}
		if answer.Missing == "" {
			t.Error("describe_images of a tag never pushed did not raise ImageNotFoundException")
		}
	}
}

// sdkPush is a push by the AWS SDK for Go.
func sdkPush(api *ecrpublic.Client) apiPush {
	return func(t *testing.T, repository, tag string, l layout, image descriptor) {
		t.Helper()
		for _, blob := range l.contents(image) {
			must(t, sdkUpload(t.Context(), api, repository, blob.Digest, l.parts(blob)))
		}
		put, err := api.PutImage(t.Context(), &ecrpublic.PutImageInput{
			RepositoryName: &repository, ImageTag: &tag,
			ImageManifest: aws.String(string(l.read(image.Digest))), ImageManifestMediaType: &image.MediaType,
		})
		must(t, err)
		if got := aws.ToString(put.Image.ImageId.ImageDigest); got != image.Digest {
			t.Errorf("PutImage answered digest %s, want %s", got, image.Digest)
		}
	}
}

// sdkUpload uploads a layer in parts. It returns an error rather than end the test, so that it can be used while the
// server is being killed.
func sdkUpload(ctx context.Context, api *ecrpublic.Client, repository, digest string, parts [][]byte) error {
	upload, err := api.InitiateLayerUpload(ctx, &ecrpublic.InitiateLayerUploadInput{RepositoryName: &repository})
	if err != nil {
		return err
	}
	var first int64
	for _, part := range parts {
		last := first + int64(len(part)) - 1
		answer, err := api.UploadLayerPart(ctx, &ecrpublic.UploadLayerPartInput{
			RepositoryName: &repository, UploadId: upload.UploadId, LayerPartBlob: part,
			PartFirstByte: &first, PartLastByte: &last,
		})
		if err != nil {
			return err
		}
		if got := aws.ToInt64(answer.LastByteReceived); got != last {
			return fmt.Errorf("UploadLayerPart of bytes %d to %d answered lastByteReceived %d", first, last, got)
		}
		first = last + 1
	}
	complete, err := api.CompleteLayerUpload(ctx, &ecrpublic.CompleteLayerUploadInput{
		RepositoryName: &repository, UploadId: upload.UploadId, LayerDigests: []string{digest},
	})
	if err == nil && aws.ToString(complete.LayerDigest) != digest {
		err = fmt.Errorf("CompleteLayerUpload answered %s, want %s", aws.ToString(complete.LayerDigest), digest)
	}
	return err
}
