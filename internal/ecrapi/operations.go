package ecrapi

import (
	"context"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// handler runs one operation on an input that was decoded and validated.
type handler func(ctx context.Context, caller registry.Caller, in any) (any, error)

// operations is the table of what is answered, by name. The names come from the types: there is no second list.
func (s *Server) operations() map[string]handler {
	table := make(map[string]handler)
	handle(table, s.batchCheckLayerAvailability)
	handle(table, s.batchDeleteImage)
	handle(table, s.completeLayerUpload)
	handle(table, s.createRepository)
	handle(table, s.deleteRepository)
	handle(table, s.deleteRepositoryPolicy)
	handle(table, s.describeImageTags)
	handle(table, s.describeImages)
	handle(table, s.describeRegistries)
	handle(table, s.describeRepositories)
	handle(table, s.getAuthorizationToken)
	handle(table, s.getRegistryCatalogData)
	handle(table, s.getRepositoryCatalogData)
	handle(table, s.getRepositoryPolicy)
	handle(table, s.initiateLayerUpload)
	handle(table, s.listTagsForResource)
	handle(table, s.putImage)
	handle(table, s.putRegistryCatalogData)
	handle(table, s.putRepositoryCatalogData)
	handle(table, s.setRepositoryPolicy)
	handle(table, s.tagResource)
	handle(table, s.untagResource)
	return table
}

// handle adds an operation. A type that is no input of one is a mistake of this package, found when the server is made.
func handle[In, Out any](table map[string]handler, run func(context.Context, registry.Caller, *In) (*Out, error)) {
	op, ok := ecrpublic.OperationByInput(new(In))
	if !ok {
		panic("ecrapi: handler for a type that is no input of an operation")
	}
	table[op.Name] = func(ctx context.Context, caller registry.Caller, in any) (any, error) {
		return run(ctx, caller, in.(*In))
	}
}

// path is the repository that a request names. Validation has seen the name, so it is one.
func path(registryID, name *string) registry.Path {
	return registry.Path{Registry: value(registryID), Name: ref.RepositoryName(value(name))}
}

const defaultPageSize = 100

func page(token *string, maxResults *int32) registry.Page {
	size := int(value(maxResults))
	if maxResults == nil {
		size = defaultPageSize
	}
	return registry.Page{Token: value(token), Size: size}
}

// refusePaging is the rule that a list of names is answered whole.
func refusePaging(token *string, maxResults *int32, list string) error {
	for _, m := range []struct {
		name  string
		given bool
	}{{"nextToken", token != nil}, {"maxResults", maxResults != nil}} {
		if m.given {
			return &ecrpublic.InvalidParameterException{Message: ptr("Invalid parameter at '" + m.name + "' failed to satisfy constraint: 'Member cannot be used together with " + list + "'")}
		}
	}
	return nil
}

// optional is nil for the empty string, which the core uses for absent.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// wholeSeconds is how the service tells when an image was pushed.
func wholeSeconds(t time.Time) *time.Time { return ptr(t.Truncate(time.Second)) }

func (s *Server) getAuthorizationToken(ctx context.Context, caller registry.Caller, _ *ecrpublic.GetAuthorizationTokenRequest) (*ecrpublic.GetAuthorizationTokenResponse, error) {
	if err := s.Registry.AuthorizeLogin(caller); err != nil {
		return nil, err
	}
	token, expires, err := s.IssueToken(ctx, caller)
	if err != nil {
		return nil, err
	}
	return &ecrpublic.GetAuthorizationTokenResponse{AuthorizationData: &ecrpublic.AuthorizationData{AuthorizationToken: &token, ExpiresAt: &expires}}, nil
}

func (s *Server) describeRegistries(ctx context.Context, caller registry.Caller, in *ecrpublic.DescribeRegistriesRequest) (*ecrpublic.DescribeRegistriesResponse, error) {
	if in.NextToken != nil {
		// An account has one registry, so no page but the first exists.
		return nil, &ecrpublic.InvalidParameterException{Message: ptr("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")}
	}
	detail, err := s.Registry.DescribeRegistry(ctx, caller)
	if err != nil {
		return nil, err
	}
	aliases := make([]ecrpublic.RegistryAlias, len(detail.Aliases))
	for i, a := range detail.Aliases {
		aliases[i] = ecrpublic.RegistryAlias{
			Name:                 ptr(string(a.Name)),
			Status:               ptr(ecrpublic.RegistryAliasStatusActive),
			PrimaryRegistryAlias: ptr(a.Primary),
			DefaultRegistryAlias: ptr(a.Default),
		}
	}
	return &ecrpublic.DescribeRegistriesResponse{Registries: []ecrpublic.Registry{{
		RegistryId:  ptr(string(detail.ID)),
		RegistryArn: ptr(ref.RegistryARN(detail.ID)),
		RegistryUri: ptr(s.Registry.RegistryURI(detail.Aliases[0].Name)),
		Verified:    ptr(detail.Verified),
		Aliases:     aliases,
	}}}, nil
}
