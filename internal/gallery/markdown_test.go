package gallery

import (
	"slices"
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	m := newMarkdown("https://registry.test")
	for name, c := range map[string]struct{ source, want string }{
		"headings stand below those of the page": {"# One\n\n## Two\n\n###### Six", "<h3>One</h3>\n<h4>Two</h4>\n<h5>Six</h5>\n"},
		"headings leave no level out":            {"### A\n\n##### B\n\n## C\n\n#### D", "<h3>A</h3>\n<h4>B</h4>\n<h3>C</h3>\n<h4>D</h4>\n"},
		"emphasis":                               {"*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>\n"},
		"code is text":                           {"```sh\n<b>&\n```", "<pre><code>&lt;b&gt;&amp;\n</code></pre>\n"},
		"tables":                                 {"|a|b|\n|-|-:|\n|1|2|", "<table tabindex=\"0\">\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		"links are the owner's":                  {"[x](https://a.example/b?c=d&e)", `<p><a href="https://a.example/b?c=d&amp;e" rel="nofollow noopener ugc">x</a></p>` + "\n"},
		"bare addresses are links":               {"see https://a.example", `<p>see <a href="https://a.example" rel="nofollow noopener ugc">https://a.example</a></p>` + "\n"},
		"mail":                                   {"<me@a.example>", `<p><a href="mailto:me@a.example" rel="nofollow noopener ugc">me@a.example</a></p>` + "\n"},
		"no other scheme":                        {"[x](javascript:alert(1)) [y](data:text/html,z) [z](ftp://a)", `<p><a rel="nofollow noopener ugc">x</a> <a rel="nofollow noopener ugc">y</a> <a rel="nofollow noopener ugc">z</a></p>` + "\n"},
		"addresses are whole":                    {"[x](docs/a.md) [y](//a.example)", `<p><a rel="nofollow noopener ugc">x</a> <a rel="nofollow noopener ugc">y</a></p>` + "\n"},
		"raw HTML is left out":                   {"a <b onclick=x>c</b>\n\n<div>d</div>", "<p>a c</p>\n\n"},
		"pictures of other hosts are links":      {"![a logo](https://a.example/l.png)", `<p><a href="https://a.example/l.png" rel="nofollow noopener ugc">a logo</a></p>` + "\n"},
		"without a description too":              {"![](https://a.example/l.png)", `<p><a href="https://a.example/l.png" rel="nofollow noopener ugc">https://a.example/l.png</a></p>` + "\n"},
		"a badge is a link, not two":             {"[![build](https://a.example/b.svg)](https://a.example/ci)", `<p><a href="https://a.example/ci" rel="nofollow noopener ugc">build</a></p>` + "\n"},
		"pictures of ours are shown":             {"![l](https://registry.test/-/logo/1.png)", `<p><img src="https://registry.test/-/logo/1.png" alt="l"></p>` + "\n"},
		"a picture's description is no page":     {"![<b>\"x\"](https://registry.test/-/logo/1.png)", `<p><img src="https://registry.test/-/logo/1.png" alt="&#34;x&#34;"></p>` + "\n"},
	} {
		got, err := m.render(c.source)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, seed := range hostile {
		f.Add(seed)
		f.Add("# " + seed + "\n\n> " + seed + "\n\n|a|\n|-|\n|" + seed + "|\n\n```" + seed + "\n" + seed)
		f.Add("[" + seed + "](" + seed + " \"" + seed + "\") ![" + seed + "](" + seed + ") <" + seed + ">")
	}
	m := newMarkdown("https://registry.test")
	allowed := strings.Fields("html head body p br hr h3 h4 h5 h6 strong em del code pre blockquote ul ol li table thead tbody tr th td a img")
	f.Fuzz(func(t *testing.T, source string) {
		markup, err := m.render(source)
		if err != nil {
			t.Fatal(err)
		}
		d := parseHTML(t, string(markup))
		if found := d.dangers(); len(found) > 0 {
			t.Errorf("%q becomes %q: %s", source, markup, strings.Join(found, "; "))
		}
		for _, e := range d.elements("") {
			if !slices.Contains(allowed, e.Data) {
				t.Errorf("%q becomes %q with an element %s", source, markup, e.Data)
			}
			if rel, _ := attribute(e, "rel"); e.Data == "a" && rel != linkRelation {
				t.Errorf("%q becomes %q with a link of ours", source, markup)
			}
		}
	})
}
