package gallery

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// people sign in with their name and the password "right"; their token is their name.
type people map[string]Session

func (p people) signIn(_ *http.Request, name, secret string) (Session, error) {
	if s, ok := p[name]; ok && secret == "right" {
		return s, nil
	}
	if secret == "again" {
		return Session{}, &TooManyTries{Wait: 90e9}
	}
	return Session{}, &registry.Error{Kind: registry.AccessDenied, Message: "That is not <right>."}
}

func (p people) resume(_ *http.Request, token string) (Session, error) {
	if s, ok := p[token]; ok {
		return s, nil
	}
	return Session{}, &registry.Error{Kind: registry.AccessDenied, Message: "The session is over."}
}

// browser is somebody who visits a gallery and keeps its cookie.
type browser struct {
	*rig
	cookie *http.Cookie
	last   *http.Response
}

// withPeople lets the owner sign in, and a user who may do only what the policy says.
func (r *rig) withPeople(user registry.Caller) people {
	known := people{
		"owner": {Caller: owner, FormKey: "owner's form key", Token: "owner"},
		"user":  {Caller: user, FormKey: "user's form key", Token: "user"},
	}
	o := r.Options
	o.SignIn, o.Resume = known.signIn, known.resume
	r.Server = New(o)
	return known
}

// newOwner is a browser in which the owner of a new rig is signed in.
func newOwner(r *rig) *browser {
	r.Helper()
	r.withPeople(registry.Caller{})
	b := &browser{rig: r}
	b.signIn("owner", "right")
	return b
}

func (b *browser) signIn(name, password string) document {
	b.Helper()
	return b.post("/-/sign-in", url.Values{"name": {name}, "password": {password}})
}

func (b *browser) do(r *http.Request) document {
	b.Helper()
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	w.Header().Set(requestIDHeader, "request-1")
	b.ServeHTTP(w, r)
	b.last = w.Result()
	for _, c := range b.last.Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return parseHTML(b, bodyOf(b, b.last))
}

func (b *browser) open(address string) document {
	b.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, address, nil))
}

// post sends a form as it is.
func (b *browser) post(address string, fields url.Values) document {
	b.Helper()
	r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// submit sends a form of the owner, "name=value" after "name=value", and follows where it leads.
func (b *browser) submit(address string, fields ...string) document {
	b.Helper()
	values := url.Values{"key": {"owner's form key"}}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		values.Add(name, value)
	}
	d := b.post(address, values)
	if b.last.StatusCode == http.StatusSeeOther {
		return b.open(b.last.Header.Get("Location"))
	}
	return d
}

// upload sends a logo.
func (b *browser) upload(address string, file []byte) document {
	b.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range map[string]string{"key": "owner's form key", "do": "logo"} {
		b.must(m.WriteField(name, value))
	}
	w, err := m.CreateFormFile("logo", "logo.png")
	b.must(err)
	_, err = w.Write(file)
	b.must(err)
	b.must(m.Close())
	r := httptest.NewRequest(http.MethodPost, address, io.Reader(&body))
	r.Header.Set("Content-Type", m.FormDataContentType())
	d := b.do(r)
	if b.last.StatusCode == http.StatusSeeOther {
		return b.open(b.last.Header.Get("Location"))
	}
	return d
}

// value of the input with that id.
func (d document) value(id string) string {
	for _, e := range d.elements("input") {
		if got, _ := attribute(e, "id"); got == id {
			value, _ := attribute(e, "value")
			return value
		}
	}
	return ""
}

// wants checks the status of the last answer and that a page says something.
func (b *browser) wants(d document, status int, texts ...string) {
	b.Helper()
	if b.last.StatusCode != status {
		b.Errorf("status %d instead of %d: %s", b.last.StatusCode, status, d.text("main"))
	}
	for _, text := range texts {
		if !strings.Contains(d.text("main"), text) {
			b.Errorf("the page lacks %q: %s", text, d.text("main"))
		}
	}
}
