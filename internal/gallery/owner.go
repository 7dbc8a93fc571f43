package gallery

import (
	"cmp"
	"html"
	"net/http"
	"net/url"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// The pages for owners are about the caller's own registry. They hold no permission of their own: every button is a verb of
// the core, which decides as it does for the API.

// What owners may say, in characters, as the API has it (PutRepositoryCatalogData and PutRegistryCatalogData API pages).
const (
	MaxDescription   = 1024
	MaxText          = 25_600 // of About and of Usage
	MaxPlatformWord  = 50     // of an architecture or operating system,
	MaxPlatformWords = 50     // of which there are at most so many
	MaxDisplayName   = 100
)

const ownPageSize = 50

// owned is what all pages for owners show.
type owned struct {
	Section string // "repositories", "activity" or "registry"
	Done    string // what was done just now
	Key     string // for forms
	Form    form
}

func (v *visit) owned(section string) owned {
	return owned{Section: section, Done: v.done(), Key: v.session.FormKey, Form: newForm(v.PostForm)}
}

// showForm shows a page with a form in it, whose status tells whether something is wrong with that.
func (s *Server) showForm(v *visit, name string, o owned, p page) (answer, error) {
	p.Unlisted = true
	status := http.StatusOK
	if !o.Form.ok() {
		status = cmp.Or(o.Form.status, http.StatusUnprocessableEntity)
	}
	return s.render(v, status, name, p)
}

// ownBody is the list of the caller's repositories.
type ownBody struct {
	owned
	Repositories []ownRepository
	First, Next  string // addresses of pages; empty where there is none
}

type ownRepository struct {
	registry.Repository
	Path, Logo, Description string
}

// ownRepositories answers the list, and the form that makes a repository.
func (s *Server) ownRepositories(v *visit) (answer, error) {
	body := ownBody{owned: v.owned("repositories")}
	if v.Method == http.MethodPost {
		if a, err := s.createRepository(v, &body.Form); err != nil || body.Form.ok() {
			return a, err
		}
	}
	token := v.query.Get("after")
	repos, next, err := s.Registry.ListRepositories(v.Context(), v.session.Caller, "", registry.Page{Token: token, Size: ownPageSize})
	if err != nil {
		return answer{}, err
	}
	for _, r := range repos {
		row := ownRepository{Repository: r, Path: managePath(r.Name), Logo: s.Registry.LogoURL(r.Catalog)}
		if r.Catalog.Description != nil {
			row.Description = *r.Catalog.Description
		}
		body.Repositories = append(body.Repositories, row)
	}
	if token != "" {
		body.First = ownPath
	}
	if next != "" {
		body.Next = withQuery(ownPath, nil, "after", next)
	}
	return s.showForm(v, "own", body.owned, page{Title: "Your repositories", Body: body})
}

func (s *Server) createRepository(v *visit, f *form) (answer, error) {
	name, ok := f.repositoryName("name")
	if !ok {
		return answer{}, nil
	}
	_, err := s.Registry.CreateRepository(v.Context(), v.session.Caller, name, registry.Catalog{}, nil)
	s.audit(v, "CreateRepository", changed{RepositoryName: string(name)}, nil, err)
	if err != nil {
		return answer{}, f.refuse("name", err)
	}
	return redirectDone(managePath(name), "", "created"), nil
}

func (f form) repositoryName(field string) (ref.RepositoryName, bool) {
	name, err := ref.ParseRepositoryName(f.Value(field))
	if err != nil {
		f.wrong[field] = "Use 2 to 205 lower-case letters and digits, joined by single “.”, “_”, “-” or “/”."
	}
	return name, err == nil
}

// registryBody is what the owner says of the whole registry.
type registryBody struct {
	owned
	registry.AccountDetail
	URI string
}

func (s *Server) ownRegistry(v *visit) (answer, error) {
	body := registryBody{owned: v.owned("registry")}
	f := &body.Form
	if v.Method == http.MethodPost {
		name := f.text("displayName", MaxDisplayName)
		if f.ok() {
			err := s.Registry.PutDisplayName(v.Context(), v.session.Caller, name)
			s.audit(v, "PutRegistryCatalogData", changed{DisplayName: name}, nil, err)
			if err := f.refuse("displayName", err); err != nil {
				return answer{}, err
			}
		}
		if f.ok() {
			return redirectDone(registryPath, "", "saved"), nil
		}
	} else {
		name, err := s.Registry.DisplayName(v.Context(), v.session.Caller)
		if err != nil {
			return answer{}, err
		}
		if f.values = (url.Values{}); name != nil {
			f.values.Set("displayName", *name)
		}
	}
	detail, err := s.Registry.DescribeRegistry(v.Context(), v.session.Caller)
	if err != nil {
		return answer{}, err
	}
	body.AccountDetail = detail
	for _, a := range detail.Aliases {
		if a.Primary {
			body.URI = s.Registry.RegistryURI(a.Name)
		}
	}
	return s.showForm(v, "registry", body.owned, page{Title: "Your registry", Body: body})
}

// activityBody is what happened lately.
type activityBody struct {
	owned
	Refused bool // nothing else is shown
	Events  []eventRow
}

type eventRow struct {
	registry.Event
	Path string // of the page for the repository's owner; empty when there is no such name
}

func (s *Server) activity(v *visit) (answer, error) {
	events, err := s.Registry.Events(v.Context(), v.session.Caller)
	if err != nil {
		return answer{}, err
	}
	body := activityBody{owned: v.owned("activity"), Refused: v.query.Get("show") == "refused"}
	room := maxEventTexts
	for _, e := range events {
		if body.Refused && e.Reason == "" {
			continue
		}
		room -= len(html.EscapeString(e.Reason+e.Subject+e.Caller)) + 3*len(e.Repository)
		if room < 0 || len(body.Events) == maxEventRows {
			break
		}
		row := eventRow{Event: e}
		if name, err := ref.ParseRepositoryName(string(e.Repository)); err == nil {
			row.Path = managePath(name)
		}
		body.Events = append(body.Events, row)
	}
	return s.showForm(v, "activity", body.owned, page{Title: "Activity", Body: body})
}

// maxEventRows and maxEventTexts, in bytes, keep the page under 100 KB.
const (
	maxEventRows  = 100
	maxEventTexts = 50_000
)

func actionName(a registry.EventAction) string {
	switch a {
	case registry.EventPush:
		return "Push"
	case registry.EventDelete:
		return "Delete"
	case registry.EventCreateRepository:
		return "Create the repository"
	case registry.EventDeleteRepository:
		return "Delete the repository"
	default:
		return string(a)
	}
}
