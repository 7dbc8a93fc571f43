//go:build e2e

package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What an owner says about a repository and a registry, by the AWS SDK: catalog data, a policy, resource tags.
func TestOwnersWords(t *testing.T) {
	s := startServer(t)
	sdk := newSDK(t, s)
	ctx := t.Context()
	name := aws.String("hello")
	created, err := sdk.CreateRepository(ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: name, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}})
	must(t, err)
	arn := created.Repository.RepositoryArn
	equal := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.Tag{}, types.RepositoryCatalogData{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}

	t.Run("catalog data", func(t *testing.T) {
		empty, err := sdk.GetRepositoryCatalogData(ctx, &ecrpublic.GetRepositoryCatalogDataInput{RepositoryName: name})
		must(t, err) // Terraform reads it right after it has made a repository
		equal("of a new repository", empty.CatalogData, &types.RepositoryCatalogData{})
		_, err = sdk.PutRepositoryCatalogData(ctx, &ecrpublic.PutRepositoryCatalogDataInput{RepositoryName: name, CatalogData: &types.RepositoryCatalogDataInput{
			Description: aws.String("what it is"), AboutText: aws.String("# About"), Architectures: []string{"x86-64", "ARM 64"},
		}})
		must(t, err)
		put, err := sdk.GetRepositoryCatalogData(ctx, &ecrpublic.GetRepositoryCatalogDataInput{RepositoryName: name})
		must(t, err)
		equal("as put", put.CatalogData, &types.RepositoryCatalogData{
			Description: aws.String("what it is"), AboutText: aws.String("# About"), Architectures: []string{"x86-64", "ARM 64"},
		})
	})
	t.Run("registry", func(t *testing.T) {
		_, err := sdk.PutRegistryCatalogData(ctx, &ecrpublic.PutRegistryCatalogDataInput{DisplayName: aws.String("Example")})
		must(t, err)
		got, err := sdk.GetRegistryCatalogData(ctx, &ecrpublic.GetRegistryCatalogDataInput{})
		must(t, err)
		equal("display name", got.RegistryCatalogData.DisplayName, aws.String("Example"))
	})
	t.Run("policy", func(t *testing.T) {
		const text = `{"Version":"2008-10-17","Statement":[{"Sid":"all","Effect":"Allow","Principal":"*","Action":["ecr-public:DescribeImages"]}]}`
		set, err := sdk.SetRepositoryPolicy(ctx, &ecrpublic.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: aws.String(text)})
		must(t, err)
		got, err := sdk.GetRepositoryPolicy(ctx, &ecrpublic.GetRepositoryPolicyInput{RepositoryName: name})
		must(t, err)
		deleted, err := sdk.DeleteRepositoryPolicy(ctx, &ecrpublic.DeleteRepositoryPolicyInput{RepositoryName: name})
		must(t, err)
		equal("printed", *set.PolicyText, "{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"all\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : \"*\",\n    \"Action\" : [ \"ecr-public:DescribeImages\" ]\n  } ]\n}")
		equal("as it is kept", got.PolicyText, set.PolicyText)
		equal("as it was deleted", deleted.PolicyText, set.PolicyText)
	})
	t.Run("resource tags", func(t *testing.T) {
		_, err := sdk.TagResource(ctx, &ecrpublic.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
		must(t, err)
		_, err = sdk.UntagResource(ctx, &ecrpublic.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"stage"}})
		must(t, err)
		list, err := sdk.ListTagsForResource(ctx, &ecrpublic.ListTagsForResourceInput{ResourceArn: arn})
		must(t, err)
		equal("tags", list.Tags, []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}})
	})
}
