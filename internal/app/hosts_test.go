package app

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func addr(t *testing.T, s string) net.Addr {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", s)
	must(t, err)
	return a
}

func TestHostsThatMayBeAskedFor(t *testing.T) {
	const onLoopback, elsewhere = "127.0.0.1:8080", "10.0.0.1:8080"
	for _, c := range []struct {
		listens string
		options Protection
		host    string
		want    bool
	}{
		{onLoopback, Protection{}, "127.0.0.1:8080", true},
		{onLoopback, Protection{}, "127.0.0.1", true},
		{onLoopback, Protection{}, "localhost:8080", true},
		{onLoopback, Protection{}, "LOCALHOST:9000", true}, // a forwarded port
		{onLoopback, Protection{}, "localhost.", true},
		{onLoopback, Protection{}, "a.localhost", true},
		{onLoopback, Protection{}, "[::1]:8080", true},
		{onLoopback, Protection{}, "[::1]", true},
		{onLoopback, Protection{}, "192.168.1.2:8080", true}, // a forwarded port; no page has an address for a name that is not its own
		{onLoopback, Protection{}, "registry.example", true}, // of --public-url
		{onLoopback, Protection{}, "registry.example:443", true},
		{onLoopback, Protection{}, "host.docker.internal:8080", true},
		{onLoopback, Protection{}, "host.containers.internal", true},
		{onLoopback, Protection{}, "public.ecr.aws", true},
		{onLoopback, Protection{}, "", true}, // HTTP/1.0
		{onLoopback, Protection{}, "evil.example:8080", false},
		{onLoopback, Protection{}, "localhost.evil.example", false},
		{onLoopback, Protection{}, "evillocalhost", false},
		{onLoopback, Protection{}, "127.0.0.1.evil.example", false},
		{onLoopback, Protection{}, "registry.example.evil.example", false},
		{onLoopback, Protection{}, "127.0.0.1:8080:80", false},
		{onLoopback, Protection{Hosts: []string{"Other.Example"}}, "other.example:8080", true},
		{onLoopback, Protection{Hosts: []string{"other.example"}}, "evil.example", false},
		{onLoopback, Protection{Hosts: []string{"*"}}, "evil.example", true},
		{"[::1]:8080", Protection{}, "evil.example", false},
		{elsewhere, Protection{}, "evil.example", true},
		{elsewhere, Protection{Hosts: []string{"other.example"}}, "evil.example", false},
		{elsewhere, Protection{Hosts: []string{"other.example"}}, "registry.example", true},
	} {
		h := Config{Protection: c.options}.publicHosts(addr(t, c.listens), &url.URL{Host: "registry.example:8443"})
		if got := h.allow(c.host); got != c.want {
			t.Errorf("on %s with %v, host %q: %t", c.listens, c.options.Hosts, c.host, got)
		}
	}
	if adminHosts(addr(t, "127.0.0.1:8081")).allow("evil.example") || !adminHosts(addr(t, "10.0.0.1:8081")).allow("prometheus.example") {
		t.Error("the admin listener takes other names than those of its address")
	}
}

func FuzzHost(f *testing.F) {
	for _, host := range []string{"localhost:1", "[::1%25lo]:80", "[::1", "a:b:c", "..", "xn--a.internal.", "1.2.3.4", "0x7f.1"} {
		f.Add(host)
	}
	h := hosts{names: []string{"registry.example"}, enforced: true}
	f.Fuzz(func(t *testing.T, host string) {
		if !h.allow(host) {
			return
		}
		// What is let in is no name that somebody could have registered.
		name := strings.ToLower(host)
		for _, suffix := range []string{".com", ".com.", ".evil", ".com:80"} {
			if strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, "[") {
				t.Errorf("%q is let in", host)
			}
		}
	})
}

// What a page in a browser could send here, and what clients do that are no browsers.
func TestGuard(t *testing.T) {
	h := hosts{names: []string{"registry.example"}, enforced: true}
	for name, c := range map[string]struct {
		method, url string
		header      http.Header
		proxies     []string
		want        int
	}{
		"a client":                         {"POST", "http://registry.example/", nil, nil, 200},
		"rebound":                          {"GET", "http://evil.example/", nil, nil, 421},
		"rebound, with a forwarded host":   {"GET", "http://evil.example/", http.Header{"X-Forwarded-Host": {"registry.example"}}, []string{"192.0.2.7"}, 421},
		"a proxy that asks by its address": {"GET", "http://127.0.0.1:8080/", http.Header{"X-Forwarded-Host": {"registry.example"}}, []string{"192.0.2.7"}, 200},
		"a proxy for another name":         {"GET", "http://127.0.0.1:8080/", http.Header{"X-Forwarded-Host": {"other.example"}}, []string{"192.0.2.7"}, 200},
		"another origin writes":            {"PUT", "http://registry.example/v2/", http.Header{"Origin": {"http://evil.example"}}, nil, 403},
		"another origin calls the API":     {"POST", "http://registry.example/", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil, 403},
		"no origin that a page may say":    {"DELETE", "http://registry.example/v2/", http.Header{"Origin": {"null"}}, nil, 403},
		"another origin reads":             {"GET", "http://registry.example/", http.Header{"Sec-Fetch-Site": {"cross-site"}}, nil, 200},
		"this origin writes":               {"POST", "http://registry.example/", http.Header{"Origin": {"http://registry.example"}}, nil, 200},
		"a form of the gallery":            {"POST", "http://registry.example/-/sign-in", http.Header{"Origin": {"http://evil.example"}}, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(c.method, c.url, "")
			for key, values := range c.header {
				r.Header[key] = values
			}
			w, _ := serveOnce(t, r, guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), h).ServeHTTP, c.proxies...)
			checkGuarded(t, w, c.want)
		})
	}
}

// checkGuarded tells whether an answer is no page, and a refusal one that both kinds of clients can read.
func checkGuarded(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Errorf("%d instead of %d: %s", w.Code, status, w.Body)
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a browser could take the answer for a page: %v", w.Header())
	}
	if status == http.StatusOK {
		return
	}
	var body struct {
		Message string
		Errors  []struct{ Code, Message string }
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &body))
	if body.Message == "" || len(body.Errors) != 1 || body.Errors[0].Message != body.Message {
		t.Errorf("%s", w.Body)
	}
}

func TestHostOption(t *testing.T) {
	for _, name := range []string{"", "registry.example:80", "a/b", "http://a", "a b", "a.*"} {
		c := newConfig(t)
		c.Hosts = []string{name}
		if got, want := refusal(t, c), "must be a host name without port, such as registry.example, or * for any"; !strings.Contains(got, want) {
			t.Errorf("--host %q: %s", name, got)
		}
	}
	c := newConfig(t)
	c.Hosts = []string{"other.example"}
	r := serve(t, c)
	for host, want := range map[string]int{"other.example": 200, "evil.example": 421} {
		for _, address := range []string{r.Info().URL, "http://" + r.adminLis.Addr().String()} {
			req, err := http.NewRequest("GET", address+"/healthz", nil)
			must(t, err)
			req.Host = host
			res, body := r.send(t, req)
			if isAdmin := address != r.Info().URL; !isAdmin && res.StatusCode != want || isAdmin && res.StatusCode != 421 {
				t.Errorf("%s as %s: %d %s", address, host, res.StatusCode, body)
			}
		}
	}
}

// Every kind of address there is, on every listener that browsers reach: no answer runs anything that was not served as
// a file, and none is taken for another type than it says.
func TestEveryAnswerKeepsBrowsersFromRunningIt(t *testing.T) {
	v := newVictim(t, newConfig(t))
	alias, cookie := v.Info().Alias, header("Cookie", v.session().String())
	page := v.send("GET", "/", "")
	_, home := v.running.send(t, page)
	asset := regexp.MustCompile(`/-/assets/[a-z]+\.[0-9a-f]+\.(?:css|js)`).FindString(home)
	if asset == "" {
		t.Fatalf("the home page has no assets:\n%s", home)
	}
	requests := []*http.Request{
		v.call(v.root, "DescribeRegistries", `{}`), v.call(v.root, "CreateRepository", `{}`), v.send("POST", "/", ""),
		v.callAt(time.Now(), "sts", v.root, "", "Action=GetCallerIdentity&Version=2011-06-15", without("X-Amz-Target"), header("Content-Type", "application/x-www-form-urlencoded")),
		v.callAt(time.Now(), "s3", v.root, "", "", without("X-Amz-Target")),
		v.send("POST", "/searchRepositoryCatalogData", `{}`), v.form("/-/sign-in", ""), v.send("PUT", "/", ""), v.send("OPTIONS", "/v2/", ""),
		v.send("GET", "/", "", host("evil.example")), v.send("POST", "/", "", header("Origin", "https://evil.example")),
		v.send("GET", "/-/repositories", "", cookie), v.send("GET", "/-/repositories/hello", "", cookie), v.send("GET", "/-/registry", "", cookie), v.send("GET", "/-/new", "", cookie),
	}
	for _, path := range []string{
		"/", "/" + alias, "/" + alias + "/hello", "/" + alias + "/hello:1", "/" + alias + "/hello:1?tab=layers", "/" + alias + "/hello?feed=atom", "/search?searchTerm=h",
		"/robots.txt", "/sitemap.xml", "/-/sign-in", "/-/nothing", asset, "/-/assets/none.css", "/-/logo/none.png", "/healthz", "/readyz", "/nothing/at/all",
		"/v2/", "/token", v.repository() + "/tags/list", v.repository() + "/manifests/1", v.repository() + "/manifests/none", v.repository() + "/blobs/" + digest([]byte(v.layer)),
		v.repository() + "/referrers/" + digest([]byte(v.manifest)), "/v2/x",
	} {
		requests = append(requests, v.send("GET", path, ""), v.send("HEAD", path, ""))
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/nothing"} {
		requests = append(requests, v.onAdmin(path))
	}
	for _, r := range requests {
		res, _ := v.running.send(t, r)
		policy := res.Header.Get("Content-Security-Policy")
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s: %s with the policy %q", r.Method, r.URL, res.Status, policy)
		}
		if isPage := strings.HasPrefix(res.Header.Get("Content-Type"), "text/html"); isPage && !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s %s: a page that can be framed", r.Method, r.URL)
		}
	}
}
