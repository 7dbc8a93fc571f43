package gallery

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
)

//go:embed templates
var templates embed.FS

// site is what every page knows of the server.
type site struct {
	Host    string
	URL     string // "https://registry.example"
	Version string
	Private bool
	SignIn  bool // somebody can
	assets  map[string]string
}

// Asset is the address of a file of the folder assets.
func (s site) Asset(name string) string { return s.assets[name] }

// page is what the layout shows around a body. Only Title and Body are always there.
type page struct {
	Title       string
	Description string // for search engines and previews of links
	Canonical   string // the one path of what is shown, when it can be reached by several
	Picture     string // the address of an image for previews
	Feed        string // the path of the page's Atom feed
	OwnSearch   bool   // the body has a search box, so the header needs none
	Unlisted    bool   // search engines are to leave the page out
	Body        any    // what the page's own template shows

	Plain bool // the page is for those who may not see any other yet

	Site    site    // set by render
	Session Session // likewise
	Here    string  // the address of the page, to come back to; likewise
}

// pages are the templates, by the name of their file: the layout, the shared parts and one body each.
type pages map[string]*template.Template

// parsePages panics over a template that does not parse, as regexp.MustCompile does: they are part of the program.
func parsePages() pages {
	base := template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	entries, _ := templates.ReadDir("templates") // the folder is part of the program
	all := make(pages)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		if name == "layout" || name == "parts" {
			continue
		}
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(templates, "templates/"+e.Name()))
	}
	return all
}

// render makes a page of the template with that name, whole or not at all.
func (s *Server) render(v *visit, status int, name string, p page) (answer, error) {
	p.Site, p.Session = s.site, v.session
	if v.route.Place != atSignIn && v.Request != nil && v.Method != http.MethodPost {
		p.Here = v.URL.RequestURI()
	}
	var b bytes.Buffer
	if err := s.pages[name].Execute(&b, p); err != nil {
		return answer{}, fmt.Errorf("render the page %s: %w", name, err)
	}
	return answer{status: status, contentType: typeHTML, body: b.Bytes()}, nil
}

// show is render for a page that is as it should be.
func (s *Server) show(v *visit, name string, p page) (answer, error) {
	return s.render(v, http.StatusOK, name, p)
}
