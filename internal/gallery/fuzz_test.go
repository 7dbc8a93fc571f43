package gallery

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever address is asked for: an answer that is no failure of the server's, under the policy of all pages, and never
// a way to another site.
func FuzzVisit(f *testing.F) {
	r := fill(f, "text")
	for _, address := range []string{
		"/", "/acme", "/acme/team/app", "/acme/team/app?tab=tags&page=2", "/acme/team/app:1.0?tab=layers", "/acme/team/app@sha256:00",
		"/search?searchTerm=%22a&operatingSystems=Linux&page=-1", "/acme/team/app?tab=compare&from=1.0&to=1.1", "/acme?feed=atom", "/sitemap.xml?page=9",
		"/-/sign-in?next=//evil", "/-/repositories", "/robots.txt", "//evil.example", "/%2e%2e/x", "/acme/team/app?page=99999999999999999999",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := url.ParseRequestURI(address)
		if err != nil || u.Host != "" || u.Scheme != "" {
			return
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Header: make(http.Header), Host: "registry.test", RequestURI: address})
		h := w.Header()
		if w.Code >= 500 || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != policy && !strings.HasPrefix(u.Path, "/-/assets/") {
			t.Errorf("%q: %d %v", address, w.Code, h)
		}
		if to := h.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n")) {
			t.Errorf("%q leads to %q", address, to)
		}
	})
}

// Whatever a crawler sends: an answer in JSON that is no failure of the server's.
func FuzzCrawl(f *testing.F) {
	r := fill(f, "text")
	var operations []string
	for operation := range crawls {
		operations = append(operations, operation)
	}
	for i := range operations {
		for _, body := range []string{
			`{"searchTerm":"team","sortConfiguration":{"sortKey":"POPULARITY"},"maxResults":1}`, `{"nextToken":"x"}`, `{"registryAliasName":"acme","repositoryName":"team/app","maxResults":-1}`,
			`{}`, `[]`, `null`, `{"searchTerm":"\ud800"}`, `{"maxResults":1e99}`,
		} {
			f.Add(byte(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		w := httptest.NewRecorder()
		r.Crawl(w, httptest.NewRequest(http.MethodPost, operations[int(which)%len(operations)], strings.NewReader(string(body))))
		if w.Code >= 500 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
