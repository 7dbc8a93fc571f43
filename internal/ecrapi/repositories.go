package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (s *Server) createRepository(ctx context.Context, caller registry.Caller, in *ecrpublic.CreateRepositoryRequest) (*ecrpublic.CreateRepositoryResponse, error) {
	repo, err := s.Registry.CreateRepository(ctx, caller, ref.RepositoryName(*in.RepositoryName), catalog(in.CatalogData), resourceTags(in.Tags))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.CreateRepositoryResponse{Repository: ptr(s.repository(repo)), CatalogData: s.catalogData(repo.Catalog)}, nil
}

func (s *Server) repository(repo registry.Repository) ecrpublic.Repository {
	return ecrpublic.Repository{
		RepositoryArn:  ptr(ref.RepositoryARN(repo.Account, repo.Name)),
		RegistryId:     ptr(string(repo.Account)),
		RepositoryName: ptr(string(repo.Name)),
		RepositoryUri:  ptr(s.Registry.URI(repo)),
		CreatedAt:      ptr(repo.CreatedAt),
	}
}

func (s *Server) describeRepositories(ctx context.Context, caller registry.Caller, in *ecrpublic.DescribeRepositoriesRequest) (*ecrpublic.DescribeRepositoriesResponse, error) {
	var repos []registry.Repository
	var next registry.NextPage
	var err error
	if in.RepositoryNames == nil {
		repos, next, err = s.Registry.ListRepositories(ctx, caller, value(in.RegistryId), page(in.NextToken, in.MaxResults))
	} else if err = refusePaging(in.NextToken, in.MaxResults, "repositoryNames"); err == nil {
		names := make([]ref.RepositoryName, len(in.RepositoryNames))
		for i, name := range in.RepositoryNames {
			names[i] = ref.RepositoryName(name)
		}
		repos, err = s.Registry.DescribeRepositories(ctx, caller, value(in.RegistryId), names)
	}
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.DescribeRepositoriesResponse{Repositories: make([]ecrpublic.Repository, len(repos)), NextToken: optional(next)}
	for i, repo := range repos {
		out.Repositories[i] = s.repository(repo)
	}
	return out, nil
}

func (s *Server) deleteRepository(ctx context.Context, caller registry.Caller, in *ecrpublic.DeleteRepositoryRequest) (*ecrpublic.DeleteRepositoryResponse, error) {
	repo, err := s.Registry.DeleteRepository(ctx, caller, path(in.RegistryId, in.RepositoryName), value(in.Force))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.DeleteRepositoryResponse{Repository: ptr(s.repository(repo))}, nil
}
