package gallery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Samples are bodies of pages as the core could answer, with one text in every place that takes free text.

var sampleTime = time.Date(2026, 11, 20, 15, 4, 5, 0, time.UTC)

func sampleDigest(name string) ref.Digest { return ref.DigestBytes(ref.SHA256, []byte(name)) }

func newSampleServer() *Server {
	return New(Options{PublicURL: &url.URL{Scheme: "https", Host: "registry.test"}, Version: "1.2.3"})
}

func sampleListing(name, text string) registry.Listing {
	return registry.Listing{
		Publisher:        registry.Publisher{Account: "123456789012", Alias: "a1b2c3d4", DisplayName: "Publisher " + text, Verified: true},
		Name:             ref.RepositoryName(name),
		Description:      "Describes it. " + text,
		OperatingSystems: []string{"Linux", text},
		Architectures:    []string{"x86-64", "ARM 64"},
		Kinds:            []registry.ArtifactKind{registry.KindImage, registry.KindChart},
		PushedAt:         sampleTime,
		Downloads:        1234567,
	}
}

func sampleRepository(text string) registry.RepositoryPage {
	p := registry.RepositoryPage{
		Listing: sampleListing("team/app", text), URI: "registry.test/a1b2c3d4/team/app", CreatedAt: sampleTime,
		About: "# About\n\nSome *text* " + text, Usage: "## Usage\n\n" + text, Images: 12, Tags: 2345,
		Newest: &registry.TagDetail{Tag: registry.Tag{Name: "1.27.3-alpine", Image: sampleDigest("image"), CreatedAt: sampleTime}, Image: registry.Image{Size: 12_345_678}},
	}
	for i := range registry.ChartDays {
		p.Daily = append(p.Daily, registry.DownloadDay{Day: sampleTime.AddDate(0, 0, i-registry.ChartDays+1), Count: int64((i*37)%50 + i*2)})
	}
	return p
}

func sampleTags(text string) registry.TagPage {
	p := registry.TagPage{Total: 2345}
	for i := range 5 {
		p.Tags = append(p.Tags, registry.TagRow{
			TagDetail: registry.TagDetail{
				Tag:   registry.Tag{Name: ref.Tag(fmt.Sprintf("1.%d.3-alpine", 27-i)), Image: sampleDigest(fmt.Sprint(i)), CreatedAt: sampleTime.AddDate(0, 0, -i)},
				Image: registry.Image{Digest: sampleDigest(fmt.Sprint(i)), Size: int64(12_345_678 + i*1000)},
			},
			Kind:      registry.KindImage,
			Platforms: []registry.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64", Variant: text}},
			Attached:  []registry.Attachment{{Kind: registry.KindSignature, Digest: sampleDigest("sig")}, {Kind: registry.KindSBOM}},
		})
	}
	return p
}

func sampleImage(text string) registry.ImagePage {
	pairs := map[string]string{"org.opencontainers.image.title": text, text: "a value", "org.opencontainers.image.source": "https://example.com/" + text}
	p := registry.ImagePage{
		Repository: sampleListing("team/app", text), URI: "registry.test/a1b2c3d4/team/app", Kind: registry.KindImage,
		Image:       registry.Image{Digest: sampleDigest("image"), MediaType: "application/vnd.oci.image.manifest.v1+json", ArtifactType: text, Manifest: []byte(`{"schemaVersion":2,"annotations":{"a":"<b>"}}`), Size: 98_765_432, PushedAt: sampleTime, Subject: sampleDigest("subject")},
		Tags:        []ref.Tag{"1.27", "1.27.3", "latest"},
		Annotations: pairs,
		Config: &registry.ImageConfig{
			Platform: registry.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}, Created: sampleTime, Author: text, User: text, WorkingDir: "/srv/" + text, StopSignal: "SIGQUIT",
			Entrypoint: []string{"/docker-entrypoint.sh", text}, Cmd: []string{"nginx", "-g", "daemon off;"}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin", "X=" + text},
			ExposedPorts: []string{"443/tcp", "80/tcp", text}, Volumes: []string{"/data", text}, Labels: pairs,
		},
		Platforms: []registry.PlatformItem{{Platform: registry.Platform{OS: "linux", Architecture: "amd64"}, Digest: sampleDigest("p1"), Kind: registry.KindImage, Size: 31_000_000}, {Platform: registry.Platform{OS: text, Architecture: text, OSVersion: text, Variant: text}, Digest: sampleDigest("p2"), Kind: registry.KindAttestation, Size: 3100}},
		Parents:   []ref.Digest{sampleDigest("parent")},
		Attached:  []registry.Attachment{{Kind: registry.KindSBOM, Digest: sampleDigest("sbom"), ArtifactType: text, Size: 4711, PushedAt: sampleTime, Annotations: pairs, PredicateTypes: []string{"https://slsa.dev/provenance/v1", text}}},
		Downloads: 4321,
	}
	for i := range 9 {
		l := registry.ImageLayer{Descriptor: registry.Descriptor{Digest: sampleDigest(fmt.Sprint("layer", i)), Size: int64(1000 + i*i*i*70_000)}, Command: "COPY file:" + text + " in / # buildkit", SharedTotal: i, Shared: []registry.SharedImage{{Digest: sampleDigest("s"), Tags: []ref.Tag{"1.26"}}, {Digest: sampleDigest("t")}}}
		if i%3 == 1 {
			l.Command = "RUN /bin/sh -c set -x && " + strings.Repeat("addgroup --system --gid 101 nginx || true && ", 12) + text
		}
		if i%4 == 0 {
			l.SharedTotal, l.Shared, l.Command = 0, nil, ""
		}
		p.Layers = append(p.Layers, l)
	}
	return p
}

// samplePages renders every page with the text in it.
func samplePages(t testing.TB, s *Server, text string) map[string]string {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, "/a1b2c3d4/team/app:1.27", nil)
	visiting := func(address string) *visit {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return &visit{Request: request, route: parseRoute(u.Path), query: u.Query()}
	}
	all := make(map[string]string)
	add := func(name, template string, v *visit, p page) {
		a, err := s.show(v, template, p)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(a.body)
	}
	list := []registry.Listing{sampleListing("team/app", text), sampleListing("nginx", text), sampleListing("library/very-long-name-of-a-repository/that-goes-on-and-on", text), sampleListing("charts/web", "")}
	publisher := list[0].Publisher
	add("home", "home", visiting("/"), page{Title: "Gallery", OwnSearch: true, Body: registry.Home{Featured: list, Recent: list[1:], Publishers: []registry.Publisher{publisher, publisher}}})

	q := registry.SearchQuery{Text: text, OperatingSystems: []string{text}, Sort: registry.ByDate, Page: 2, Size: searchPageSize}
	facets := registry.Facets{OperatingSystems: []registry.FacetCount{{Value: "Linux", Count: 1234}}, Architectures: []registry.FacetCount{{Value: "ARM 64", Count: 12}, {Value: "x86-64", Count: 99}}, Kinds: []registry.FacetCount{{Value: "image", Count: 9}, {Value: "chart", Count: 1}}, Verified: 4}
	add("search", "search", visiting("/search"), page{Title: "Search for " + text, OwnSearch: true, Body: searchBody{Query: q, Result: registry.SearchResult{Hits: list, Total: 99, Facets: facets}, Groups: filters(q, facets), Sorts: sorts(q.Sort), Clear: "/search", Pager: newPager(searchPath, writeSearch(q), 2, 24, 99)}})
	add("publisher", "publisher", visiting("/a1b2c3d4"), page{Title: publisher.DisplayName, Body: publisherBody{registry.PublisherPage{Publisher: publisher, Listings: list, Total: 99, Downloads: 12345}, newPager("/a1b2c3d4", nil, 1, 30, 99)}})

	repo := sampleRepository(text)
	for _, tab := range []string{"about", "usage", "tags"} {
		pulls := newPulls(s.PublicURL, registry.KindImage, repo.URI, "1.27.3-alpine", "")
		body := repositoryBody{RepositoryPage: repo, Path: "/a1b2c3d4/team/app", Tab: tab, Chart: newChart(repo.Daily), Pulls: &pulls}
		markup, err := s.markdown.render(repo.About)
		if err != nil {
			t.Fatal(err)
		}
		if body.Text = markup; tab == "tags" {
			body.Text, body.Tags = "", &tagsBody{TagPage: sampleTags(text), Text: text, Pager: newPager(body.Path, url.Values{"tab": {"tags"}}, 1, 50, 2345), Sorts: []choice{{Value: "date", Label: "Newest"}}}
		}
		add("repository-"+tab, "repository", visiting("/a1b2c3d4/team/app"), page{Title: "a1b2c3d4/team/app", Description: repo.Description, Canonical: body.Path, Feed: "/a1b2c3d4/team/app?feed=atom", Body: body})
	}
	v := visiting("/a1b2c3d4/team/app:1.27")
	add("image", "image", v, page{Title: "team/app:1.27", Body: s.imageBody(v, sampleImage(text))})
	from := sampleImage(text)
	free := room(maxTexts)
	add("compare", "compare", v, page{Title: "1.26 and 1.27", Body: compareBody{
		Comparison: registry.Comparison{From: from, To: from, Fetch: 12345678}, Repo: "/a1b2c3d4/team/app", FromName: text, ToName: "1.27", FromPath: "/a1b2c3d4/team/app:1.26", ToPath: "/a1b2c3d4/team/app:1.27",
		Added: free.changed(from.Layers[:2]), Removed: free.changed(from.Layers[2:3]), Shared: free.changed(from.Layers[3:])}})
	add("error", "error", v, page{Title: "There is no such image", OwnSearch: true, Body: explain(&registry.Error{Kind: registry.ImageNotFound})})
	return all
}
