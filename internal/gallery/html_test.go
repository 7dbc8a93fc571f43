package gallery

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// document is a parsed page. Tests ask it for facts instead of comparing text.
type document struct{ root *html.Node }

func parseHTML(t testing.TB, markup string) document {
	t.Helper()
	root, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		t.Fatal(err)
	}
	return document{root}
}

// elements with that name, all of them when it is empty.
func (d document) elements(name string) []*html.Node {
	var found []*html.Node
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// text of all elements with that name, white space folded.
func (d document) text(name string) string {
	var words []string
	for _, e := range d.elements(name) {
		words = append(words, textOf(e))
	}
	return strings.Join(words, " ")
}

func textOf(e *html.Node) string {
	var b strings.Builder
	for n := range e.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(e *html.Node, name string) (string, bool) {
	i := slices.IndexFunc(e.Attr, func(a html.Attribute) bool { return a.Key == name })
	if i < 0 {
		return "", false
	}
	return e.Attr[i].Val, true
}

// links are the addresses that a page leads to or loads.
func (d document) links() []string {
	var all []string
	for _, e := range d.elements("") {
		for _, name := range []string{"href", "src", "action"} {
			if address, ok := attribute(e, name); ok {
				all = append(all, address)
			}
		}
	}
	return all
}

// dangers lists what must never stand in a page of ours, whatever owners write: it is what the policy of every answer
// forbids as well.
func (d document) dangers() []string {
	var found []string
	for _, e := range d.elements("") {
		switch {
		case slices.Contains([]string{"iframe", "object", "embed", "base", "style", "probe"}, e.Data):
			found = append(found, "element "+e.Data)
		case e.Data == "script" && e.FirstChild != nil:
			found = append(found, "script inside the page")
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcset" {
				found = append(found, e.Data+" with "+a.Key)
			}
			if a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "xlink:href" {
				u, err := url.Parse(a.Val)
				if err != nil || !slices.Contains([]string{"", "http", "https", "mailto"}, u.Scheme) {
					found = append(found, e.Data+" with "+a.Key+" "+a.Val)
				}
				if e.Data != "a" && e.Data != "link" && err == nil && u.Host != "" && u.Host != "registry.test" {
					found = append(found, e.Data+" loads "+a.Val)
				}
			}
		}
	}
	return found
}

// flaws lists what a screen reader or keyboard would stumble over.
func (d document) flaws() []string {
	var found []string
	for name, want := range map[string]int{"h1": 1, "main": 1, "header": -1, "footer": 1, "title": -1} {
		if n := len(d.elements(name)); n == 0 || want > 0 && n != want {
			found = append(found, fmt.Sprintf("%d elements %s", n, name))
		}
	}
	ids := make(map[string]bool)
	labelled := make(map[string]bool)
	level := 0
	for _, e := range d.elements("") {
		if id, ok := attribute(e, "id"); ok {
			if ids[id] {
				found = append(found, "two elements with the id "+id)
			}
			ids[id] = true
		}
		if target, ok := attribute(e, "for"); ok && e.Data == "label" {
			labelled[target] = true
		}
		if len(e.Data) == 2 && e.Data[0] == 'h' && e.Data[1] >= '1' && e.Data[1] <= '6' {
			if next := int(e.Data[1] - '0'); next > level+1 {
				found = append(found, fmt.Sprintf("heading %q of level %d after level %d", textOf(e), next, level))
			}
			level = int(e.Data[1] - '0')
		}
		if _, ok := attribute(e, "alt"); e.Data == "img" && !ok {
			found = append(found, "a picture without alt")
		}
		_, named := attribute(e, "aria-label")
		if (e.Data == "a" || e.Data == "button") && textOf(e) == "" && !named {
			found = append(found, e.Data+" without a name")
		}
	}
	for _, e := range d.elements("input") {
		id, _ := attribute(e, "id")
		kind, _ := attribute(e, "type")
		if kind != "hidden" && !labelled[id] && (e.Parent == nil || e.Parent.Data != "label") {
			found = append(found, "a field without a label")
		}
	}
	return found
}
