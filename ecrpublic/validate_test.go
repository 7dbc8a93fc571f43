package ecrpublic

import (
	"errors"
	"strings"
	"testing"
)

func TestValidateNamesWhatIsWrong(t *testing.T) {
	const namePattern = `(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*`
	name := new("a/b")
	tests := map[string]struct {
		in   any
		want []string // path, constraint, path, constraint, …
	}{
		"nothing": {BatchCheckLayerAvailabilityRequest{RepositoryName: name, LayerDigests: []string{"", "not-a-digest"}}, nil},
		"missing members, in the order of the API": {
			&BatchCheckLayerAvailabilityRequest{},
			[]string{"repositoryName", "Member must not be null", "layerDigests", "Member must not be null"},
		},
		"too many items": {
			BatchCheckLayerAvailabilityRequest{RepositoryName: name, LayerDigests: make([]string, 101)},
			[]string{"layerDigests", "Member must have length less than or equal to 100"},
		},
		"too few items": {
			BatchCheckLayerAvailabilityRequest{RepositoryName: name, LayerDigests: []string{}},
			[]string{"layerDigests", "Member must have length greater than or equal to 1"},
		},
		"items of a list that is too long are not looked at": {
			DescribeRepositoriesRequest{RepositoryNames: make([]string, 101)},
			[]string{"repositoryNames", "Member must have length less than or equal to 100"},
		},
		"an item": {
			BatchCheckLayerAvailabilityRequest{RepositoryName: name, LayerDigests: []string{"", strings.Repeat("x", 1001)}},
			[]string{"layerDigests.2.member", "Member must have length less than or equal to 1000"},
		},
		"a member of an item": {
			BatchDeleteImageRequest{RepositoryName: name, ImageIds: []ImageIdentifier{{ImageTag: new("")}}},
			[]string{"imageIds.1.member.imageTag", "Member must have length greater than or equal to 1"},
		},
		"a member of a member": {
			CreateRepositoryRequest{RepositoryName: name, CatalogData: &RepositoryCatalogDataInput{Architectures: []string{""}}},
			[]string{"catalogData.architectures.1.member", "Member must have length greater than or equal to 1"},
		},
		"several of one member": {
			CreateRepositoryRequest{RepositoryName: new("A")},
			[]string{
				"repositoryName", "Member must have length greater than or equal to 2",
				"repositoryName", "must satisfy regular expression '" + namePattern + "'",
			},
		},
		"a pattern matches the whole string": {
			DeleteRepositoryRequest{RegistryId: new("1234567890123"), RepositoryName: name},
			[]string{"registryId", "must satisfy regular expression '[0-9]{12}'"},
		},
		"a pattern does not stop at a line": {
			DeleteRepositoryRequest{RegistryId: new("123456789012\n"), RepositoryName: name},
			[]string{"registryId", "must satisfy regular expression '[0-9]{12}'"},
		},
		"an alias where one may stand": {InitiateLayerUploadRequest{RegistryId: new("p8v8e7e5"), RepositoryName: name}, nil},
		"digests of a completion": {
			CompleteLayerUploadRequest{
				RepositoryName: name, UploadId: new("6cb64b8a-9378-0e33-2ab1-b780fab8a9e9"),
				LayerDigests: []string{"sha256:00ff", "sha256-x+y_z.1:00", "sha256:"},
			},
			[]string{"layerDigests.3.member", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"},
		},
		"numbers": {
			DescribeImagesRequest{RepositoryName: name, MaxResults: new(int32(1001))},
			[]string{"maxResults", "Member must have value less than or equal to 1000"},
		},
		"small numbers": {
			DescribeImagesRequest{RepositoryName: name, MaxResults: new(int32(0))},
			[]string{"maxResults", "Member must have value greater than or equal to 1"},
		},
		"strings count in code points": {
			TagResourceRequest{ResourceArn: new("arn"), Tags: []Tag{{Key: new(strings.Repeat("é", 128)), Value: new(strings.Repeat("😀", 257))}}},
			[]string{"tags.1.member.Value", "Member must have length less than or equal to 256"},
		},
		"blobs count in bytes": {
			CreateRepositoryRequest{RepositoryName: name, CatalogData: &RepositoryCatalogDataInput{LogoImageBlob: make([]byte, 512001)}},
			[]string{"catalogData.logoImageBlob", "Member must have length less than or equal to 512000"},
		},
		"an enum": {
			Layer{LayerAvailability: new(LayerAvailability("SOON"))},
			[]string{"layerAvailability", "Member must satisfy enum value set: [AVAILABLE, UNAVAILABLE]"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Validate(test.in)
			if len(test.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var texts []string
			for i := 0; i < len(test.want); i += 2 {
				texts = append(texts, "Invalid parameter at '"+test.want[i]+"' failed to satisfy constraint: '"+test.want[i+1]+"'")
			}
			want := strings.Join(texts, "; ")
			var got *ValidationError
			if !errors.As(err, &got) || len(got.Violations) != len(texts) {
				t.Fatalf("got %v, want a ValidationError: %s", err, want)
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestTagsThatAreNotOfTheGrammarAreMistakes(t *testing.T) {
	for _, tag := range []string{"len", "len=1", "len=a..", "len=..b", "pattern=nobody", "item.len=1..2", "size=1..2", "REQUIRED"} {
		m := Member{Shape: &Shape{Kind: KindString}}
		if err := m.constrain(tag); err == nil {
			t.Errorf("%q was taken", tag)
		}
	}
}
