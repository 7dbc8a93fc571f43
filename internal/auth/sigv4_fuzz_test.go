package auth

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// sendable tells whether a header value goes over the wire as it is.
func sendable(value string) bool {
	return strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}

var regionName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// tampers changes one signed thing each.
var tampers = []struct {
	name   string
	tamper func(r *http.Request, body *string)
}{
	{"body", func(_ *http.Request, body *string) { *body += "x" }},
	{"method", func(r *http.Request, _ *string) { r.Method = "PATCH" }},
	{"path", func(r *http.Request, _ *string) { r.URL.Path += "x"; r.URL.RawPath = "" }},
	{"query added", func(r *http.Request, _ *string) { r.URL.RawQuery = "zz=1&" + r.URL.RawQuery }},
	{"host", func(r *http.Request, _ *string) { r.Host += "x" }},
	{"header value", func(r *http.Request, _ *string) { r.Header["X-Amz-Meta"][0] += "x" }},
	{"header value added", func(r *http.Request, _ *string) { r.Header.Add("X-Amz-Meta", "x") }},
	{"header value gone", func(r *http.Request, _ *string) { r.Header["X-Amz-Meta"] = r.Header["X-Amz-Meta"][1:] }},
	{"operation", func(r *http.Request, _ *string) {
		r.Header.Set("X-Amz-Target", "SpencerFrontendService.DeleteRepository")
	}},
	{"date", func(r *http.Request, _ *string) { r.Header.Set("X-Amz-Date", "20261122T084821Z") }},
	{"region", func(r *http.Request, _ *string) { editAuthorization(r, "/ecr-public/", "x/ecr-public/") }},
	{"signed header left out", func(r *http.Request, _ *string) { editAuthorization(r, "content-type;", "") }},
	{"length", func(r *http.Request, _ *string) { r.ContentLength++ }},
	{"signature", func(r *http.Request, _ *string) {
		header := []byte(r.Header.Get("Authorization"))
		header[len(header)-1] ^= 1
		r.Header.Set("Authorization", string(header))
	}},
}

func editAuthorization(r *http.Request, old, new string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
}

// Whatever the AWS SDK signs and net/http carries verifies, and with any signed thing changed it does not.
func FuzzVerifierAgreesWithSDKSigner(f *testing.F) {
	f.Add("/", "", "a", "b", "{}", "us-east-1")
	f.Add("/a b/c%2Fd/é", "x=1&x=0&y", "  two  spaces ", "a,b", "", "eu-west-3")
	f.Add("/a//b/../c/", "a/b=1&a-b=2&a=b=c&=&%20=+", "\ttab\t inside", "", "body", "r")
	f.Add("//", "q=%C3%A9&Q=%ff&~=~*'()!", "\u00a0no-break\u00a0", "\u0085", "x", "local")
	f.Add("/%", "bad=%zz&semi;colon&good=1", "\xff\xfe", `"quoted  text"`, "\x00", "us-gov-west-1")
	f.Add("/:@!$&'()*+,;=", "a=1&a%2F=2&a-=3", "   ", " ", strings.Repeat("x", 7500), "a.b")
	f.Fuzz(func(t *testing.T, path, query, value1, value2, body, region string) {
		if !sendable(value1) || !sendable(value2) || !regionName.MatchString(region) {
			return
		}
		r := newRequest(t, "/", body)
		r.URL = &url.URL{Scheme: "http", Host: "127.0.0.1:8080", Path: "/" + path, RawQuery: query}
		r.Header["X-Amz-Meta"] = []string{value1, value2}
		sign(t, r, body, testSecret, region, testTime)
		r = overTheWire(t, r)

		v := newVerifier()
		got, err := verify(v, r, body)
		if err != nil {
			t.Fatalf("%v\nAuthorization: %s", err, r.Header.Get("Authorization"))
		}
		if got != testIdentity {
			t.Fatalf("identity is %+v, want %+v", got, testIdentity)
		}
		for _, tt := range tampers {
			changed, body := r.Clone(t.Context()), body
			if body == "" && tt.name == "length" {
				continue // the signer does not sign a length of 0
			}
			tt.tamper(changed, &body)
			if got, err := verify(v, changed, body); err == nil || got != (Identity{}) {
				t.Errorf("with another %s the request still verifies as %+v", tt.name, got)
			}
		}
	})
}

// No header, however odd, makes Begin panic or gets an unsigned request through.
func FuzzBegin(f *testing.F) {
	const scope = "AWS4-HMAC-SHA256 Credential=" + testKeyID + "/20261122/us-east-1/ecr-public/aws4_request"
	f.Add(scope+", SignedHeaders=host;x-amz-date, Signature=00", "20261122T084820Z", "", "")
	f.Add(scope+",SignedHeaders=content-length;host,Signature=00", "", "Sun, 22 Nov 2026 08:48:20 GMT", "a=%zz")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature==", "00000000T000000Z", "Fri, 31 Dec 9999 23:59:59 -2359", "X-Amz-Signature")
	f.Add("AWS4-HMAC-SHA256 ,,,=", "", "Sat, 01 Jan 0000 00:00:00 +2359", ";")
	f.Add("Basic QVdTOng=", "20261122T084820.5Z", "", "?&=")
	f.Fuzz(func(t *testing.T, authorization, amzDate, date, query string) {
		r := newRequest(t, "/", "")
		r.Header.Del("X-Amz-Target")
		r.URL.RawQuery = query
		for name, value := range map[string]string{"Authorization": authorization, "X-Amz-Date": amzDate, "Date": date} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		p, err := newVerifier().Begin(r)
		if err != nil {
			return
		}
		if got, err := p.Finish([32]byte{}); err == nil || got != (Identity{}) {
			t.Errorf("%q verifies as %+v", authorization, got)
		}
	})
}
