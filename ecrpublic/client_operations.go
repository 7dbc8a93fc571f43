package ecrpublic

import (
	"context"
	"reflect"
)

// call finds the operation by its input, so the methods below name types only. A nil input is an empty one.
func call[Out, In any](ctx context.Context, c *Client, in *In) (*Out, error) {
	if in == nil {
		in = new(In)
	}
	op := api.byInput[reflect.TypeFor[In]()]
	out := new(Out)
	if err := c.Call(ctx, op, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// BatchCheckLayerAvailability tells which layers a repository has, so that a push can skip them.
func (c *Client) BatchCheckLayerAvailability(ctx context.Context, in *BatchCheckLayerAvailabilityRequest) (*BatchCheckLayerAvailabilityResponse, error) {
	return call[BatchCheckLayerAvailabilityResponse](ctx, c, in)
}

// BatchDeleteImage deletes images or tags of a repository. What could not be deleted is in the answer, not an error.
func (c *Client) BatchDeleteImage(ctx context.Context, in *BatchDeleteImageRequest) (*BatchDeleteImageResponse, error) {
	return call[BatchDeleteImageResponse](ctx, c, in)
}

// CompleteLayerUpload turns an upload into a layer.
func (c *Client) CompleteLayerUpload(ctx context.Context, in *CompleteLayerUploadRequest) (*CompleteLayerUploadResponse, error) {
	return call[CompleteLayerUploadResponse](ctx, c, in)
}

// CreateRepository makes a repository in the registry of the caller.
func (c *Client) CreateRepository(ctx context.Context, in *CreateRepositoryRequest) (*CreateRepositoryResponse, error) {
	return call[CreateRepositoryResponse](ctx, c, in)
}

// DeleteRepository deletes a repository.
func (c *Client) DeleteRepository(ctx context.Context, in *DeleteRepositoryRequest) (*DeleteRepositoryResponse, error) {
	return call[DeleteRepositoryResponse](ctx, c, in)
}

// DeleteRepositoryPolicy deletes the policy of a repository.
func (c *Client) DeleteRepositoryPolicy(ctx context.Context, in *DeleteRepositoryPolicyRequest) (*DeleteRepositoryPolicyResponse, error) {
	return call[DeleteRepositoryPolicyResponse](ctx, c, in)
}

// DescribeImageTags lists the tags of a repository, one page. See [Client.DescribeImageTagsPages] for all.
func (c *Client) DescribeImageTags(ctx context.Context, in *DescribeImageTagsRequest) (*DescribeImageTagsResponse, error) {
	return call[DescribeImageTagsResponse](ctx, c, in)
}

// DescribeImages lists the images of a repository, one page. See [Client.DescribeImagesPages] for all.
func (c *Client) DescribeImages(ctx context.Context, in *DescribeImagesRequest) (*DescribeImagesResponse, error) {
	return call[DescribeImagesResponse](ctx, c, in)
}

// DescribeRegistries lists the registries of the caller, one page. See [Client.DescribeRegistriesPages] for all.
func (c *Client) DescribeRegistries(ctx context.Context, in *DescribeRegistriesRequest) (*DescribeRegistriesResponse, error) {
	return call[DescribeRegistriesResponse](ctx, c, in)
}

// DescribeRepositories lists the repositories of a registry, one page. See [Client.DescribeRepositoriesPages]
// for all.
func (c *Client) DescribeRepositories(ctx context.Context, in *DescribeRepositoriesRequest) (*DescribeRepositoriesResponse, error) {
	return call[DescribeRepositoriesResponse](ctx, c, in)
}

// GetAuthorizationToken gives a password for docker login. It is good for twelve hours.
func (c *Client) GetAuthorizationToken(ctx context.Context, in *GetAuthorizationTokenRequest) (*GetAuthorizationTokenResponse, error) {
	return call[GetAuthorizationTokenResponse](ctx, c, in)
}

// GetRegistryCatalogData gives what the gallery shows of the caller's registry.
func (c *Client) GetRegistryCatalogData(ctx context.Context, in *GetRegistryCatalogDataRequest) (*GetRegistryCatalogDataResponse, error) {
	return call[GetRegistryCatalogDataResponse](ctx, c, in)
}

// GetRepositoryCatalogData gives what the gallery shows of a repository.
func (c *Client) GetRepositoryCatalogData(ctx context.Context, in *GetRepositoryCatalogDataRequest) (*GetRepositoryCatalogDataResponse, error) {
	return call[GetRepositoryCatalogDataResponse](ctx, c, in)
}

// GetRepositoryPolicy gives the policy of a repository.
func (c *Client) GetRepositoryPolicy(ctx context.Context, in *GetRepositoryPolicyRequest) (*GetRepositoryPolicyResponse, error) {
	return call[GetRepositoryPolicyResponse](ctx, c, in)
}

// InitiateLayerUpload opens an upload.
func (c *Client) InitiateLayerUpload(ctx context.Context, in *InitiateLayerUploadRequest) (*InitiateLayerUploadResponse, error) {
	return call[InitiateLayerUploadResponse](ctx, c, in)
}

// ListTagsForResource lists the resource tags of a repository.
func (c *Client) ListTagsForResource(ctx context.Context, in *ListTagsForResourceRequest) (*ListTagsForResourceResponse, error) {
	return call[ListTagsForResourceResponse](ctx, c, in)
}

// PutImage stores a manifest whose layers are there, and tags it.
func (c *Client) PutImage(ctx context.Context, in *PutImageRequest) (*PutImageResponse, error) {
	return call[PutImageResponse](ctx, c, in)
}

// PutRegistryCatalogData replaces what the gallery shows of the caller's registry.
func (c *Client) PutRegistryCatalogData(ctx context.Context, in *PutRegistryCatalogDataRequest) (*PutRegistryCatalogDataResponse, error) {
	return call[PutRegistryCatalogDataResponse](ctx, c, in)
}

// PutRepositoryCatalogData replaces what the gallery shows of a repository.
func (c *Client) PutRepositoryCatalogData(ctx context.Context, in *PutRepositoryCatalogDataRequest) (*PutRepositoryCatalogDataResponse, error) {
	return call[PutRepositoryCatalogDataResponse](ctx, c, in)
}

// SetRepositoryPolicy replaces the policy of a repository.
func (c *Client) SetRepositoryPolicy(ctx context.Context, in *SetRepositoryPolicyRequest) (*SetRepositoryPolicyResponse, error) {
	return call[SetRepositoryPolicyResponse](ctx, c, in)
}

// TagResource sets resource tags of a repository.
func (c *Client) TagResource(ctx context.Context, in *TagResourceRequest) (*TagResourceResponse, error) {
	return call[TagResourceResponse](ctx, c, in)
}

// UntagResource removes resource tags of a repository.
func (c *Client) UntagResource(ctx context.Context, in *UntagResourceRequest) (*UntagResourceResponse, error) {
	return call[UntagResourceResponse](ctx, c, in)
}

// UploadLayerPart sends one part of an upload.
func (c *Client) UploadLayerPart(ctx context.Context, in *UploadLayerPartRequest) (*UploadLayerPartResponse, error) {
	return call[UploadLayerPartResponse](ctx, c, in)
}
