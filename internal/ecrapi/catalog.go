package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

// catalog is what an owner sent, nil for nothing.
func catalog(in *ecrpublic.RepositoryCatalogDataInput) registry.Catalog {
	if in == nil {
		return registry.Catalog{}
	}
	return registry.Catalog{
		Description:      in.Description,
		Architectures:    in.Architectures,
		OperatingSystems: in.OperatingSystems,
		About:            in.AboutText,
		Usage:            in.UsageText,
		LogoFile:         in.LogoImageBlob,
	}
}

// catalogData has only the members that were set; it is an empty object when none was. marketplaceCertified is never
// there: nobody certifies anything here.
func (s *Server) catalogData(c registry.Catalog) *ecrpublic.RepositoryCatalogData {
	return &ecrpublic.RepositoryCatalogData{
		Description:      c.Description,
		Architectures:    c.Architectures,
		OperatingSystems: c.OperatingSystems,
		LogoUrl:          optional(s.Registry.LogoURL(c)),
		AboutText:        c.About,
		UsageText:        c.Usage,
	}
}

func (s *Server) putRepositoryCatalogData(ctx context.Context, caller registry.Caller, in *ecrpublic.PutRepositoryCatalogDataRequest) (*ecrpublic.PutRepositoryCatalogDataResponse, error) {
	stored, err := s.Registry.PutCatalog(ctx, caller, path(in.RegistryId, in.RepositoryName), catalog(in.CatalogData))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.PutRepositoryCatalogDataResponse{CatalogData: s.catalogData(stored)}, nil
}

func (s *Server) getRepositoryCatalogData(ctx context.Context, caller registry.Caller, in *ecrpublic.GetRepositoryCatalogDataRequest) (*ecrpublic.GetRepositoryCatalogDataResponse, error) {
	stored, err := s.Registry.RepositoryCatalog(ctx, caller, path(in.RegistryId, in.RepositoryName))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.GetRepositoryCatalogDataResponse{CatalogData: s.catalogData(stored)}, nil
}

func (s *Server) putRegistryCatalogData(ctx context.Context, caller registry.Caller, in *ecrpublic.PutRegistryCatalogDataRequest) (*ecrpublic.PutRegistryCatalogDataResponse, error) {
	if err := s.Registry.PutDisplayName(ctx, caller, in.DisplayName); err != nil {
		return nil, err
	}
	return &ecrpublic.PutRegistryCatalogDataResponse{RegistryCatalogData: &ecrpublic.RegistryCatalogData{DisplayName: in.DisplayName}}, nil
}

func (s *Server) getRegistryCatalogData(ctx context.Context, caller registry.Caller, _ *ecrpublic.GetRegistryCatalogDataRequest) (*ecrpublic.GetRegistryCatalogDataResponse, error) {
	name, err := s.Registry.DisplayName(ctx, caller)
	if err != nil {
		return nil, err
	}
	return &ecrpublic.GetRegistryCatalogDataResponse{RegistryCatalogData: &ecrpublic.RegistryCatalogData{DisplayName: name}}, nil
}
