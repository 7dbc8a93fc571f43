package gallery

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func TestSignInAndOut(t *testing.T) {
	r := newRig(t)
	r.withPeople(registry.Caller{})
	b := &browser{rig: r}
	b.open("/-/repositories")
	if to := b.last.Header.Get("Location"); b.last.StatusCode != 303 || to != "/-/sign-in?next=%2F-%2Frepositories" {
		t.Fatalf("nobody is sent to %q: %d", to, b.last.StatusCode)
	}
	b.wants(b.open("/-/sign-in?next=/acme"), 200, "Sign in", "aws ecr-public get-login-password")
	d := b.signIn("<owner>", "wrong")
	b.wants(d, 403, "That is not <right>.")
	if b.cookie != nil || d.value("name") != "<owner>" || d.value("password") != "" {
		t.Errorf("after a wrong password there is the cookie %v and the name %q", b.cookie, d.value("name"))
	}
	b.signIn("owner", "again")
	if b.last.StatusCode != 429 || b.last.Header.Get("Retry-After") != "90" {
		t.Errorf("too many tries: %d, %v", b.last.StatusCode, b.last.Header)
	}
	b.post("/-/sign-in", url.Values{"name": {" owner"}, "password": {"right\n"}, "next": {"/acme?page=2"}})
	c := b.cookie
	if b.last.StatusCode != 303 || b.last.Header.Get("Location") != "/acme?page=2" || c == nil {
		t.Fatalf("signed in: %d, %v", b.last.StatusCode, b.last.Header)
	}
	if c.Name != "__Host-openecr-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("cookie %+v", c)
	}
	b.wants(b.open("/-/repositories"), 200, "Your repositories")
	if h := b.last.Header; h.Get("Cache-Control") != "private, no-store" || h.Get("ETag") != "" || len(b.last.Cookies()) != 0 {
		t.Errorf("headers of a page of somebody signed in: %v", h)
	}
	if b.open("/-/sign-in?next=/acme"); b.last.Header.Get("Location") != "/acme" {
		t.Errorf("somebody signed in is asked to sign in: %d", b.last.StatusCode)
	}
	b.submit("/-/sign-out")
	if b.cookie != nil {
		t.Error("the browser keeps its cookie after signing out")
	}
}

func TestCookieWithoutTLS(t *testing.T) {
	r := newRig(t)
	r.withPeople(registry.Caller{})
	r.Options.PublicURL = &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}
	b := &browser{rig: r}
	b.signIn("owner", "right")
	if c := b.cookie; c.Name != "openecr-session" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", c)
	}
}

func TestCookieFollowsTheSession(t *testing.T) {
	r := newRig(t)
	known := r.withPeople(registry.Caller{})
	b := &browser{rig: r}
	b.signIn("owner", "right")
	s := known["owner"]
	s.Token = "renewed"
	known["owner"], known["renewed"] = s, s
	if b.open("/"); b.cookie.Value != "renewed" {
		t.Errorf("cookie %v after a renewal", b.cookie)
	}
	delete(known, "renewed")
	b.open("/") // the session is over
	if b.cookie != nil {
		t.Errorf("cookie %v after the end", b.cookie)
	}
	b.open("/-/repositories")
	if b.last.StatusCode != 303 {
		t.Errorf("a session that is over: %d", b.last.StatusCode)
	}
}

// A store that does not answer for a moment signs nobody out.
func TestFailureKeepsTheCookie(t *testing.T) {
	b := newOwner(newRig(t))
	resume := b.Resume
	b.Resume = func(*http.Request, string) (Session, error) { return Session{}, errors.New("secret cause") }
	d := b.open("/")
	b.wants(d, 500, "request-1")
	if strings.Contains(d.text("body"), "secret cause") || b.cookie == nil {
		t.Errorf("cookie %v, page %s", b.cookie, d.text("main"))
	}
	b.Resume = resume
	b.wants(b.open("/-/repositories"), 200, "Your repositories")
}

func TestCrawlersOfAPrivateRegistrySignIn(t *testing.T) {
	r := fill(t, "x")
	r.Private = true
	r.withPeople(registry.Caller{})
	for header, status := range map[string]int{"Authorization: Basic b3duZXI6cmlnaHQ=": 200, "Authorization: Basic b3duZXI6d3Jvbmc=": 401, "X: y": 401, "Authorization: Basic b3duZXI6YWdhaW4=": 429} {
		request := httptest.NewRequest(http.MethodPost, "/getRegistryCatalogData", strings.NewReader(`{"registryAliasName":"acme"}`))
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
		w := httptest.NewRecorder()
		r.Crawl(w, request)
		if challenge := w.Header().Get("WWW-Authenticate"); w.Code != status || (status == 401) != (challenge != "") || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", header, w.Code, w.Header())
		}
	}
}

func TestPrivatePagesNeedSigningIn(t *testing.T) {
	r := fill(t, "x")
	r.Private = true
	r.withPeople(registry.Caller{})
	b := &browser{rig: r}
	for _, path := range []string{"/", "/search?searchTerm=x", "/acme", "/acme/team/app", "/acme/team/app:1.0", "/acme/team/app?from=a&to=b", "/UPPER", "/acme/", "/-/repositories"} {
		b.open(path)
		if to := b.last.Header.Get("Location"); b.last.StatusCode != 303 || to != "/-/sign-in?next="+url.QueryEscape(path) {
			t.Errorf("%s: %d to %q", path, b.last.StatusCode, to)
		}
	}
	for _, path := range []string{"/acme?feed=atom", "/acme/team/app?feed=atom", "/sitemap.xml"} {
		res := ask(r, "GET", path)
		if body := bodyOf(t, res); res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != `Basic realm="registry.test", charset="UTF-8"` || !strings.HasPrefix(body, "This registry is private.") {
			t.Errorf("%s: %d %v %s", path, res.StatusCode, res.Header, body)
		}
		if res := ask(r, "GET", path, "Authorization: Basic b3duZXI6cmlnaHQ="); res.StatusCode != 200 || len(res.Cookies()) != 0 {
			t.Errorf("%s with a password: %d, %v", path, res.StatusCode, res.Cookies())
		}
		if res := ask(r, "GET", path, "Authorization: Basic b3duZXI6d3Jvbmc="); res.StatusCode != 401 {
			t.Errorf("%s with a wrong password: %d", path, res.StatusCode)
		}
	}
	if res := ask(r, "GET", "/robots.txt"); res.StatusCode != 200 || bodyOf(t, res) != "User-agent: *\nDisallow: /\n" {
		t.Errorf("robots.txt: %d", res.StatusCode)
	}
	if res := ask(r, "GET", r.site.Asset("gallery.css")); res.StatusCode != 200 {
		t.Errorf("the style sheet of the sign-in page: %d", res.StatusCode)
	}
	b.wants(b.open("/-/sign-in"), 200, "This registry is private")
	b.signIn("owner", "right")
	b.wants(b.open("/acme/team/app"), 200, "Downloads")
}

// A page in another window of the browser, or anywhere else, cannot send forms in the name of who is signed in.
func TestFormsOfOthersAreRefused(t *testing.T) {
	b := newOwner(newRig(t))
	b.withPeople(registry.Caller{Account: owner.Account, ARN: "arn:aws:iam::123456789012:user/u"})
	create := func(key, header, value string) int {
		r := httptest.NewRequest(http.MethodPost, "https://registry.test/-/repositories", strings.NewReader(url.Values{"key": {key}, "name": {"made"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if header != "" {
			r.Header.Set(header, value)
		}
		b.do(r)
		return b.last.StatusCode
	}
	const right = "owner's form key"
	for what, status := range map[string]int{
		"without a key":             create("", "", ""),
		"with a wrong key":          create("owner's form kex", "", ""),
		"with the key of another":   create("user's form key", "", ""),
		"of another site":           create(right, "Sec-Fetch-Site", "cross-site"),
		"of a host beside this":     create(right, "Sec-Fetch-Site", "same-site"),
		"of another origin":         create(right, "Origin", "https://evil.example"),
		"of an origin without name": create(right, "Origin", "null"),
		"with the key in the query": func() int {
			b.post("/-/repositories?key="+url.QueryEscape(right), url.Values{"name": {"made"}})
			return b.last.StatusCode
		}(),
	} {
		if status != 403 {
			t.Errorf("a form %s: %d", what, status)
		}
	}
	if _, err := b.core.RepositoryPage(t.Context(), registry.Path{Registry: "acme", Name: "made"}); registry.KindOf(err) != registry.RepositoryNotFound {
		t.Fatalf("a refused form was carried out: %v", err)
	}
	kept := b.cookie
	if b.cookie = nil; create(right, "", "") != 303 {
		t.Errorf("a form without a session: %d", b.last.StatusCode)
	}
	if b.signIn("owner", "right"); b.cookie == nil {
		t.Fatal("cannot sign in")
	}
	r := httptest.NewRequest(http.MethodPost, "https://registry.test/-/sign-in", strings.NewReader("name=owner&password=right"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	if b.do(r); b.last.StatusCode != 403 {
		t.Errorf("signed in by another site: %d", b.last.StatusCode)
	}
	b.cookie = kept
	if status := create(right, "Origin", "https://registry.test"); status != 303 {
		t.Errorf("the owner's own form: %d", status)
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	b := newOwner(newRig(t))
	b.create("team/app", "x")
	b.wants(b.submit("/-/repositories", "name="+strings.Repeat("x", maxForm)), 400, "more than 1 MB")
	b.wants(b.submit("/-/repositories/team/app", "do=nothing"), 400, "cannot be read")
	b.wants(b.submit("/-/repositories/team/app", "do=delete-tags", "tags=..%"), 400, "cannot be read")
	r := httptest.NewRequest(http.MethodPost, "/-/repositories", strings.NewReader("no parts"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	b.wants(b.do(r), 400, "cannot be read")
	r = httptest.NewRequest(http.MethodPut, "/-/repositories", nil)
	b.wants(b.do(r), 405)
}

// Signing in leads to addresses of this server only.
func TestLocalPath(t *testing.T) {
	for _, path := range []string{"/", "/acme", "/acme/team/app?tab=tags&tag=%2F", "/-/repositories/team/app", "/search?searchTerm=a%20b"} {
		if got := localPath(path); got != path {
			t.Errorf("%q leads to %q", path, got)
		}
	}
	for _, path := range []string{"", "acme", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "\t//evil.example", "https://evil.example", "javascript:alert(1)", "/-/sign-out", "/-/sign-in?next=/", "/%zz", " //evil.example", "/\x00/x", "/%2fevil.example", `/%2fevil.example/"`} {
		if got := localPath(path); got != ownPath {
			t.Errorf("%q leads to %q", path, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	f.Add("/acme")
	f.Add("//evil.example")
	f.Add("/\\evil.example")
	f.Add("/%2f/evil.example#x")
	base := &url.URL{Scheme: "https", Host: "registry.test", Path: "/-/sign-in"}
	f.Fuzz(func(t *testing.T, next string) {
		got := localPath(next)
		u, err := url.Parse(got)
		if err != nil || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n") || base.ResolveReference(u).Host != base.Host {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}
