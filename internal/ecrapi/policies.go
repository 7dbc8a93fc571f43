package ecrapi

import (
	"context"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

func (s *Server) setRepositoryPolicy(ctx context.Context, caller registry.Caller, in *ecrpublic.SetRepositoryPolicyRequest) (*ecrpublic.SetRepositoryPolicyResponse, error) {
	repo, err := s.Registry.SetPolicy(ctx, caller, path(in.RegistryId, in.RepositoryName), *in.PolicyText, value(in.Force))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.SetRepositoryPolicyResponse{RegistryId: ptr(string(repo.Account)), RepositoryName: in.RepositoryName, PolicyText: ptr(repo.Policy)}, nil
}

func (s *Server) getRepositoryPolicy(ctx context.Context, caller registry.Caller, in *ecrpublic.GetRepositoryPolicyRequest) (*ecrpublic.GetRepositoryPolicyResponse, error) {
	repo, err := s.Registry.RepositoryPolicy(ctx, caller, path(in.RegistryId, in.RepositoryName))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.GetRepositoryPolicyResponse{RegistryId: ptr(string(repo.Account)), RepositoryName: in.RepositoryName, PolicyText: ptr(repo.Policy)}, nil
}

func (s *Server) deleteRepositoryPolicy(ctx context.Context, caller registry.Caller, in *ecrpublic.DeleteRepositoryPolicyRequest) (*ecrpublic.DeleteRepositoryPolicyResponse, error) {
	repo, err := s.Registry.DeletePolicy(ctx, caller, path(in.RegistryId, in.RepositoryName))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.DeleteRepositoryPolicyResponse{RegistryId: ptr(string(repo.Account)), RepositoryName: in.RepositoryName, PolicyText: ptr(repo.Policy)}, nil
}
