package ociapi

import (
	"net/http"

	"github.com/openecr/openecr/internal/registry"
)

// makingRepository runs a verb of a push. Where pushes make repositories and the caller's own is missing, it makes it and
// runs the verb again. Nobody makes a repository in another's registry.
func (s *Server) makingRepository(r *http.Request, q Request, caller registry.Caller, verb func() error) error {
	err := verb()
	if s.CreateOnPush == nil || registry.KindOf(err) != registry.RepositoryNotFound {
		return err
	}
	owner, ownerErr := s.Registry.AccountOf(r.Context(), caller, string(q.Alias))
	if ownerErr != nil || owner != caller.Account {
		return err
	}
	_, err = s.Registry.CreateRepository(r.Context(), caller, q.Name, *s.CreateOnPush, nil)
	if err := accept(registry.RepositoryAlreadyExists, err); err != nil { // by another request of the same push
		return err
	}
	if err == nil {
		s.audit(r, Request{Alias: q.Alias, Name: q.Name}, caller, "CreateRepository", nil)
	}
	return verb()
}
