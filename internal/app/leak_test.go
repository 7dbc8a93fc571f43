package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// written is what came out of a server by one way.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) add(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
}

// Logs at their most talkative, metrics, traces and refusals, after everything that has to do with secrets was done and
// every attack was tried: none of them holds a secret.
func TestSecretsAreWrittenNowhere(t *testing.T) {
	var traces, refusals written
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		export, _ := io.ReadAll(r.Body) // what came of it
		traces.add(export)
	}))
	t.Cleanup(receiver.Close)
	c := newConfig(t)
	c.Traces, c.Audit = receiver.URL, filepath.Join(t.TempDir(), "audit.log")
	v := newVictim(t, c)
	cookie := v.session()
	key := do(t, c.Stores, CreateKey{User: "ci"})
	next := do(t, c.Stores, RotateKey{ID: key.ID})
	do(t, c.Stores, RotateTokenKey{})
	do(t, c.Stores, ListKeys{})
	hook := do(t, c.Stores, AddWebhook{URL: receiver.URL})
	do(t, c.Stores, TestWebhook{ID: hook.ID})
	do(t, c.Stores, ListWebhooks{})

	requests := flowsWithSecrets(v, cookie)
	for _, a := range attacksOn(v) {
		requests = append(requests, a.try)
	}
	for _, r := range requests {
		res, err := v.client.Do(r)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if isPage := strings.HasPrefix(res.Header.Get("Content-Type"), "text/html"); res.StatusCode >= 400 && !isPage { // a form shows again what was typed into its name
			refusals.add(body)
		}
	}
	_, metrics := v.get(t, "http://"+v.adminLis.Addr().String()+"/metrics")
	signature := requests[0].Header.Get("Authorization")
	secrets := map[string]string{
		"a root secret": v.root.secret, "a new secret": key.Secret, "a rotated secret": next.Secret, "another's secret": v.intruder.secret,
		"a password": v.password, "an authorization token": base64.StdEncoding.EncodeToString([]byte("AWS:" + v.password)),
		"a webhook's secret": strings.TrimPrefix(hook.Secret, "whsec_"), "a bearer token": v.pullToken, "a session": cookie.Value, "a signature": signature[strings.LastIndex(signature, "=")+1:],
	}
	master, err := os.ReadFile(c.file(masterKeyFile))
	must(t, err)
	secrets["the master key"] = strings.TrimSpace(string(master))
	keys, err := v.tokenKeys.use(context.Background())
	must(t, err)
	for _, k := range keys {
		secrets["token key "+k.ID] = string(k.Secret[:])
		secrets["token key in hex "+k.ID] = hex.EncodeToString(k.Secret[:])
		secrets["token key in base64 "+k.ID] = base64.StdEncoding.EncodeToString(k.Secret[:])
	}

	v.stop()
	must(t, v.wait()) // traces are sent
	audited, err := os.ReadFile(c.Audit)
	must(t, err)
	for where, text := range map[string]string{"the log": v.log.String(), "the audit log": string(audited), "metrics": metrics, "traces": traces.text.String(), "refusals": refusals.text.String()} {
		if len(text) < 1000 {
			t.Errorf("%s say next to nothing: %q", where, text)
		}
		for what, secret := range secrets {
			if len(secret) < 20 {
				t.Fatalf("%s is %q: what is looked for?", what, secret)
			}
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s hold %s: …%s…", where, what, text[max(0, i-200):i])
			}
		}
	}
}

// flowsWithSecrets is what clients do, and do wrong, with secrets. The first is signed.
func flowsWithSecrets(v *victim, cookie *http.Cookie) []*http.Request {
	login := url.Values{"grant_type": {"password"}, "username": {"AWS"}, "password": {v.password}, "service": {"x"}}.Encode()
	formType := header("Content-Type", "application/x-www-form-urlencoded")
	return []*http.Request{
		v.call(v.root, "DescribeRegistries", `{}`, body("another body")),
		v.call(v.root, "GetAuthorizationToken", `{}`),
		v.call(v.root, "GetAuthorizationToken", `{"secretAccessKey":"`+v.root.secret+`"}`),
		v.send("GET", "/token", "", basicAuth("AWS", v.password)),
		v.send("GET", "/token?password="+url.QueryEscape(v.password), ""),
		v.send("POST", "/token", login, formType),
		v.send("POST", "/token", login+"&x=%zz", formType),
		v.send("GET", "/v2/", "", basicAuth(v.password, "AWS")), // the wrong way round
		v.send("GET", "/v2/", "", basicAuth(v.root.id, v.root.secret)),
		v.send("GET", "/v2/", "", bearer(v.root.secret)),
		v.send("GET", "/v2/", "", header("Authorization", v.password)),
		v.send("POST", "/", "{}", header("Authorization", "AWS4-HMAC-SHA256 "+v.root.secret)),
		v.send("POST", "/", "{}", header("Authorization", "AWS4-HMAC-SHA256 Credential="+v.root.secret+", SignedHeaders=host, Signature=x")),
		v.send("POST", "/", "{}", header("X-Amz-Security-Token", v.password), header("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=x")),
		v.send("GET", "/search?searchTerm=x&token="+v.pullToken, "", header("Referer", v.Info().URL+"/?"+v.pullToken), header("User-Agent", "docker")),
		v.send("GET", "/-/repositories", "", header("Cookie", cookie.Name+"="+cookie.Value)),
		v.send("GET", "/-/repositories", "", header("Cookie", cookie.Name+"="+cookie.Value+"x")),
		v.send("GET", "/-/repositories", "", basicAuth(v.root.id, v.root.secret)),
		v.form("/-/sign-in", url.Values{"name": {v.root.secret}, "password": {v.root.id}}.Encode()),
		v.form("/-/sign-in", url.Values{"name": {v.root.id}, "password": {v.root.secret + "x"}}.Encode()),
		v.form("/-/sign-out", "", header("Cookie", cookie.Name+"="+cookie.Value)),
	}
}
