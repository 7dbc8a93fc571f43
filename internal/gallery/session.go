package gallery

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Session is who is signed in. The zero value is nobody.
type Session struct {
	Caller  registry.Caller
	FormKey string // every form of the session's pages carries it; it is nowhere else
	Token   string // what the browser is to keep from now on
}

// TooManyTries is the error for somebody who has failed to sign in too often.
type TooManyTries struct{ Wait time.Duration }

func (e *TooManyTries) Error() string {
	return fmt.Sprintf("too many failed tries to sign in: the next may come in %s", e.Wait.Round(time.Second))
}

// resume finds out who visits: by the cookie of a session or, for programs, by HTTP Basic authentication. What does not
// hold is nobody; where it matters, the visitor is told to sign in.
func (s *Server) resume(v *visit) error {
	if s.SignIn == nil {
		return nil
	}
	if c, err := v.Cookie(s.cookieName()); err == nil {
		session, err := s.Resume(v.Request, c.Value)
		if err = exceptDenied(err); err == nil {
			v.kept, v.session = c.Value, session
		}
		return err
	}
	name, secret, ok := v.BasicAuth()
	if !ok {
		return nil
	}
	session, err := s.SignIn(v.Request, name, secret)
	v.session = Session{Caller: session.Caller} // without forms, and without anything for a browser to keep
	return exceptDenied(err)
}

func exceptDenied(err error) error {
	if registry.KindOf(err) == registry.AccessDenied {
		return nil
	}
	return err
}

func (v *visit) signedIn() bool { return !v.session.Caller.Anonymous() }

// cookieName has the prefix by which browsers take the cookie from this very host over TLS only, where there is TLS
// (RFC 6265bis, section 4.1.3.2).
func (s *Server) cookieName() string {
	if s.PublicURL.Scheme == "https" {
		return "__Host-openecr-session"
	}
	return "openecr-session"
}

// cookie has the browser keep a token until it is closed, or forget it when the token is empty. Links from elsewhere find
// the visitor signed in (Lax); forms from elsewhere are sent without it.
func (s *Server) cookie(token string) *http.Cookie {
	c := &http.Cookie{Name: s.cookieName(), Value: token, Path: "/", HttpOnly: true, Secure: s.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

// keep has the browser's cookie follow the session, when the answer does not say anything else about it.
func (s *Server) keep(v *visit, a *answer) {
	if a.cookie == nil && v.kept != v.session.Token {
		a.cookie = s.cookie(v.session.Token)
	}
}

// signInBody is what the page to sign in shows.
type signInBody struct {
	Name  string
	Next  string // where to go afterwards
	Wrong string
}

// signIn answers the page to sign in and its form.
func (s *Server) signIn(v *visit) (answer, error) {
	if s.SignIn == nil {
		return answer{}, errNowhere
	}
	if v.Method != http.MethodPost {
		next := localPath(v.query.Get("next"))
		if v.session.FormKey != "" {
			return redirect(http.StatusSeeOther, next), nil
		}
		return s.signInPage(v, http.StatusOK, signInBody{Next: next})
	}
	body := signInBody{Name: strings.TrimSpace(v.PostForm.Get("name")), Next: localPath(v.PostForm.Get("next"))}
	session, err := s.SignIn(v.Request, body.Name, strings.TrimSpace(v.PostForm.Get("password")))
	if registry.KindOf(err) == registry.AccessDenied {
		body.Wrong = err.Error()
		return s.signInPage(v, http.StatusForbidden, body)
	}
	if err != nil {
		return answer{}, err
	}
	a := redirect(http.StatusSeeOther, body.Next)
	a.cookie = s.cookie(session.Token)
	return a, nil
}

func (s *Server) signInPage(v *visit, status int, body signInBody) (answer, error) {
	return s.render(v, status, "signin", page{Title: "Sign in", Unlisted: true, Plain: s.Private, Body: body})
}

// signOut has the browser forget its session. The token itself would still hold until it is too old: nobody keeps a list.
func (s *Server) signOut(v *visit) (answer, error) {
	if v.Method != http.MethodPost {
		return redirect(http.StatusSeeOther, "/"), nil
	}
	a := redirect(http.StatusSeeOther, "/")
	a.cookie = s.cookie("")
	return a, nil
}

// signInFirst sends a visitor to the page to sign in, from where the way leads back. Programs are asked for a password.
func (s *Server) signInFirst(v *visit) (answer, error) {
	if v.route.Place == atSitemap || v.query.Get("feed") == "atom" {
		return answer{}, errSignIn
	}
	next := v.URL.RequestURI()
	if v.Method == http.MethodPost {
		next = v.route.String()
	}
	return redirect(http.StatusSeeOther, signInPath+"?"+url.Values{"next": {next}}.Encode()), nil
}

// localPath is a path of this server to go to, and never another host: "//host" and what browsers take for it are not
// paths, nor is "/%2fhost", of which printing it can make one. Instead of what is none it is the visitor's own repositories.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) || strings.HasPrefix(u.Path, "/-/sign-") {
		return ownPath
	}
	u.Fragment = ""
	return u.String()
}
