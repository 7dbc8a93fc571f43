//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// layoutFlaws is what is wrong with the page in the window, of what axe does not see.
const layoutFlaws = `(() => {
  const flaws = [];
  const name = e => e.tagName + "." + (e.className.baseVal ?? e.className) + " " + e.textContent.trim().slice(0, 20);
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 1);
    flaws.push("the page is wider than the window: " + wide.slice(-3).map(name).join("; "));
  }
  for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")) {
    const r = (e.matches(".ways input, .choice input") ? e.closest("label") : e).getBoundingClientRect();
    if (r.width && Math.min(r.width, r.height) < 24 && !e.closest("p, .hidden, .prose, .skip")) flaws.push("small target " + name(e));
  }
  return flaws;
})()`

// axeFlaws asks axe for all that it knows of WCAG 2.2 AA, and for what it calls best practice.
const axeFlaws = `axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: {"target-size": {enabled: true}}, resultTypes: ["violations"],
}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary)))`

// readAxe is the source of axe-core, as tools/axe has installed it.
func readAxe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(toolFolder(t), "axe-core", "axe.min.js"))
	must(t, err)
	return string(source)
}

// judge fails the test for whatever is wrong with the page in the window, in either theme. The window is so wide. Axe is
// asked at three widths: it takes its time.
func (b *reader) judge(t *testing.T, page, picture string, width int64, axe string) {
	t.Helper()
	flaws := evaluate[[]string](t, b, layoutFlaws)
	if width == 360 {
		axe = `const axe = {run: () => Promise.resolve({violations: []})}`
	}
	evaluate[bool](t, b, axe+"; true")
	for _, theme := range []string{"dark", "light"} {
		b.resize(t, width, theme)
		b.photograph(t, fmt.Sprintf("%s-%d-%s", picture, width, theme))
		flaws = append(flaws, evaluate[[]string](t, b, axeFlaws)...)
	}
	for _, flaw := range flaws {
		t.Errorf("%s: %s", page, flaw)
	}
}

// photograph keeps a picture of the whole page in the folder that OPENECR_SCREENSHOTS names, for people to look at.
func (b *reader) photograph(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("OPENECR_SCREENSHOTS")
	if folder == "" {
		return
	}
	must(t, os.MkdirAll(folder, 0o755))
	must(t, os.WriteFile(filepath.Join(folder, name+".png"), perform(t, b, chromedp.FullScreenshot(100)), 0o644))
}

// focusFacts is about the element that has the focus.
const focusFacts = `(() => {
  const e = document.activeElement, seen = [e, e.closest("label"), e.closest(".hit")];
  return {
    place: [...document.querySelectorAll("*")].indexOf(e), name: e.outerHTML.slice(0, 80), end: e === document.body,
    seen: seen.some(x => x && getComputedStyle(x).outlineStyle !== "none"),
  };
})()`

// focusable is how many elements the tabulator leads to: of a group of radio buttons one, of what is folded none.
const focusable = `(() => {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const groups = new Set();
  return all.filter(e => {
    if (e.type === "radio" && (groups.has(e.name) || !groups.add(e.name))) return false;
    return !e.disabled && e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
  }).length;
})()`

// tabThrough goes through the page by the tabulator, from its beginning to its end. The page calls itself where.
func (b *reader) tabThrough(t *testing.T, where string) {
	t.Helper()
	evaluate[bool](t, b, `document.activeElement.blur(), getSelection().collapse(document.body, 0), true`)
	want := evaluate[int](t, b, focusable)
	last, reached := -1, 0
	for range want + 5 {
		b.press(t, kb.Tab)
		at := evaluate[struct {
			Place     int
			Name      string
			End, Seen bool
		}](t, b, focusFacts)
		if at.End {
			break
		}
		if at.Place <= last {
			t.Errorf("%s: %s comes too late", where, at.Name)
		}
		if !at.Seen {
			t.Errorf("%s: the focus is not seen on %s", where, at.Name)
		}
		last, reached = at.Place, reached+1
	}
	if reached != want {
		t.Errorf("%s: %d elements are reached instead of %d", where, reached, want)
	}
}

// escapeQuery writes text into an address.
func escapeQuery(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
