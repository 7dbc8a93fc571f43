package gallery

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

// ask sends one request. Headers are "Name: value".
func ask(s http.Handler, method, address string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, address, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	w.Header().Set(requestIDHeader, "request-1")
	s.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t testing.TB, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAddressesWithoutAPageHelp(t *testing.T) {
	r := ask(newSampleServer(), "GET", "/UPPER/case")
	d := parseHTML(t, bodyOf(t, r))
	if r.StatusCode != 404 || d.text("h1") != "There is no such page" {
		t.Errorf("%d with the heading %q", r.StatusCode, d.text("h1"))
	}
	if forms := d.elements("form"); len(forms) != 1 {
		t.Errorf("%d search boxes", len(forms))
	}
	if strings.Contains(d.text("body"), "request-1") {
		t.Error("the page shows a request id for what is no error of the server")
	}
}

func TestInternalErrorsAreNamedByTheirRequest(t *testing.T) {
	s := newSampleServer()
	a := s.errorPage(&visit{}, "request-1", errors.New("secret cause"))
	text := parseHTML(t, string(a.body)).text("body")
	if a.status != 500 || !strings.Contains(text, "request-1") || strings.Contains(text, "secret cause") {
		t.Errorf("%d: %s", a.status, text)
	}
}

// Every kind of error has a page, and only what the server has done wrong is a 500.
func TestErrorPages(t *testing.T) {
	want := map[registry.Kind]int{
		registry.RegistryNotFound: 404, registry.RepositoryNotFound: 404, registry.ImageNotFound: 404, registry.AccessDenied: 403, registry.ReadOnly: 503,
		registry.Overloaded: 503, registry.NoRoom: 507,
	}
	for _, kind := range registry.Kinds() {
		status, ok := want[kind]
		if !ok {
			status = 400
		}
		if f := explain(&registry.Error{Kind: kind, Message: "x"}); f.Status != status {
			t.Errorf("kind %d has status %d instead of %d", kind, f.Status, status)
		}
	}
}

func TestPagesAreOnlyRead(t *testing.T) {
	for _, path := range []string{"/", "/search", "/a1b2c3d4", "/robots.txt", newSampleServer().site.Asset("gallery.css")} {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			r := ask(newSampleServer(), method, path)
			if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
}

func TestSlashAtTheEnd(t *testing.T) {
	for path, want := range map[string]string{"/a1b2c3d4/": "/a1b2c3d4", "/a1b2c3d4/team/app/?x=y": "/a1b2c3d4/team/app", "/search/": "/search"} {
		r := ask(newSampleServer(), "GET", path)
		if r.StatusCode != 301 || r.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
	for _, path := range []string{"http://registry.test//evil.example/", "/%2Fevil.example/", "/-/assets/x/", "/UPPER/"} {
		if r := ask(newSampleServer(), "GET", path); r.StatusCode != 404 {
			t.Errorf("%s: %d to %q", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
}

func TestOldSearchAddress(t *testing.T) {
	r := ask(newSampleServer(), "GET", "/?searchTerm=a%26b")
	if r.StatusCode != 302 || r.Header.Get("Location") != "/search?searchTerm=a%26b" {
		t.Errorf("%d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestAnswersForbidWhatPagesDoNotNeed(t *testing.T) {
	s := newSampleServer()
	for _, path := range []string{"/UPPER", "/robots.txt", s.site.Asset("gallery.js")} {
		h := ask(s, "GET", path).Header
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: the policy %q lacks %s", path, h.Get("Content-Security-Policy"), want)
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy %q", path, h.Get("Content-Security-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	s := newSampleServer()
	for name, contentType := range map[string]string{"gallery.css": "text/css; charset=utf-8", "gallery.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		path := s.site.Asset(name)
		r := ask(s, "GET", path)
		plain := bodyOf(t, r)
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != contentType || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || plain == "" {
			t.Errorf("%s: %d, %v", path, r.StatusCode, r.Header)
		}
		if r := ask(s, "GET", path, "If-None-Match: "+r.Header.Get("ETag")); r.StatusCode != 304 {
			t.Errorf("%s is sent again: %d", path, r.StatusCode)
		}
		if r := ask(s, "HEAD", path); r.StatusCode != 200 || bodyOf(t, r) != "" {
			t.Errorf("HEAD %s: %d", path, r.StatusCode)
		}
		if unzip(t, ask(s, "GET", path, "Accept-Encoding: br, gzip")) != plain {
			t.Errorf("%s differs when it is compressed", path)
		}
	}
	for _, path := range []string{"/-/assets/gallery.css", "/-/assets/", "/-/assets/../gallery.go"} {
		if r := ask(s, "GET", path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func unzip(t *testing.T, r *http.Response) string {
	t.Helper()
	if r.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("it is not compressed: %v", r.Header)
		return ""
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestCompressionIsTheClientsChoice(t *testing.T) {
	for header, want := range map[string]bool{"gzip": true, "gzip;q=0.5": true, "br, gzip": true, "": false, "br": false, "gzip;q=0": false, "gzip; q=0": false, "*": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if takesGzip(r) != want {
			t.Errorf("Accept-Encoding %q: %v", header, !want)
		}
	}
}

func TestObserverHearsOfEveryPage(t *testing.T) {
	s := newSampleServer()
	var heard string
	var failure error
	s.Observe = func(_ *http.Request, operation string, _ registry.Caller, err error) { heard, failure = operation, err }
	ask(s, "GET", "/UPPER")
	if heard != "GalleryNotFound" || !errors.Is(failure, errNowhere) {
		t.Errorf("%s: %v", heard, failure)
	}
}
