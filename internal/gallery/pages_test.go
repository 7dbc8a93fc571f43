package gallery

import (
	"strings"
	"testing"
)

// hostile are texts that try to leave the place they are written to: text, attribute, address, script, comment, template.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><probe onclick=alert(1)>`,
	`'><probe onclick=alert(1)>`,
	`" onmouseover="alert(1)`,
	`' onmouseover='alert(1)`,
	"` onmouseover=`alert(1)",
	`</title><probe>`, `</textarea><probe>`, `</svg><probe>`, `</script><probe>`, `</pre></code><probe>`,
	`javascript:alert(1)`, `JaVaScRiPt:alert(1)`, `data:text/html,<probe>`, `//evil.example/x`,
	`--><probe>`, `<!--`, `]]><probe>`, `{{.Site}}`, `${1}`,
	`<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<iframe src=//evil.example>`, `<base href=//evil.example>`,
	`[x](javascript:alert(1))`, `![x](//evil.example/x.png)`, `<a href="javascript:alert(1)">x</a>`,
	"\x00<probe>", "\u2028<probe>", "\xff<probe>", `&lt;probe&gt;`, `%3Cprobe%3E`,
}

func TestNoTextBecomesMarkup(t *testing.T) {
	s := newSampleServer()
	for _, text := range hostile {
		for name, markup := range samplePages(t, s, text) {
			if found := parseHTML(t, markup).dangers(); len(found) > 0 {
				t.Errorf("%q on %s: %s", text, name, strings.Join(found, "; "))
			}
		}
	}
}

func TestPagesShowWhatTheyAreGiven(t *testing.T) {
	const text = `<b>"hats" & 'boots'</b>`
	for name, markup := range samplePages(t, newSampleServer(), text) {
		if name != "error" && !strings.Contains(parseHTML(t, markup).text("body"), text) && name != "repository-about" && name != "compare" {
			t.Errorf("%s does not show the text", name)
		}
	}
}

func TestPagesAreReadByEveryone(t *testing.T) {
	for name, markup := range samplePages(t, newSampleServer(), "plain words") {
		for _, flaw := range parseHTML(t, markup).flaws() {
			t.Errorf("%s: %s", name, flaw)
		}
	}
}

func TestCurrentTabIsMarked(t *testing.T) {
	for name, want := range map[string]string{"repository-about": "About", "repository-usage": "Usage", "repository-tags": "Image tags 2,345"} {
		var current []string
		for _, a := range parseHTML(t, samplePages(t, newSampleServer(), "x")[name]).elements("a") {
			if _, ok := attribute(a, "aria-current"); ok {
				current = append(current, textOf(a))
			}
		}
		if len(current) != 1 || current[0] != want {
			t.Errorf("%s marks %q", name, current)
		}
	}
}

// An image may hold megabytes of labels and layers, and more text than fits on a page.
func TestPagesStaySmall(t *testing.T) {
	s := newSampleServer()
	long := strings.Repeat(`<"long" & &>`, 2000)
	p := sampleImage(long)
	for len(p.Layers) < 127 {
		p.Layers = append(p.Layers, p.Layers[1])
	}
	for i := range 500 {
		p.Config.Env = append(p.Config.Env, long)
		p.Config.Labels[strings.Repeat("x", i+1)] = long
		p.Attached = append(p.Attached, p.Attached[0])
	}
	p.Platforms, p.Repository.Description, p.Repository.Publisher.DisplayName = nil, "", ""
	p.Repository.OperatingSystems, p.Image.ArtifactType = nil, ""
	v := &visit{route: parseRoute("/a1b2c3d4/team/app:1.27")}
	a, err := s.show(v, "image", page{Title: "x", Body: s.imageBody(v, p)})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.body) > 100_000 {
		t.Errorf("the page of an image has %d bytes", len(a.body))
	}
	for name, markup := range samplePages(t, s, "words") {
		if len(markup) > 100_000 {
			t.Errorf("%s has %d bytes", name, len(markup))
		}
	}
}
