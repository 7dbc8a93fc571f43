package gallery

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const tagsPageSize = 50

// repositoryBody is what the page of a repository shows.
type repositoryBody struct {
	registry.RepositoryPage
	Path  string
	Tab   string        // "about", "usage" or "tags"
	Text  template.HTML // of the tabs about and usage
	Tags  *tagsBody     // of the tab tags
	Pulls *pulls        // nil while there is no tag
	Chart chart
}

// tagsBody is a list of tags.
type tagsBody struct {
	registry.TagPage
	Text  string // what was searched for
	Sorts []choice
	Pager pager
}

func (s *Server) repository(v *visit) (answer, error) {
	p, err := s.Registry.RepositoryPage(v.Context(), v.path())
	if err != nil {
		return answer{}, err
	}
	body := repositoryBody{
		RepositoryPage: p,
		Path:           repositoryPath(p.Publisher.Alias, p.Name),
		Tab:            chooseTab(v.query.Get("tab"), p),
		Chart:          newChart(p.Daily),
	}
	if p.Newest != nil {
		tag, err := s.bestTag(v, p.Newest.Name)
		if err != nil {
			return answer{}, err
		}
		pulls := newPulls(s.PublicURL, kindOf(p), p.URI, string(tag), "")
		body.Pulls = &pulls
	}
	switch body.Tab {
	case "about":
		body.Text, err = s.markdown.render(p.About)
	case "usage":
		body.Text, err = s.markdown.render(p.Usage)
	default:
		body.Tags, err = s.tags(v, v.path(), body.Path)
	}
	if err != nil {
		return answer{}, err
	}
	if body.Tags != nil && body.Tags.Pager.beyond() {
		return redirect(http.StatusFound, body.Tags.Pager.Previous), nil
	}
	return s.show(v, "repository", page{
		Title:       string(p.Publisher.Alias) + "/" + string(p.Name),
		Description: p.Description,
		Canonical:   body.Path,
		Picture:     p.Logo,
		Feed:        body.Path + "?feed=atom",
		Body:        body,
	})
}

// chooseTab is the tab that is asked for, or else the first that has something to say.
func chooseTab(asked string, p registry.RepositoryPage) string {
	switch {
	case asked == "about" || asked == "usage" || asked == "tags":
		return asked
	case p.About != "":
		return "about"
	case p.Usage != "":
		return "usage"
	default:
		return "tags"
	}
}

// tags is one page of a repository's tags as the address asks for it; path is that of the page.
func (s *Server) tags(v *visit, p registry.Path, path string) (*tagsBody, error) {
	q := registry.TagQuery{
		Text: strings.ToValidUTF8(clipBytes(strings.TrimSpace(v.query.Get("tag")), maxTerm), ""),
		Sort: registry.TagsByDate,
		Page: v.page(),
		Size: tagsPageSize,
	}
	switch sort := registry.TagSort(v.query.Get(paramSort)); sort {
	case registry.TagsByName, registry.TagsBySize:
		q.Sort = sort
	}
	found, err := s.Registry.ImageTags(v.Context(), p, q)
	if err != nil {
		return nil, err
	}
	state := url.Values{"tab": {"tags"}}
	if q.Text != "" {
		state.Set("tag", q.Text)
	}
	if q.Sort != registry.TagsByDate {
		state.Set(paramSort, string(q.Sort))
	}
	return &tagsBody{
		TagPage: found,
		Text:    q.Text,
		Sorts: []choice{
			{Value: string(registry.TagsByDate), Label: "Newest", Chosen: q.Sort == registry.TagsByDate},
			{Value: string(registry.TagsByName), Label: "Name", Chosen: q.Sort == registry.TagsByName},
			{Value: string(registry.TagsBySize), Label: "Size", Chosen: q.Sort == registry.TagsBySize},
		},
		Pager: newPager(path, state, q.Page, q.Size, found.Total),
	}, nil
}

// kindOf is what a repository is mainly for: charts only when it has no images.
func kindOf(p registry.RepositoryPage) registry.ArtifactKind {
	for _, k := range kinds {
		if slices.Contains(p.Kinds, k) {
			return k
		}
	}
	return registry.KindImage
}

// bestTag is the tag that most people mean: latest where there is one, or else the newest.
func (s *Server) bestTag(v *visit, newest ref.Tag) (ref.Tag, error) {
	const latest = ref.Tag("latest")
	_, err := s.Registry.FindImage(v.Context(), v.path(), registry.ImageID{Tag: string(latest)})
	switch {
	case err == nil:
		return latest, nil
	case registry.KindOf(err) == registry.ImageNotFound:
		return newest, nil
	default:
		return "", err
	}
}
