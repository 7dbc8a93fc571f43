//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func TestVisitorPullsWhatDockerPushed(t *testing.T) {
	g := startGallery(t)
	name := g.registry + "/" + g.name + ":2.0"
	here := startDocker(t)
	l := newLayout(t)
	made := l.image("amd64", 2, 2<<20)
	here.load(t, l, made, name)
	here.login(t, newAWS(t, g.server).password(t), g.host())
	here.run(t, "push", name)

	b := startReader(t)
	b.mayReadClipboard(t)
	b.open(t, g.url)
	if focused := evaluate[string](t, b, `document.activeElement.name`); focused != "searchTerm" {
		t.Errorf("%q has the focus of the first page instead of the search box", focused)
	}
	b.enter(t, "#find", "nothing"+kb.Enter)
	b.until(t, `location.pathname === "/search" && document.querySelectorAll("#results h3 a").length === 0`)
	for _, typed := range []string{"hello", "helol"} { // with a slip
		b.enter(t, "#find", kb.End+strings.Repeat(kb.Backspace, 7)+typed)
		b.until(t, fmt.Sprintf(`new URLSearchParams(location.search).get("searchTerm") === "%s" && document.querySelectorAll("#results h3 a").length === 1`, typed)) // without another page
	}
	b.click(t, "#results h3 a")
	b.until(t, `location.pathname.endsWith("/team/hello")`)
	if about := b.text(t, "article"); !strings.Contains(about, "It says hello, or not, as others do.") {
		t.Errorf("About: %q", about)
	}
	b.click(t, `.tabs a[href$="tab=tags"]`)
	b.until(t, `location.search === "?tab=tags"`)
	b.enter(t, "#tag", "2.0")
	b.until(t, `document.querySelectorAll("#results tbody tr").length === 1`) // without another page
	b.click(t, "#results tbody th a")
	b.until(t, `location.pathname.endsWith(":2.0")`)
	b.click(t, ".way0 button.copy")
	b.until(t, `document.querySelector(".way0 button.copy").textContent === "Copied"`)
	command := evaluate[string](t, b, `navigator.clipboard.readText()`)
	if want := "docker pull " + name; command != want {
		t.Fatalf("copied %q instead of %q", command, want)
	}
	elsewhere := startDocker(t)
	elsewhere.run(t, strings.Fields(command)[1:]...)
	if got, want := elsewhere.imageID(t, name), made.config(l); got != want {
		t.Errorf("pulled %s instead of %s", got, want)
	}
	b.quiet(t, g.server)
}

func TestGalleryWorksWithoutScripts(t *testing.T) {
	g := startGallery(t)
	b := startReader(t)
	b.withoutScripts(t)
	b.open(t, g.url)
	b.enter(t, "#find", "helol"+kb.Enter)
	b.until(t, `location.pathname === "/search" && document.readyState === "complete"`)
	b.click(t, `input[name="operatingSystems"][value="Linux"]`)
	b.click(t, ".apply button")
	b.until(t, `location.search.includes("operatingSystems=Linux") && document.readyState === "complete"`)
	b.click(t, "#results h3 a")
	if text := b.text(t, ".way0 pre"); text != "docker pull "+g.registry+"/"+g.name+":latest" {
		t.Errorf("to pull: %q", text)
	}
	b.click(t, ".ways label:nth-of-type(2)")
	if text := b.text(t, ".way1 pre"); !strings.HasPrefix(text, "podman pull ") {
		t.Errorf("to pull with podman: %q", text)
	}
	b.click(t, `.tabs a[href$="tab=tags"]`)
	b.enter(t, "#tag", "1.0"+kb.Enter)
	b.until(t, `location.search.includes("tag=1.0") && document.readyState === "complete"`)
	b.click(t, `#results tbody th a[href$=":1.0"]`)
	if text := b.text(t, "#layers"); text != "Layers" {
		t.Errorf("the page of the image: %q", text)
	}
	b.enter(t, "#to", "1.1"+kb.Enter)
	if text := b.text(t, ".added"); text != "Added" {
		t.Errorf("the comparison: %q", text)
	}
	b.quiet(t, g.server)
}

// Whatever a publisher or an address says is only text, on every page.
func TestGalleryRunsNoScriptOfPublishers(t *testing.T) {
	g := startGallery(t)
	b := startReader(t)
	b.signIn(t, g)
	harmless := func(page string) {
		t.Helper()
		const markup = `document.title === "hacked" || !document.querySelector("main") || document.querySelectorAll("main script, main style, main [onerror], main [onload], main a[href^=javascript]").length > 0`
		if evaluate[bool](t, b, markup) {
			t.Errorf("%s: a text became markup", page)
		}
	}
	for _, page := range append(g.pages(), g.ownPages()...) {
		b.open(t, g.url+page)
		harmless(page)
	}
	for _, page := range g.missing() {
		b.failing(func() { b.open(t, g.url+page) })
		harmless(page)
	}
	b.quiet(t, g.server)
}

// Every kind of page fits windows of phones and wide screens in both themes, and axe finds nothing to say against it.
func TestGalleryFitsEveryScreen(t *testing.T) {
	axe := readAxe(t)
	g := startGallery(t)
	b := startReader(t)
	for _, width := range []int64{320, 360, 768, 1440} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b.resize(t, width, "light")
			for i, page := range g.pages() {
				b.open(t, g.url+page)
				b.judge(t, page, fmt.Sprintf("visitor-%02d", i), width, axe)
			}
			b.failing(func() { b.open(t, g.url+g.missing()[0]) })
			b.judge(t, "an error", "visitor-error", width, axe)
		})
	}
	b.quiet(t, g.server)
}

// Everything is reached with the tabulator, in the order in which it is read, and is seen to have the focus.
func TestGalleryByKeyboard(t *testing.T) {
	g := startGallery(t)
	b := startReader(t)
	for _, width := range []int64{320, 768, 1440} {
		b.resize(t, width, "light")
		for _, page := range []string{"/search?searchTerm=hello", g.path("?tab=about"), g.path("?tab=tags&tag=1."), g.path(":1.0"), g.path("?from=1.0&to=1.1")} {
			b.open(t, g.url+page)
			b.tabThrough(t, fmt.Sprintf("%s at %d", page, width))
		}
	}
	b.quiet(t, g.server)
}
