package ociapi

import (
	"fmt"
	"net/http"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// tagsList lists tags in byte order. While there are more, a Link leads to the rest (OCI distribution spec, "Listing
// Tags"); it is relative, so it holds through any proxy.
func (s *Server) tagsList(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	tags, more, err := s.Registry.ListTags(r.Context(), q.Repository(), q.Last, q.Limit)
	if err != nil {
		return err
	}
	if more && len(tags) > 0 {
		next := q
		next.Last = tags[len(tags)-1]
		w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", next.URL()))
	}
	writeJSON(w, http.StatusOK, struct {
		Name string    `json:"name"`
		Tags []ref.Tag `json:"tags"`
	}{string(q.Alias) + "/" + string(q.Name), tags})
	return nil
}
