package gallery

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// fill is a registry with everything that pages can show.
func fill(t testing.TB, text string) *rig {
	r := newRig(t)
	app := r.create("team/app", text)
	r.image(app, text, []string{"base", "first"}, "1.0", "old")
	second := r.image(app, text, []string{"base", "second", "third"}, "1.1")
	second.Platform = map[string]string{"os": "linux", "architecture": "arm64"}
	r.put(app, map[string]any{"mediaType": indexType, "manifests": []descriptor{second}}, "latest")
	r.put(app, map[string]any{
		"mediaType": manifestType, "artifactType": "application/spdx+json", "subject": second, "annotations": map[string]string{"note": text},
		"config": r.push(app, "application/vnd.oci.empty.v1+json", "{}"), "layers": []descriptor{r.push(app, "application/spdx+json", "bill")},
	})
	r.put(app, map[string]any{
		"mediaType": manifestType, "config": r.push(app, configType, `{"rootfs":{}}`),
		"layers": []descriptor{r.push(app, "application/vnd.dev.cosign.simplesigning.v1+json", "signature")},
	}, strings.Replace(second.Digest, ":", "-", 1)+".sig")
	chart := r.create("charts/web", text)
	r.put(chart, map[string]any{
		"mediaType": manifestType, "config": r.push(chart, "application/vnd.cncf.helm.config.v1+json", `{"name":"web"}`),
		"layers": []descriptor{r.push(chart, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart")},
	}, "0.1.0")
	r.create("empty", text)
	return r
}

func TestVisitorFindsWhatWasPushed(t *testing.T) {
	r := fill(t, "Serves pages to everybody")
	found := r.get("/search?searchTerm=app&operatingSystems=Linux")
	if links := found.links(); !slices.Contains(links, "/acme/team/app") || slices.Contains(links, "/acme/charts/web") {
		t.Errorf("the search leads to %q", links)
	}
	repository := r.get("/acme/team/app")
	if text := repository.text("pre"); !strings.Contains(text, "docker pull registry.test/acme/team/app:latest") {
		t.Errorf("to pull: %q", text)
	}
	if text := repository.text("article"); text != "Serves pages to everybody" {
		t.Errorf("about: %q", text)
	}
	if rows := r.get("/acme/team/app?tab=tags").elements("tr"); len(rows) != 5 {
		t.Errorf("%d rows of tags instead of a heading and 4 without the signature", len(rows))
	}
	page := r.get("/acme/team/app:1.1")
	text := page.text("main")
	for _, want := range []string{"linux/arm64", "COPY step1 Serves pages", "80/tcp", "NOTE", "Bill of materials", "Signature", "Also in 1.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page of the image lacks %q: %s", want, text)
		}
	}
	if text := r.get("/acme/team/app:latest").text("main"); !strings.Contains(text, "Platforms") || !strings.Contains(text, "linux/arm64") {
		t.Errorf("the page of the index: %s", text)
	}
	if text := r.get("/acme/charts/web").text("pre"); text != "helm pull oci://registry.test/acme/charts/web --version 0.1.0" {
		t.Errorf("to pull the chart: %q", text)
	}
}

func TestTagsAreCompared(t *testing.T) {
	r := fill(t, "x")
	d := r.get("/acme/team/app?from=1.0&to=1.1")
	if got := d.text("h2"); got != "Added 2 Removed 1 Shared 1" {
		t.Errorf("sections %q", got)
	}
	for _, query := range []string{"from=.&to=1.1", "from=1.0", "from=1.0&to=%3Cb%3E"} {
		if res := ask(r, "GET", "/acme/team/app?"+query); res.StatusCode != 400 {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
	}
	if res := ask(r, "GET", "/acme/team/app?from=1.0&to=absent"); res.StatusCode != 404 {
		t.Errorf("an absent tag: %d", res.StatusCode)
	}
}

func TestAbsentThings(t *testing.T) {
	r := fill(t, "x")
	for path, heading := range map[string]string{
		"/nobody":          "No publisher has this name",
		"/nobody/app":      "No publisher has this name",
		"/acme/absent":     "There is no such repository",
		"/acme/team/app:9": "There is no such image",
		"/acme/team/app@" + ref.DigestBytes(ref.SHA256, nil).String(): "There is no such image",
		"/acme/absent?feed=atom": "There is no such repository",
	} {
		res := ask(r, "GET", path)
		if got := parseHTML(t, bodyOf(t, res)).text("h1"); res.StatusCode != 404 || got != heading {
			t.Errorf("%s: %d with the heading %q", path, res.StatusCode, got)
		}
	}
	if d := r.get("/acme/empty"); !strings.Contains(d.text("main"), "There is no tag to pull yet") {
		t.Errorf("a repository without images: %s", d.text("main"))
	}
	empty := newRig(t)
	if text := empty.get("/").text("main"); !strings.Contains(text, "Nothing has been pushed yet") {
		t.Errorf("an empty registry: %s", text)
	}
	empty.get("/search")
	empty.get("/acme")
}

func TestPagesAreAskedForAgain(t *testing.T) {
	r := fill(t, "x")
	first := ask(r, "GET", "/acme/team/app")
	tag := first.Header.Get("ETag")
	if tag == "" || first.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", first.Header)
	}
	if res := ask(r, "GET", "/acme/team/app", "If-None-Match: "+tag); res.StatusCode != 304 {
		t.Errorf("nothing changed: %d", res.StatusCode)
	}
	r.image(registry.Path{Registry: "acme", Name: "team/app"}, "x", []string{"more"}, "2.0")
	if res := ask(r, "GET", "/acme/team/app", "If-None-Match: "+tag); res.StatusCode != 200 {
		t.Errorf("after a push: %d", res.StatusCode)
	}
	if body := bodyOf(t, ask(r, "HEAD", "/acme/team/app")); body != "" {
		t.Errorf("HEAD has a body of %d bytes", len(body))
	}
	if plain := bodyOf(t, ask(r, "GET", "/acme")); unzip(t, ask(r, "GET", "/acme", "Accept-Encoding: gzip")) != plain {
		t.Error("a page differs when it is compressed")
	}
}

func TestFeeds(t *testing.T) {
	r := fill(t, "x")
	for _, path := range []string{"/acme?feed=atom", "/acme/team/app?feed=atom"} {
		res := ask(r, "GET", path)
		var feed struct {
			XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
			ID      string   `xml:"id"`
			Updated string   `xml:"updated"`
			Entries []struct {
				Title string `xml:"title"`
				Link  struct {
					Href string `xml:"href,attr"`
				} `xml:"link"`
			} `xml:"entry"`
		}
		r.must(xml.Unmarshal([]byte(bodyOf(t, res)), &feed))
		if _, err := time.Parse(time.RFC3339, feed.Updated); err != nil || len(feed.Entries) < 4 || res.Header.Get("Content-Type") != typeAtom {
			t.Errorf("%s: %+v", path, feed)
		}
		for _, e := range feed.Entries {
			if strings.Contains(e.Title, ".sig") {
				t.Errorf("%s tells of a signature: %s", path, e.Title)
			}
			r.get(strings.TrimPrefix(e.Link.Href, "https://registry.test"))
		}
	}
}

func TestSitemapNamesEveryListedRepository(t *testing.T) {
	r := fill(t, "x")
	var index, part struct {
		Parts []string `xml:"sitemap>loc"`
		Pages []string `xml:"url>loc"`
	}
	r.must(xml.Unmarshal([]byte(bodyOf(t, ask(r, "GET", "/sitemap.xml"))), &index))
	if len(index.Parts) != 1 {
		t.Fatalf("%d parts", len(index.Parts))
	}
	r.must(xml.Unmarshal([]byte(bodyOf(t, ask(r, "GET", strings.TrimPrefix(index.Parts[0], "https://registry.test")))), &part))
	want := []string{"https://registry.test/acme/charts/web", "https://registry.test/acme/team/app"}
	if slices.Sort(part.Pages); !slices.Equal(part.Pages, want) {
		t.Errorf("%q", part.Pages)
	}
	if res := ask(r, "GET", "/sitemap.xml?part=x"); res.StatusCode != 404 {
		t.Errorf("a part that is no number: %d", res.StatusCode)
	}
}

// Every page that can be reached from the first one is there, is safe and small, and can be read by everyone; whatever
// owners write and push.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, text := range []string{"plain words", `"><probe onclick=x><script>alert(1)</script>'` + "`[x](javascript:x) {{.}}"} {
		r := fill(t, text)
		seen := map[string]bool{"/": true}
		for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
			res := ask(r, "GET", queue[0])
			body := bodyOf(t, res)
			if res.StatusCode != 200 {
				t.Errorf("%s: %d", queue[0], res.StatusCode)
			}
			if res.Header.Get("Content-Type") != typeHTML {
				continue
			}
			d := parseHTML(t, body)
			if found := slices.Concat(d.dangers(), d.flaws()); len(found) > 0 || len(body) > 100_000 {
				t.Errorf("%s: %d bytes, %s", queue[0], len(body), strings.Join(found, "; "))
			}
			for _, link := range d.links() {
				u, err := url.Parse(link)
				r.must(err)
				address := u.RequestURI()
				if (u.Host == "" || u.Host == "registry.test") && u.Path != "" && !strings.HasPrefix(u.Path, registry.LogoPath) && !seen[address] {
					seen[address] = true
					queue = append(queue, address)
				}
			}
		}
		if len(seen) < 25 {
			t.Errorf("only %d pages are linked", len(seen))
		}
	}
}

func TestTenThousandTags(t *testing.T) {
	r := newRig(t)
	p := r.create("team/app", "x")
	d, err := ref.ParseDigest(r.image(p, "x", []string{"layer"}, "0").Digest)
	r.must(err)
	r.must(r.meta.Update(t.Context(), func(tx registry.Tx) error {
		repo, err := tx.Repository(p.Registry, p.Name)
		for i := range 9_999 {
			if err == nil {
				err = tx.PutTag(repo.ID, registry.Tag{Name: ref.Tag(fmt.Sprintf("release-%05d-%s", i+1, strings.Repeat("x", 100))), Image: d, CreatedAt: sampleTime})
			}
		}
		return err
	}))
	for _, address := range []string{"/acme/team/app?tab=tags", "/acme/team/app?tab=tags&page=100&sort=name", "/acme/team/app?tab=tags&tag=99", "/acme/team/app:0", "/acme/team/app"} {
		res := ask(r, "GET", address)
		if body := bodyOf(t, res); res.StatusCode != 200 || len(body) > 100_000 {
			t.Errorf("%s: %d with %d bytes", address, res.StatusCode, len(body))
		}
	}
	if text := r.get("/acme/team/app?tab=tags").text("nav"); !strings.Contains(text, "Page 1 of 200") {
		t.Errorf("pages: %s", text)
	}
}
