package gallery

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/openecr/openecr/internal/registry"
)

// linkRelation tells search engines and the linked host that a link is the owner's and not the gallery's.
const linkRelation = "nofollow noopener ugc"

// markdown renders what owners write: GitHub's Markdown without HTML. Links lead to full http, https and mailto
// addresses only. Pictures of other hosts become links, because looking at a page must not tell anybody about it.
type markdown struct {
	parser    goldmark.Markdown
	sanitizer *bluemonday.Policy
}

// newMarkdown makes a renderer for pages under site ("https://registry.example").
func newMarkdown(site string) *markdown {
	return &markdown{
		parser: goldmark.New(
			goldmark.WithExtensions(
				extension.Strikethrough, extension.Linkify,
				extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			),
			goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tame{site}, 1000))),
		),
		sanitizer: newSanitizer(),
	}
}

// newSanitizer allows what the renderer makes on purpose. It is the second wall: the first is that raw HTML is left out.
func newSanitizer() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "thead", "tbody", "tr")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("table", "pre")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowElements("table", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + linkRelation + "$")).OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	return p
}

// render makes markup that is safe to show.
func (m *markdown) render(source string) (template.HTML, error) {
	var b bytes.Buffer
	if err := m.parser.Convert([]byte(source), &b); err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	return template.HTML(m.sanitizer.SanitizeBytes(b.Bytes())), nil //nolint:gosec // this is what the sanitizer is for
}

// tame changes the parsed text to what a page takes.
type tame struct{ site string }

// Transform implements parser.ASTTransformer.
func (t tame) Transform(doc *ast.Document, source text.Reader, _ parser.Context) {
	var pictures []*ast.Image
	var outline []int // levels of the headings around, as they were written
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			for len(outline) > 0 && outline[len(outline)-1] >= n.Level {
				outline = outline[:len(outline)-1]
			}
			outline = append(outline, n.Level)
			n.Level = min(len(outline)+2, 6) // below the page's own title and heading, without a level left out
		case *ast.Link, *ast.AutoLink:
			n.SetAttributeString("rel", []byte(linkRelation))
		case *ast.Image:
			pictures = append(pictures, n)
		case *extast.Table:
			n.SetAttributeString("tabindex", []byte("0")) // it scrolls in its own box, by keyboard too
		}
		return ast.WalkContinue, nil
	}) // the function fails never
	for _, p := range pictures {
		if !t.ours(string(p.Destination)) {
			linkInstead(p)
		}
	}
}

// ours says whether an address is that of a logo here.
func (t tame) ours(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasPrefix(address, t.site+registry.LogoPath) && u.RawQuery == ""
}

// linkInstead puts a link with the picture's description in its place, or only the description where a link stands
// around it already.
func linkInstead(p *ast.Image) {
	parent := p.Parent()
	var link ast.Node = ast.NewLink()
	link.(*ast.Link).Destination = p.Destination
	link.SetAttributeString("rel", []byte(linkRelation))
	for n := parent; n != nil; n = n.Parent() {
		if n.Kind() == ast.KindLink {
			link = ast.NewTextBlock()
			break
		}
	}
	if p.FirstChild() == nil {
		link.AppendChild(link, ast.NewString(p.Destination))
	}
	for p.FirstChild() != nil {
		link.AppendChild(link, p.FirstChild())
	}
	parent.ReplaceChild(parent, p, link)
}
