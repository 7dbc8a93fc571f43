package gallery

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"time"
)

// sitemapSpan is how many row ids of repositories one part of the sitemap covers. A sitemap has at most 50,000 addresses
// (sitemaps.org, "Protocol").
const sitemapSpan = 10_000

type sitemapIndex struct {
	XMLName xml.Name       `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
	Parts   []sitemapEntry `xml:"sitemap"`
}

type sitemapPart struct {
	XMLName xml.Name       `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	Pages   []sitemapEntry `xml:"url"`
}

type sitemapEntry struct {
	Location string `xml:"loc"`
	Changed  string `xml:"lastmod,omitempty"`
}

// sitemap answers /sitemap.xml with a list of parts, and /sitemap.xml?part=N with the repositories of one.
func (s *Server) sitemap(v *visit) (answer, error) {
	if !v.query.Has("part") {
		return s.sitemapIndex(v)
	}
	part, err := strconv.ParseInt(v.query.Get("part"), 10, 32)
	if err != nil || part < 0 {
		return answer{}, errNowhere
	}
	listed, err := s.Registry.ListedRepositories(v.Context(), part*sitemapSpan, sitemapSpan)
	if err != nil {
		return answer{}, err
	}
	var p sitemapPart
	for _, r := range listed {
		if r.ID > (part+1)*sitemapSpan {
			break
		}
		p.Pages = append(p.Pages, sitemapEntry{s.site.URL + repositoryPath(r.Alias, r.Name), r.PushedAt.Format(time.RFC3339)})
	}
	return writeXML(typeXML, p)
}

// sitemapIndex asks for one repository after each part, so that its cost is that of parts and not of repositories.
func (s *Server) sitemapIndex(v *visit) (answer, error) {
	var index sitemapIndex
	for part := int64(0); ; part++ {
		next, err := s.Registry.ListedRepositories(v.Context(), part*sitemapSpan, 1)
		if err != nil {
			return answer{}, err
		}
		if len(next) == 0 {
			return writeXML(typeXML, index)
		}
		part = (next[0].ID - 1) / sitemapSpan // parts without repositories are left out
		index.Parts = append(index.Parts, sitemapEntry{Location: s.site.URL + v.route.String() + "?part=" + strconv.FormatInt(part, 10)})
	}
}

// robots tells crawlers where to begin, or that there is nothing for them.
func (s *Server) robots(*visit) (answer, error) {
	text := "User-agent: *\nDisallow: /v2/\nDisallow: /search?\nDisallow: /*?from=\nSitemap: " + s.site.URL + "/sitemap.xml\n"
	if s.Private {
		text = "User-agent: *\nDisallow: /\n"
	}
	return answer{status: http.StatusOK, contentType: typeText, body: []byte(text)}, nil
}
