package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// resource is what an ARN names.
func resource(arn *string) (ref.Resource, error) {
	r, err := ref.ParseARN(*arn)
	if err != nil {
		return ref.Resource{}, &ecrpublic.InvalidParameterException{Message: ptr("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")}
	}
	return r, nil
}

func resourceTags(in []ecrpublic.Tag) []registry.ResourceTag {
	tags := make([]registry.ResourceTag, len(in))
	for i, t := range in {
		tags[i] = registry.ResourceTag{Key: value(t.Key), Value: value(t.Value)}
	}
	return tags
}

func (s *Server) tagResource(ctx context.Context, caller registry.Caller, in *ecrpublic.TagResourceRequest) (*ecrpublic.TagResourceResponse, error) {
	on, err := resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecrpublic.TagResourceResponse{}, s.Registry.TagResource(ctx, caller, on, resourceTags(in.Tags))
}

func (s *Server) untagResource(ctx context.Context, caller registry.Caller, in *ecrpublic.UntagResourceRequest) (*ecrpublic.UntagResourceResponse, error) {
	on, err := resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecrpublic.UntagResourceResponse{}, s.Registry.UntagResource(ctx, caller, on, in.TagKeys)
}

func (s *Server) listTagsForResource(ctx context.Context, caller registry.Caller, in *ecrpublic.ListTagsForResourceRequest) (*ecrpublic.ListTagsForResourceResponse, error) {
	on, err := resource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.Registry.ResourceTags(ctx, caller, on)
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.ListTagsForResourceResponse{Tags: make([]ecrpublic.Tag, len(tags))}
	for i, t := range tags {
		out.Tags[i] = ecrpublic.Tag{Key: ptr(t.Key), Value: ptr(t.Value)}
	}
	return out, nil
}
