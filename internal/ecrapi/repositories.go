package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (s *Server) createRepository(ctx context.Context, caller registry.Caller, in *ecrpublic.CreateRepositoryRequest) (*ecrpublic.CreateRepositoryResponse, error) {
	var catalog registry.Catalog
	if in.CatalogData != nil {
		if in.CatalogData.LogoImageBlob != nil {
			return nil, &ecrpublic.UnsupportedCommandException{Message: ptr("Logos are not supported by this version of openecr: leave out catalogData.logoImageBlob.")}
		}
		catalog = registry.Catalog{
			Description:      in.CatalogData.Description,
			Architectures:    in.CatalogData.Architectures,
			OperatingSystems: in.CatalogData.OperatingSystems,
			About:            in.CatalogData.AboutText,
			Usage:            in.CatalogData.UsageText,
		}
	}
	tags := make([]registry.ResourceTag, len(in.Tags))
	for i, t := range in.Tags {
		tags[i] = registry.ResourceTag{Key: value(t.Key), Value: value(t.Value)}
	}
	repo, err := s.Registry.CreateRepository(ctx, caller, ref.RepositoryName(*in.RepositoryName), catalog, tags)
	if err != nil {
		return nil, err
	}
	return &ecrpublic.CreateRepositoryResponse{Repository: ptr(s.repository(repo)), CatalogData: catalogData(repo.Catalog)}, nil
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

// catalogData has only the members that were set; it is an empty object when none was.
func catalogData(c registry.Catalog) *ecrpublic.RepositoryCatalogData {
	return &ecrpublic.RepositoryCatalogData{
		Description:      c.Description,
		Architectures:    c.Architectures,
		OperatingSystems: c.OperatingSystems,
		AboutText:        c.About,
		UsageText:        c.Usage,
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
