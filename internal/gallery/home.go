package gallery

import (
	"net/http"
)

// home is the first page. The real gallery once searched under its address, and links to that still stand in documents.
func (s *Server) home(v *visit) (answer, error) {
	if v.query.Has("searchTerm") {
		return redirect(http.StatusFound, withQuery(searchPath, nil, "searchTerm", v.query.Get("searchTerm"))), nil
	}
	body, err := s.Registry.Home(v.Context())
	if err != nil {
		return answer{}, err
	}
	return s.show(v, "home", page{
		Title:       "Gallery",
		Description: "Container images and other artifacts on " + s.site.Host + ".",
		Canonical:   "/",
		OwnSearch:   true,
		Body:        body,
	})
}
