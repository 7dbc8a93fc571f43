//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/google/go-cmp/cmp"
)

func TestDockerPullsWhatTheAPIPushed(t *testing.T) {
	s := startServer(t)
	cli := newAWS(t, s)
	sdk := newSDK(t, s)
	clients := map[string]apiPush{"cli-v2": cliPush(cli), "boto3": boto3Push(s), "sdk": sdkPush(sdk)}
	if v1, found := newAWSv1(t, s); found {
		clients["cli-v1"] = cliPush(v1)
	}
	engine := startDocker(t)
	for name, push := range clients {
		t.Run(name, func(t *testing.T) {
			image := cli.createRepository(t, s, "by-"+name) + ":1"
			l := newLayout(t)
			made := l.image("amd64", 1, 11<<20) // three parts
			push(t, "by-"+name, "1", l, made)
			engine.run(t, "pull", image)
			if got, want := engine.imageID(t, image), made.config(l); got != want {
				t.Errorf("docker pulled image %s, the API pushed %s", got, want)
			}
			if got := engine.pushedDigest(t, image); got != made.Digest {
				t.Errorf("docker pulled manifest %s, the API pushed %s", got, made.Digest)
			}
		})
	}
}

func TestAPIDescribesWhatDockerPushed(t *testing.T) {
	s := startServer(t)
	cli := newAWS(t, s)
	image := cli.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	d := startDocker(t)
	d.load(t, l, l.image("amd64", 2, 4<<20), image)
	d.login(t, cli.password(t), s.host())
	d.run(t, "push", image)
	digest := d.pushedDigest(t, image)
	var pushed manifest
	raw := newSkopeo(t).run(t, "inspect", "--raw", "--tls-verify=false", "docker://"+image)
	must(t, json.Unmarshal([]byte(raw), &pushed))

	t.Run("describe-images", func(t *testing.T) {
		size := pushed.Config.Size
		for _, layer := range pushed.Layers {
			size += layer.Size
		}
		type detail struct {
			RepositoryName, ImageDigest, ImageManifestMediaType, ArtifactMediaType string
			ImageTags                                                              []string
			ImageSizeInBytes                                                       int64
		}
		var out struct{ ImageDetails []detail }
		cli.call(t, &out, "describe-images", "--repository-name", "hello")
		want := []detail{{"hello", digest, pushed.MediaType, pushed.Config.MediaType, []string{"1"}, size}}
		if diff := cmp.Diff(want, out.ImageDetails); diff != "" {
			t.Errorf("describe-images (-want +got):\n%s", diff)
		}
	})
	t.Run("describe-image-tags", func(t *testing.T) {
		type tag struct {
			ImageTag    string
			ImageDetail struct{ ImageDigest string }
		}
		var out struct{ ImageTagDetails []tag }
		cli.call(t, &out, "describe-image-tags", "--repository-name", "hello")
		if diff := cmp.Diff([]tag{{"1", struct{ ImageDigest string }{digest}}}, out.ImageTagDetails); diff != "" {
			t.Errorf("describe-image-tags (-want +got):\n%s", diff)
		}
	})
	t.Run("batch-check-layer-availability", func(t *testing.T) {
		digests := []string{pushed.Config.Digest}
		want := []layerAnswer{{pushed.Config.Digest, "AVAILABLE", pushed.Config.Size, pushed.Config.MediaType}}
		for _, layer := range pushed.Layers {
			digests = append(digests, layer.Digest)
			want = append(want, layerAnswer{layer.Digest, "AVAILABLE", layer.Size, layer.MediaType})
		}
		var out struct{ Layers []layerAnswer }
		cli.call(t, &out, append([]string{"batch-check-layer-availability", "--repository-name", "hello", "--layer-digests"}, digests...)...)
		if diff := cmp.Diff(want, out.Layers); diff != "" {
			t.Errorf("batch-check-layer-availability (-want +got):\n%s", diff)
		}
	})
}

// imageTags are the tags of a repository, sorted.
func (c awsCLI) imageTags(t *testing.T, repository string) []string {
	t.Helper()
	var out struct{ ImageTagDetails []struct{ ImageTag string } }
	c.call(t, &out, "describe-image-tags", "--repository-name", repository)
	var tags []string
	for _, detail := range out.ImageTagDetails {
		tags = append(tags, detail.ImageTag)
	}
	slices.Sort(tags)
	return tags
}

type layerAnswer struct {
	LayerDigest, LayerAvailability string
	LayerSize                      int64
	MediaType                      string
}

func TestBatchCheckTellsWhichLayersAreThere(t *testing.T) {
	s := startServer(t)
	cli := newAWS(t, s)
	cli.createRepository(t, s, "hello")
	cli.createRepository(t, s, "other")
	l := newLayout(t)
	there, _ := l.layer(1 << 20)
	cli.uploadLayer(t, "hello", l, there)
	absent := digestOf([]byte("never uploaded"))
	input := func(repository string, digests ...string) []string {
		return []string{"batch-check-layer-availability", "--cli-input-json",
			string(toJSON(t, map[string]any{"repositoryName": repository, "layerDigests": digests}))}
	}

	t.Run("there, not there, malformed and empty", func(t *testing.T) {
		type failure struct{ LayerDigest, FailureCode, FailureReason string }
		type answer struct {
			Layers   []layerAnswer
			Failures []failure
		}
		var got answer
		cli.call(t, &got, input("hello", absent, there.Digest, "not-a-digest", "")...)
		want := answer{
			Layers: []layerAnswer{
				{LayerDigest: absent, LayerAvailability: "UNAVAILABLE"},
				{there.Digest, "AVAILABLE", there.Size, "application/vnd.docker.image.rootfs.diff.tar.gzip"},
			},
			Failures: []failure{
				{"not-a-digest", "InvalidLayerDigest", "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
				{"", "MissingLayerDigest", "Invalid request parameters: layer digest cannot be null"},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch-check-layer-availability (-want +got):\n%s", diff)
		}
	})
	t.Run("an answer without failures has an empty list of them", func(t *testing.T) {
		var got map[string]json.RawMessage
		cli.call(t, &got, input("hello", absent)...)
		if string(got["failures"]) != "[]" {
			t.Errorf("failures = %s, want []", got["failures"])
		}
	})
	t.Run("a layer of one repository says nothing about another", func(t *testing.T) {
		var got struct{ Layers []layerAnswer }
		cli.call(t, &got, input("other", there.Digest)...)
		if diff := cmp.Diff([]layerAnswer{{LayerDigest: there.Digest, LayerAvailability: "UNAVAILABLE"}}, got.Layers); diff != "" {
			t.Errorf("batch-check-layer-availability (-want +got):\n%s", diff)
		}
	})
	t.Run("an unknown repository fails the call", func(t *testing.T) {
		if said := cli.fails(t, input("never-made", absent)...); !strings.Contains(said, "(RepositoryNotFoundException)") ||
			!strings.Contains(said, "The repository with name 'never-made' does not exist in the registry with id '") {
			t.Errorf("the CLI said %q, want RepositoryNotFoundException and the repository's name", said)
		}
	})
	t.Run("more digests than 100 fail the call", func(t *testing.T) {
		sdk := newSDK(t, s)
		_, err := sdk.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
			RepositoryName: aws.String("hello"), LayerDigests: slices.Repeat([]string{absent}, 101),
		})
		var invalid *types.InvalidParameterException
		const want = "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'Member must have length less than or equal to 100'"
		if !errors.As(err, &invalid) || invalid.ErrorMessage() != want {
			t.Errorf("error %v, want InvalidParameterException: %s", err, want)
		}
	})
}
