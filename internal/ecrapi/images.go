package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

func (s *Server) putImage(ctx context.Context, caller registry.Caller, in *ecrpublic.PutImageRequest) (*ecrpublic.PutImageResponse, error) {
	var tags []string
	if in.ImageTag != nil {
		tags = []string{*in.ImageTag}
	}
	image, err := s.Registry.PutImage(ctx, caller, path(in.RegistryId, in.RepositoryName), registry.NewImage{
		Manifest:  []byte(*in.ImageManifest),
		MediaType: value(in.ImageManifestMediaType),
		Tags:      tags,
		Digest:    value(in.ImageDigest),
	})
	if err != nil {
		return nil, err
	}
	account, err := s.Registry.AccountOf(ctx, caller, value(in.RegistryId))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.PutImageResponse{Image: &ecrpublic.Image{
		RegistryId:             ptr(string(account)),
		RepositoryName:         in.RepositoryName,
		ImageId:                &ecrpublic.ImageIdentifier{ImageDigest: ptr(image.Digest.String()), ImageTag: in.ImageTag},
		ImageManifest:          in.ImageManifest,
		ImageManifestMediaType: ptr(image.MediaType),
	}}, nil
}

func imageID(id ecrpublic.ImageIdentifier) registry.ImageID {
	return registry.ImageID{Digest: value(id.ImageDigest), Tag: value(id.ImageTag)}
}

func imageIDs(ids []ecrpublic.ImageIdentifier) []registry.ImageID {
	out := make([]registry.ImageID, len(ids))
	for i, id := range ids {
		out[i] = imageID(id)
	}
	return out
}

func imageIdentifier(id registry.ImageID) ecrpublic.ImageIdentifier {
	return ecrpublic.ImageIdentifier{ImageDigest: optional(id.Digest), ImageTag: optional(id.Tag)}
}

func (s *Server) batchDeleteImage(ctx context.Context, caller registry.Caller, in *ecrpublic.BatchDeleteImageRequest) (*ecrpublic.BatchDeleteImageResponse, error) {
	deleted, failures, err := s.Registry.DeleteImages(ctx, caller, path(in.RegistryId, in.RepositoryName), imageIDs(in.ImageIds))
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.BatchDeleteImageResponse{
		ImageIds: make([]ecrpublic.ImageIdentifier, len(deleted)),
		Failures: make([]ecrpublic.ImageFailure, len(failures)),
	}
	for i, id := range deleted {
		out.ImageIds[i] = imageIdentifier(id)
	}
	for i, f := range failures {
		out.Failures[i] = ecrpublic.ImageFailure{
			ImageId:       ptr(imageIdentifier(f.ID)),
			FailureCode:   ptr(ecrpublic.ImageFailureCode(f.Code)),
			FailureReason: ptr(f.Reason),
		}
	}
	return out, nil
}

func (s *Server) describeImages(ctx context.Context, caller registry.Caller, in *ecrpublic.DescribeImagesRequest) (*ecrpublic.DescribeImagesResponse, error) {
	repository := path(in.RegistryId, in.RepositoryName)
	var images []registry.ImageDetail
	var next registry.NextPage
	var err error
	if in.ImageIds == nil {
		images, next, err = s.Registry.ListImages(ctx, caller, repository, page(in.NextToken, in.MaxResults))
	} else if err = refusePaging(in.NextToken, in.MaxResults, "imageIds"); err == nil {
		images, err = s.Registry.DescribeImages(ctx, caller, repository, imageIDs(in.ImageIds))
	}
	if err != nil {
		return nil, err
	}
	account, err := s.Registry.AccountOf(ctx, caller, value(in.RegistryId))
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.DescribeImagesResponse{ImageDetails: make([]ecrpublic.ImageDetail, len(images)), NextToken: optional(next)}
	for i, image := range images {
		var tags []string // absent for an untagged image
		for _, t := range image.Tags {
			tags = append(tags, string(t))
		}
		out.ImageDetails[i] = ecrpublic.ImageDetail{
			RegistryId:             ptr(string(account)),
			RepositoryName:         in.RepositoryName,
			ImageDigest:            ptr(image.Digest.String()),
			ImageTags:              tags,
			ImageSizeInBytes:       ptr(image.Size),
			ImagePushedAt:          wholeSeconds(image.PushedAt),
			ImageManifestMediaType: ptr(image.MediaType),
			ArtifactMediaType:      optional(image.ArtifactMediaType),
		}
	}
	return out, nil
}

func (s *Server) describeImageTags(ctx context.Context, caller registry.Caller, in *ecrpublic.DescribeImageTagsRequest) (*ecrpublic.DescribeImageTagsResponse, error) {
	tags, next, err := s.Registry.DescribeTags(ctx, caller, path(in.RegistryId, in.RepositoryName), page(in.NextToken, in.MaxResults))
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.DescribeImageTagsResponse{ImageTagDetails: make([]ecrpublic.ImageTagDetail, len(tags)), NextToken: optional(next)}
	for i, t := range tags {
		out.ImageTagDetails[i] = ecrpublic.ImageTagDetail{
			ImageTag:  ptr(string(t.Name)),
			CreatedAt: wholeSeconds(t.CreatedAt),
			ImageDetail: &ecrpublic.ReferencedImageDetail{
				ImageDigest:            ptr(t.Image.Digest.String()),
				ImageSizeInBytes:       ptr(t.Image.Size),
				ImagePushedAt:          wholeSeconds(t.Image.PushedAt),
				ImageManifestMediaType: ptr(t.Image.MediaType),
				ArtifactMediaType:      optional(t.Image.ArtifactMediaType),
			},
		}
	}
	return out, nil
}
