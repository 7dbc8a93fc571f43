package gallery

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// policy lets a page load what this server serves as files, and nothing else: no script or style inside the page, nothing
// from other hosts, no frame around it. So a string that got through as markup could still do nothing.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const (
	typeHTML = "text/html; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
	typeXML  = "application/xml; charset=utf-8"
	typeAtom = "application/atom+xml; charset=utf-8"
)

// answer is a whole response, made before anything of it is written.
type answer struct {
	status      int
	contentType string
	location    string
	allow       string
	challenge   string // how a program is to sign in
	retryAfter  int    // seconds
	cookie      *http.Cookie
	body        []byte
}

func redirect(status int, location string) answer {
	return answer{status: status, contentType: typeText, location: location}
}

// write sends the answer. Pages may be kept but are asked for again each time; one that did not change costs no body.
func (a answer) write(w http.ResponseWriter, v *visit) {
	h := w.Header()
	setSecurity(h)
	h.Set("Content-Type", a.contentType)
	h.Set("Vary", "Accept-Encoding, Cookie")
	h.Set("Cache-Control", "no-cache")
	if v.signedIn() {
		h.Set("Cache-Control", "private, no-store")
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.allow != "" {
		h.Set("Allow", a.allow)
	}
	if a.challenge != "" {
		h.Set("WWW-Authenticate", a.challenge)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	if a.cookie != nil {
		http.SetCookie(w, a.cookie)
		h.Set("Cache-Control", "private, no-store")
	}
	if a.status == http.StatusOK && a.cookie == nil && !v.signedIn() {
		sum := sha256.Sum256(a.body)
		etag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", etag)
		if matches(v.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := a.body
	// What a page of somebody signed in repeats from its address must not be weighed against its secrets by their size.
	if !v.signedIn() && takesGzip(v.Request) && len(body) > 1000 {
		body = compress(body)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	if v.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that left does not hear the answer
	}
}

func setSecurity(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// matches reads an If-None-Match header, by the weak comparison that RFC 9110 wants here.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if name == "gzip" && weight != "q=0" {
			return true
		}
	}
	return false
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is one of the package's own
	_, _ = z.Write(body)                            // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
