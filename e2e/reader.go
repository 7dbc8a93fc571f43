//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is headless Chromium for the whole run, started when the first test asks for it: to start it takes seconds.
type chromium struct {
	start sync.Once
	ctx   context.Context // of the browser
}

var theChromium chromium

// open starts the browser, with a profile of its own.
func (c *chromium) open(t *wholeRun) {
	c.start.Do(func() {
		options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
			chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(t.TempDir()),
			chromedp.Flag("no-sandbox", true), // it runs as root here, and reads only what these tests made
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true),
		})
		ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
		t.Cleanup(stop)
		ctx, closeBrowser := chromedp.NewContext(ctx)
		t.Cleanup(closeBrowser)
		if err := chromedp.Do(ctx); err != nil {
			t.Fatal(err)
		}
		c.ctx = ctx
	})
}

// A reader is a person at a browser: one tab, with cookies and permissions of its own. It notes what pages complain of in
// the console, and which hosts they ask.
type reader struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	hosts      []string
	fails      bool // the page is meant to be an error
}

func startReader(t *testing.T) *reader {
	t.Helper()
	theChromium.open(engines)
	b := &reader{}
	ctx, closeTab := chromedp.NewContext(theChromium.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.note))
	t.Cleanup(closeTab)
	b.ctx = ctx
	must(t, chromedp.Do(ctx))
	command(t, b, cdplog.Enable, cdp.Empty{})
	command(t, b, network.Enable, network.EnableParams{})
	command(t, b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.resize(t, 1280, "light")
	return b
}

// note takes an event of the tab.
func (b *reader) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if b.fails && e.Entry.Source == cdplog.EntrySourceNetwork {
			return
		}
		b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		b.complaints = append(b.complaints, "a dialog: "+e.Message)
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, "console."+string(e.Type))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && !slices.Contains(b.hosts, u.Host) {
			b.hosts = append(b.hosts, u.Host)
		}
	}
}

// quiet fails the test when a page complained, or asked another host than that of the server.
func (b *reader) quiet(t *testing.T, s *server) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("a page complains: %s", c)
	}
	if want := strings.TrimPrefix(s.url, "http://"); !slices.Equal(b.hosts, []string{want}) {
		t.Errorf("pages asked the hosts %q, want only %s", b.hosts, want)
	}
}

// perform runs one action. It has half a minute.
func perform[T any](t *testing.T, b *reader, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		where, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + ": " + document.body.innerText.slice(0, 2000)`))
		t.Fatalf("%v, at %s", err, where)
	}
	return value
}

// command is one command of the protocol.
func command[P, R any](t *testing.T, b *reader, c cdp.Command[P, R], params P) {
	t.Helper()
	perform(t, b, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	}))
}

// resize makes the window so many pixels wide, in the theme "light" or "dark".
func (b *reader) resize(t *testing.T, width int64, theme string) {
	t.Helper()
	command(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
	command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}, // colours are judged at once
	}})
}

// withoutScripts has pages run none from now on.
func (b *reader) withoutScripts(t *testing.T) {
	t.Helper()
	command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// mayReadClipboard lets the test read what a page has copied.
func (b *reader) mayReadClipboard(t *testing.T) {
	t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		command(t, b, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID})
	}
}

// failing is for what is answered with an error page: the console, too, tells of its status.
func (b *reader) failing(act func()) {
	set := func(f bool) { b.mu.Lock(); defer b.mu.Unlock(); b.fails = f }
	set(true)
	act()
	set(false)
}

func (b *reader) open(t *testing.T, address string) {
	t.Helper()
	perform(t, b, chromedp.Navigate(address))
}

func (b *reader) click(t *testing.T, selector string) {
	t.Helper()
	perform(t, b, chromedp.Click(selector))
}

func (b *reader) enter(t *testing.T, selector, text string) {
	t.Helper()
	perform(t, b, chromedp.SendKeys(selector, text))
}

// write puts a text into a field in place of what is there, as pasting does.
func (b *reader) write(t *testing.T, selector, text string) {
	t.Helper()
	perform(t, b, chromedp.Focus(selector))
	evaluate[bool](t, b, `document.activeElement.select(), true`)
	command(t, b, input.InsertText, input.InsertTextParams{Text: text})
}

// upload chooses a file with this content in a form.
func (b *reader) upload(t *testing.T, selector string, content []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, content, 0o600))
	perform(t, b, chromedp.SetUploadFiles(selector, []string{file}))
}

// Things on a page by what people call them.
func labelled(label string) string {
	return fmt.Sprintf("//*[@id=//label[contains(normalize-space(), %q)]/@for] | //label[normalize-space()=%q]//input", label, label)
}
func button(text string) string { return fmt.Sprintf("//button[normalize-space()=%q]", text) }
func link(text string) string   { return fmt.Sprintf("//a[normalize-space()=%q]", text) }

// sees waits until the page says something.
func (b *reader) sees(t *testing.T, text string) {
	t.Helper()
	b.until(t, fmt.Sprintf("document.body?.innerText.includes(%q)", text))
}

// press is a key, wherever the focus is.
func (b *reader) press(t *testing.T, key string) {
	t.Helper()
	perform(t, b, chromedp.KeyEvent(key))
}

// text of an element once it is there.
func (b *reader) text(t *testing.T, selector string) string {
	t.Helper()
	return perform(t, b, chromedp.Text(selector))
}

// until waits for a condition, which may be that of the next page.
func (b *reader) until(t *testing.T, condition string) {
	t.Helper()
	waitFor(t, 30*time.Second, condition, func() bool {
		holds, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition))
		return err == nil && holds // between two pages there is nothing to ask
	})
}

// evaluate is the value of an expression in the page; promises are waited for.
func evaluate[T any](t *testing.T, b *reader, expression string) T {
	t.Helper()
	return perform(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}
