package gallery

import (
	"encoding/xml"
	"net/http"
	"time"
)

const feedLength = 50

// atomFeed is an Atom feed (RFC 4287).
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title   string   `xml:"title"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Summary string   `xml:"summary"`
}

// feed answers ?feed=atom of a publisher and of a repository with the tags that were set last. A tag that moves is news:
// the id of an entry has the image in it.
func (s *Server) feed(v *visit) (answer, error) {
	tags, err := s.Registry.NewTags(v.Context(), string(v.route.Alias), v.route.Name, feedLength)
	if err != nil {
		return answer{}, err
	}
	here := s.site.URL + v.route.String()
	f := atomFeed{
		Title:   "New tags of " + v.route.String()[1:],
		ID:      here,
		Updated: time.Unix(0, 0).UTC().Format(time.RFC3339), // an empty feed never changed
		Links:   []atomLink{{Type: "text/html", Href: here}, {Rel: "self", Type: "application/atom+xml", Href: here + "?feed=atom"}},
		Author:  string(v.route.Alias),
	}
	for _, t := range tags {
		address := s.site.URL + tagPath(t.Registry, t.Name, t.Tag.Name)
		f.Entries = append(f.Entries, atomEntry{
			Title:   string(t.Name) + ":" + string(t.Tag.Name),
			ID:      address + "#" + t.Image.String(),
			Updated: t.CreatedAt.Format(time.RFC3339),
			Link:    atomLink{Href: address},
			Summary: t.Image.String() + ", " + formatBytes(t.Size),
		})
	}
	if len(tags) > 0 {
		f.Updated = f.Entries[0].Updated
	}
	return writeXML(typeAtom, f)
}

func writeXML(contentType string, v any) (answer, error) {
	body, err := xml.Marshal(v)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, contentType: contentType, body: append([]byte(xml.Header), body...)}, nil
}
