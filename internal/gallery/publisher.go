package gallery

import (
	"net/http"

	"github.com/openecr/openecr/internal/registry"
)

const publisherPageSize = 30

// publisherBody is what the page of a publisher shows.
type publisherBody struct {
	registry.PublisherPage
	Pager pager
}

func (s *Server) publisher(v *visit) (answer, error) {
	number := v.page()
	p, err := s.Registry.Publisher(v.Context(), string(v.route.Alias), number, publisherPageSize)
	if err != nil {
		return answer{}, err
	}
	path := publisherPath(p.Publisher.Alias)
	pager := newPager(path, nil, number, publisherPageSize, p.Total)
	if pager.beyond() {
		return redirect(http.StatusFound, pager.Previous), nil
	}
	return s.show(v, "publisher", page{
		Title:       p.Publisher.DisplayName,
		Description: "Repositories of " + p.Publisher.DisplayName + " on " + s.site.Host + ".",
		Canonical:   path,
		Feed:        path + "?feed=atom",
		Body:        publisherBody{p, pager},
	})
}
