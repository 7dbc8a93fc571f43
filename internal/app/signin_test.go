package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/gallery"
)

// signInRig is signIns over an identityRig, whose clock is that of the throttle too.
type signInRig struct {
	*identityRig
	people *signIns
}

func newSignInRig(t *testing.T) *signInRig {
	t.Helper()
	r := &signInRig{identityRig: newIdentityRig(t)}
	r.people = newSignIns(r.identity)
	r.people.failed.now = func() time.Time { return r.now }
	return r
}

func (r *signInRig) from(address, name, secret string) (gallery.Session, error) {
	request := newRequest(http.MethodPost, "/-/sign-in", "")
	return r.people.signIn(withConnection(request, connection{remote: address}), name, secret)
}

func (r *signInRig) resume(token string) (gallery.Session, error) {
	return r.people.resume(newRequest(http.MethodGet, "/", ""), token)
}

func TestSignInTakesAccessKeysAndDockerPasswords(t *testing.T) {
	r := newSignInRig(t)
	_, password := r.apiToken(t, "GOOD")
	for name, secret := range map[string]string{"GOOD": someSecret, "AWS": password} {
		s, err := r.from("192.0.2.1", name, secret)
		if err != nil || s.Caller.KeyID != "GOOD" || s.Caller.Account != testAccount || s.FormKey == "" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		again, err := r.resume(s.Token)
		if err != nil || again.Caller.KeyID != "GOOD" || again.FormKey != s.FormKey || again.Token != s.Token || len(again.Caller.Conditions()["aws:SecureTransport"]) != 1 {
			t.Errorf("%s resumed: %+v, %v", name, again, err)
		}
	}
	_, disabled := r.apiToken(t, "DISABLED")
	for _, c := range []struct{ name, secret, want string }{
		{"GOOD", "wrong", errWrongSignIn.Message},
		{"GOOD", "", errWrongSignIn.Message},
		{"GOOD", someSecret + "x", errWrongSignIn.Message},
		{"ABSENT", someSecret, errWrongSignIn.Message},
		{"DISABLED", someSecret, errWrongSignIn.Message},
		{"", "", errWrongSignIn.Message},
		{"\x00", "\xff", errWrongSignIn.Message},
		{strings.Repeat("x", maxKeyID+1), "", errWrongSignIn.Message},
		{"AWS", "wrong", tokenInvalid},
		{"AWS", someSecret, tokenInvalid},
		{"AWS", disabled, tokenInvalid},
	} {
		_, err := r.from(fmt.Sprint("192.0.2.", len(c.name)), c.name, c.secret)
		checkRefused(t, fmt.Sprintf("%q with %.10q", c.name, c.secret), err, c.want)
	}
}

func TestSessionEnds(t *testing.T) {
	r := newSignInRig(t)
	s, err := r.from("192.0.2.1", "GOOD", someSecret)
	must(t, err)
	begun := r.now
	r.now = begun.Add(auth.SessionIdle)
	_, err = r.resume(s.Token)
	checkRefused(t, "an idle session", err, tokenExpired)

	for used := begun; used.Before(begun.Add(auth.MaxSession)); used = used.Add(30 * time.Minute) {
		r.now = used
		next, err := r.resume(s.Token)
		must(t, err)
		if used.After(begun) == (next.Token == s.Token) || next.FormKey != s.FormKey {
			t.Errorf("at %v the session becomes %+v after %+v", used.Sub(begun), next, s)
		}
		s = next
	}
	r.now = begun.Add(auth.MaxSession)
	_, err = r.resume(s.Token)
	checkRefused(t, "a session that was always used", err, tokenExpired)

	r.now = begun
	password, _, err := r.tokens.IssuePassword(context.Background(), identityOf(callerOf("GOOD")), 10*time.Minute)
	must(t, err)
	s, err = r.from("192.0.2.1", "AWS", password)
	must(t, err)
	r.now = begun.Add(10 * time.Minute)
	_, err = r.resume(s.Token)
	checkRefused(t, "a session whose password is over", err, tokenExpired)
	for _, token := range []string{"", "x", "x.y", password} {
		_, err = r.resume(token)
		checkRefused(t, token, err, tokenInvalid)
	}
}

func TestSessionGoesWithItsKey(t *testing.T) {
	r := newSignInRig(t)
	s, err := r.from("192.0.2.1", "GOOD", someSecret)
	must(t, err)
	_, err = r.registry.SetAccessKeyDisabled(t.Context(), "GOOD", true)
	must(t, err)
	r.forget() // as another node would by itself within two seconds
	_, err = r.resume(s.Token)
	checkRefused(t, "the session of a disabled key", err, tokenInvalid)
	must(t, r.registry.DeleteAccessKey(t.Context(), "GOOD"))
	r.forget()
	_, err = r.resume(s.Token)
	checkRefused(t, "the session of a deleted key", err, tokenInvalid)
}

func TestFailedSignInsAreThrottled(t *testing.T) {
	r := newSignInRig(t)
	var tries *gallery.TooManyTries
	for range 30 {
		_, err := r.from("192.0.2.1", "GOOD", someSecret)
		must(t, err) // what succeeds does not count
	}
	for i := range 10 {
		if _, err := r.from("192.0.2.1", fmt.Sprint("KEY", i), "wrong"); errors.As(err, &tries) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := r.from("192.0.2.1", "GOOD", someSecret); !errors.As(err, &tries) || tries.Wait != 10*time.Second {
		t.Errorf("after ten failures: %v", err)
	}
	_, err := r.from("192.0.2.2", "GOOD", someSecret)
	must(t, err)
	r.now = r.now.Add(10 * time.Second)
	_, err = r.from("192.0.2.1", "GOOD", someSecret)
	must(t, err)

	for i := range 60 {
		_, _ = r.from(fmt.Sprint("198.51.100.", i), "GOOD", "wrong")
	}
	if _, err := r.from("192.0.2.3", "GOOD", someSecret); !errors.As(err, &tries) {
		t.Errorf("after sixty failures with one key: %v", err)
	}
	_, password := r.apiToken(t, "GOOD")
	_, err = r.from("192.0.2.3", "AWS", password)
	must(t, err)
}

func TestNetworkOfAClient(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "": "", "@": "@",
	} {
		if got := network(remote); got != want {
			t.Errorf("%q is of %q instead of %q", remote, got, want)
		}
	}
}

// The forms take exactly what the API takes.
func TestFormsHaveTheLimitsOfTheAPI(t *testing.T) {
	text := func(n int) *string { s := strings.Repeat("é", n); return &s }
	words := func(n, length int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = *text(length)
		}
		return list
	}
	for over := range 2 {
		for name, in := range map[string]any{
			"description":   &ecrpublic.RepositoryCatalogDataInput{Description: text(gallery.MaxDescription + over)},
			"about":         &ecrpublic.RepositoryCatalogDataInput{AboutText: text(gallery.MaxText + over)},
			"usage":         &ecrpublic.RepositoryCatalogDataInput{UsageText: text(gallery.MaxText + over)},
			"word":          &ecrpublic.RepositoryCatalogDataInput{Architectures: words(1, gallery.MaxPlatformWord+over)},
			"systems":       &ecrpublic.RepositoryCatalogDataInput{OperatingSystems: words(gallery.MaxPlatformWords+over, 1)},
			"architectures": &ecrpublic.RepositoryCatalogDataInput{Architectures: words(gallery.MaxPlatformWords+over, 1)},
			"display name":  &ecrpublic.PutRegistryCatalogDataRequest{DisplayName: text(gallery.MaxDisplayName + over)},
		} {
			if err := ecrpublic.Validate(in); (err == nil) != (over == 0) {
				t.Errorf("%s, %d too many: %v", name, over, err)
			}
		}
	}
}

// Somebody signs in to a real server, over TLS and without, and creates a repository.
func TestSignInOnTheWire(t *testing.T) {
	for scheme, c := range map[string]Config{"http": newConfig(t), "https": newConfig(t)} {
		if c.Private = true; scheme == "https" {
			c.TLS = "self-signed"
		}
		r := serve(t, c)
		env := readEnvironment(t, c)
		jar, err := cookiejar.New(nil)
		must(t, err)
		transport := &http.Transport{TLSClientConfig: new(tls.Config)}
		if scheme == "https" {
			transport = trusting(t, r.Info().Certificate).Transport.(*http.Transport)
		}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Jar: jar, Transport: transport}
		page := func(status int, path string, form url.Values) string {
			t.Helper()
			method := http.MethodGet
			if form != nil {
				method = http.MethodPost
			}
			request, err := http.NewRequestWithContext(t.Context(), method, r.Info().URL+path, strings.NewReader(form.Encode()))
			must(t, err)
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer, err := client.Do(request)
			must(t, err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			must(t, err)
			if answer.StatusCode != status {
				t.Fatalf("%s %s %s: %s\n%s", scheme, method, path, answer.Status, body)
			}
			return string(body)
		}
		if text := page(200, "/", nil); !strings.Contains(text, "This registry is private") {
			t.Errorf("%s: the first page shows %s", scheme, text)
		}
		page(403, "/-/sign-in", url.Values{"name": {env.AccessKeyID}, "password": {"wrong-secret"}})
		text := page(200, "/-/sign-in", url.Values{"name": {env.AccessKeyID}, "password": {env.SecretAccessKey}})
		_, key, _ := strings.Cut(text, `name="key" value="`)
		key, _, _ = strings.Cut(key, `"`)
		page(200, "/-/repositories", url.Values{"name": {"team/app"}, "key": {key}})
		if text := page(200, "/-/repositories", nil); !strings.Contains(text, "team/app") {
			t.Errorf("%s: %s", scheme, text)
		}
		base, err := url.Parse(r.Info().URL)
		must(t, err)
		name := map[string]string{"http": "openecr-session", "https": "__Host-openecr-session"}[scheme]
		cookies := jar.Cookies(base)
		if len(cookies) != 1 || cookies[0].Name != name {
			t.Errorf("%s: cookies %v", scheme, cookies)
		}
		page(403, "/-/repositories", url.Values{"name": {"team/other"}, "key": {"wrong"}})
		r.stop()
		must(t, r.wait())
		log := r.log.String()
		for what, secret := range map[string]string{"the secret": env.SecretAccessKey, "the wrong secret": "wrong-secret", "the session": cookies[0].Value, "the form key": key} {
			if strings.Contains(log, secret) {
				t.Errorf("%s: the log tells %s", scheme, what)
			}
		}
		if !strings.Contains(log, `"operation":"GalleryOwn"`) || !strings.Contains(log, `"caller":"arn:aws:iam::`) {
			t.Errorf("%s: the log does not tell who did what", scheme)
		}
	}
}
