package ecrpublic

import (
	"context"
	"fmt"
	"iter"
)

// DescribeImageTagsPages yields the pages of [Client.DescribeImageTags], beginning at in.NextToken. After an error it
// ends. Ranging over it again begins again.
func (c *Client) DescribeImageTagsPages(ctx context.Context, in *DescribeImageTagsRequest) iter.Seq2[*DescribeImageTagsResponse, error] {
	return pages(ctx, in, c.DescribeImageTags,
		func(in *DescribeImageTagsRequest) **string { return &in.NextToken },
		func(out *DescribeImageTagsResponse) *string { return out.NextToken })
}

// DescribeImagesPages yields the pages of [Client.DescribeImages] as [Client.DescribeImageTagsPages] does.
func (c *Client) DescribeImagesPages(ctx context.Context, in *DescribeImagesRequest) iter.Seq2[*DescribeImagesResponse, error] {
	return pages(ctx, in, c.DescribeImages,
		func(in *DescribeImagesRequest) **string { return &in.NextToken },
		func(out *DescribeImagesResponse) *string { return out.NextToken })
}

// DescribeRegistriesPages yields the pages of [Client.DescribeRegistries] as [Client.DescribeImageTagsPages] does.
func (c *Client) DescribeRegistriesPages(ctx context.Context, in *DescribeRegistriesRequest) iter.Seq2[*DescribeRegistriesResponse, error] {
	return pages(ctx, in, c.DescribeRegistries,
		func(in *DescribeRegistriesRequest) **string { return &in.NextToken },
		func(out *DescribeRegistriesResponse) *string { return out.NextToken })
}

// DescribeRepositoriesPages yields the pages of [Client.DescribeRepositories] as [Client.DescribeImageTagsPages] does.
func (c *Client) DescribeRepositoriesPages(ctx context.Context, in *DescribeRepositoriesRequest) iter.Seq2[*DescribeRepositoriesResponse, error] {
	return pages(ctx, in, c.DescribeRepositories,
		func(in *DescribeRepositoriesRequest) **string { return &in.NextToken },
		func(out *DescribeRepositoriesResponse) *string { return out.NextToken })
}

// pages turns pages until one has no next token. A service that gives back the token it was asked with would make that
// forever, so it is an error. The caller's input is not changed.
func pages[In, Out any](
	ctx context.Context, in *In, describe func(context.Context, *In) (*Out, error),
	asked func(*In) **string, next func(*Out) *string,
) iter.Seq2[*Out, error] {
	return func(yield func(*Out, error) bool) {
		var page In
		if in != nil {
			page = *in
		}
		for {
			out, err := describe(ctx, &page)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(out, nil) {
				return
			}
			before, after := text(*asked(&page)), text(next(out))
			if after == "" {
				return
			}
			if after == before {
				yield(nil, fmt.Errorf("the service gave the token %q twice; its pages have no end", after))
				return
			}
			*asked(&page) = &after
		}
	}
}
