package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"

	"github.com/openecr/openecr/internal/auth"
)

// victim is a server with a publisher who has an image, and with others who want something of it.
type victim struct {
	*testing.T
	*running
	config Config

	root, intruder, reader, disabled holder // the publisher, one of another account, a key that may only read, one that was disabled

	layer, manifest                       string
	password, disabledPassword, pullToken string
}

// holder has an access key.
type holder struct{ id, secret string }

func newVictim(t *testing.T, c Config) *victim {
	t.Helper()
	v := &victim{T: t, running: serve(t, c), config: c, layer: "<html><script>alert(1)</script><svg onload=alert(2)>"}
	env := readEnvironment(t, c)
	v.root = holder{env.AccessKeyID, env.SecretAccessKey}
	do(t, c.Stores, CreateAccount{ID: "210987654321", Alias: "intruder"})
	v.intruder = v.key(CreateKey{Account: "210987654321"})
	v.reader = v.key(CreateKey{User: "reader", Policy: `{"Statement":{"Effect":"Allow","Action":"ecr-public:Describe*","Resource":"*"}}`})
	v.disabled = v.key(CreateKey{})
	v.publish(newClient(t, v.running, env))
	v.mustCall(v.intruder, "CreateRepository", `{"repositoryName":"mine"}`)
	v.password, v.disabledPassword = v.passwordOf(v.root), v.passwordOf(v.disabled)
	do(t, c.Stores, DisableKey{ID: v.disabled.id})
	_, answer := v.get(t, v.Info().URL+"/token?scope=repository:"+v.Info().Alias+"/hello:pull")
	v.pullToken = field(t, answer, "token")
	return v
}

func (v *victim) key(c CreateKey) holder {
	made := do(v.T, v.config.Stores, c)
	return holder{made.ID, made.Secret}
}

// publish makes the repository that everybody is after.
func (v *victim) publish(client *ecrpublic.Client) {
	name := aws.String("hello")
	_, err := client.CreateRepository(v.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: name, CatalogData: &types.RepositoryCatalogDataInput{
		Description: aws.String("<script>alert(6)</script>"),
		AboutText:   aws.String("A [link](https://example.com), [script](javascript:alert(3)), <script>alert(4)</script> and `<b>`"),
	}})
	must(v.T, err)
	push(v.T, client, []byte(v.layer))
	push(v.T, client, []byte("{}"))
	v.manifest = fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":%q},`+
		`"layers":[{"mediaType":"text/html","size":%d,"digest":%q}]}`, digest([]byte("{}")), len(v.layer), digest([]byte(v.layer)))
	_, err = client.PutImage(v.Context(), &ecrpublic.PutImageInput{RepositoryName: name, ImageManifest: &v.manifest, ImageTag: aws.String("1")})
	must(v.T, err)
}

func field(t *testing.T, answer, name string) string {
	t.Helper()
	var fields map[string]any
	must(t, json.Unmarshal([]byte(answer), &fields))
	value, ok := fields[name].(string)
	if !ok {
		t.Fatalf("no %s in %s", name, answer)
	}
	return value
}

// change is what an attacker does to a request that was right.
type change func(*http.Request)

func without(name string) change { return func(r *http.Request) { r.Header.Del(name) } }
func bearer(token string) change { return header("Authorization", "Bearer "+token) }
func host(name string) change    { return func(r *http.Request) { r.Host = name } }
func query(raw string) change    { return func(r *http.Request) { r.URL.RawQuery = raw } }

func header(name string, values ...string) change {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func body(content string) change {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(content)), int64(len(content))
	}
}

func basicAuth(user, password string) change {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// credentialDay has the credential name another day than the request.
func credentialDay(day string) change {
	return func(r *http.Request) {
		parts := strings.Split(r.Header.Get("Authorization"), "/")
		parts[1] = day
		r.Header.Set("Authorization", strings.Join(parts, "/"))
	}
}

// send is a request of no browser and nobody.
func (v *victim) send(method, target, content string, changes ...change) *http.Request {
	r, err := http.NewRequestWithContext(v.Context(), method, v.Info().URL+target, strings.NewReader(content))
	must(v.T, err)
	for _, c := range changes {
		c(r)
	}
	return r
}

// call is a signed call of the API, changed after signing.
func (v *victim) call(h holder, operation, content string, changes ...change) *http.Request {
	return v.callAt(time.Now(), "ecr-public", h, operation, content, changes...)
}

func (v *victim) callAt(at time.Time, service string, h holder, operation, content string, changes ...change) *http.Request {
	r := v.send("POST", "/", content, header("Content-Type", "application/x-amz-json-1.1"), header("X-Amz-Target", "SpencerFrontendService."+operation))
	hash := sha256.Sum256([]byte(content))
	must(v.T, v4.NewSigner().SignHTTP(v.Context(), aws.Credentials{AccessKeyID: h.id, SecretAccessKey: h.secret}, r, hex.EncodeToString(hash[:]), service, "us-east-1", at))
	for _, c := range changes {
		c(r)
	}
	return r
}

func (v *victim) mustCall(h holder, operation, content string) string {
	res, answer := v.running.send(v.T, v.call(h, operation, content))
	if res.StatusCode != http.StatusOK {
		v.Fatalf("%s: %s %s", operation, res.Status, answer)
	}
	return answer
}

// again is a request that was sent already.
func (v *victim) again(r *http.Request) *http.Request {
	again := r.Clone(v.Context())
	var err error
	again.Body, err = r.GetBody()
	must(v.T, err)
	if res, answer := v.running.send(v.T, r); res.StatusCode != http.StatusOK {
		v.Fatalf("the first time: %s %s", res.Status, answer)
	}
	return again
}

// form is what a form of the gallery sends.
func (v *victim) form(page, fields string, changes ...change) *http.Request {
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v.send("POST", page, fields, append(changes, header("Content-Type", "application/x-www-form-urlencoded"))...)
}

func (v *victim) repository() string { return "/v2/" + v.Info().Alias + "/hello" }

// host is by what name the server issues tokens.
func (v *victim) host() string { return strings.TrimPrefix(v.Info().URL, "http://") }

func (v *victim) passwordOf(h holder) string {
	var answer struct {
		AuthorizationData struct{ AuthorizationToken string }
	}
	must(v.T, json.Unmarshal([]byte(v.mustCall(h, "GetAuthorizationToken", `{}`)), &answer))
	password, err := auth.ParseAuthorizationToken(answer.AuthorizationData.AuthorizationToken)
	must(v.T, err)
	return password
}

// passwordFor is a password that is right but for the registry or the moment it was issued at: by the server's own key.
func (v *victim) passwordFor(registry string, issued time.Time) string {
	keys, err := v.tokenKeys.use(v.Context())
	must(v.T, err)
	tokens := auth.Tokens{Registry: registry, Now: func() time.Time { return issued }, Keys: func(context.Context) ([]auth.TokenKey, error) { return keys, nil }}
	password, _, err := tokens.IssuePassword(v.Context(), auth.Identity{AccountID: v.Info().AccountID, AccessKeyID: v.root.id}, auth.MaxTokenTTL)
	must(v.T, err)
	return password
}

// forged is the token for pulls with the claims of a push.
func (v *victim) forged() string {
	payload, signature, _ := strings.Cut(v.pullToken, ".")
	claims, err := base64.RawURLEncoding.DecodeString(payload)
	must(v.T, err)
	claims = bytes.Replace(claims, []byte(":pull"), []byte(":pull,push"), 1)
	return base64.RawURLEncoding.EncodeToString(claims) + "." + signature
}

// session signs in with a browser.
func (v *victim) session() *http.Cookie {
	res, _ := v.running.send(v.T, v.form("/-/sign-in", url.Values{"name": {v.root.id}, "password": {v.root.secret}}.Encode()))
	if len(res.Cookies()) != 1 {
		v.Fatalf("signing in: %s", res.Status)
	}
	return res.Cookies()[0]
}

// other is the same server anew, with other options.
func (v *victim) other(change func(*Config)) *victim {
	c := newConfig(v.T)
	change(&c)
	env := serve(v.T, c)
	keys := readEnvironment(v.T, c)
	return &victim{T: v.T, running: env, config: c, root: holder{keys.AccessKeyID, keys.SecretAccessKey}}
}

func (v *victim) private() *victim { return v.other(func(c *Config) { c.Private = true }) }

// afterRevoking uses a password from before all keys were revoked.
func (v *victim) afterRevoking() *http.Request {
	o := v.other(func(*Config) {})
	password := o.passwordOf(o.root)
	do(o.T, o.config.Stores, RotateTokenKey{Revoke: true})
	return o.send("GET", "/v2/", "", basicAuth("AWS", password))
}

// guesses is one more try to sign in after so many that failed.
func (v *victim) guesses(n int) *http.Request {
	o := v.other(func(*Config) {})
	guess := func() *http.Request { return o.form("/-/sign-in", "name="+o.root.id+"&password=guess") }
	for range n {
		if res, _ := o.running.send(o.T, guess()); res.StatusCode != http.StatusForbidden {
			v.Errorf("a guess: %s", res.Status)
		}
	}
	return guess()
}

// stalled asks a server that waits less than a minute for bytes, and sends none of those that it has announced.
func (v *victim) stalled() *http.Request {
	short := httptest.NewServer(withProgress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}), 50*time.Millisecond))
	v.Cleanup(short.Close)
	nothing, never := io.Pipe()
	v.Cleanup(func() { never.Close() })
	r, err := http.NewRequestWithContext(v.Context(), "PUT", short.URL, nothing)
	must(v.T, err)
	r.ContentLength = 1
	return r
}

// gzipped is a small body that unpacks to n bytes.
func gzipped(n int) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, n)) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

func (v *victim) setPolicy(policy string) *http.Request {
	input, err := json.Marshal(map[string]string{"repositoryName": "hello", "policyText": policy})
	must(v.T, err)
	return v.call(v.root, "SetRepositoryPolicy", string(input))
}

// askPolicyOfWildcards has a key with the worst policy that fits decide about a name that nearly matches.
func (v *victim) askPolicyOfWildcards() *http.Request {
	worst := strings.Repeat("*a", 900) + "b"
	h := v.key(CreateKey{User: "worst", Policy: `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:ecr-public::*` + worst + `"}}`})
	began := time.Now()
	if res, answer := v.running.send(v.T, v.call(h, "CreateRepository", `{"repositoryName":"`+strings.Repeat("a", 200)+`"}`)); time.Since(began) > 5*time.Second {
		v.Errorf("%s after %s: %s", res.Status, time.Since(began), answer)
	}
	return v.call(h, "DescribeRepositories", `{}`)
}

func (v *victim) onAdmin(path string, changes ...change) *http.Request {
	r := v.send("GET", "", "", changes...)
	r.URL.Host, r.URL.Path = v.adminLis.Addr().String(), path
	return r
}

// afterLooking asks how the server is once something else was looked at.
func (v *victim) afterLooking(look func()) *http.Request {
	look()
	return v.send("GET", "/healthz", "")
}

// checkModes looks at what another user of the machine could open. Layers are in folders of which the outermost is closed.
func (v *victim) checkModes() {
	info, err := os.Stat(v.config.Data)
	must(v.T, err)
	if info.Mode().Perm() != 0o700 {
		v.Errorf("the data folder has mode %s", info.Mode())
	}
	must(v.T, filepath.WalkDir(v.config.Data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "/blobs/") {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && !strings.HasPrefix(e.Name(), "openecr.db") {
			v.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	}))
}

// checkSealed looks for secrets in what is kept beside the master key.
func (v *victim) checkSealed() {
	keys, err := v.tokenKeys.use(v.Context())
	must(v.T, err)
	for _, name := range []string{"openecr.db", "openecr.db-wal"} {
		content, err := os.ReadFile(v.config.file(name))
		must(v.T, err)
		for _, secret := range [][]byte{[]byte(v.root.secret), []byte(v.intruder.secret), keys[0].Secret[:], []byte(base64.StdEncoding.EncodeToString(keys[0].Secret[:]))} {
			if bytes.Contains(content, secret) {
				v.Errorf("%s holds a secret in the clear", name)
			}
		}
	}
}

// flooded is a question to a server of which others hold more connections than it has.
func (v *victim) flooded() *http.Request {
	o := v.other(func(c *Config) { c.MaxConnections = 4 })
	for range 8 {
		conn, err := net.Dial("tcp", o.host())
		must(v.T, err)
		v.Cleanup(func() { conn.Close() })
	}
	return o.send("GET", "/healthz", "")
}

// checkAudited is refused something and looks for the line that says so.
func (v *victim) checkAudited() {
	v.running.send(v.T, v.call(v.intruder, "DeleteRepository", `{"registryId":"`+v.Info().AccountID+`","repositoryName":"hello","force":true}`))
	content, err := os.ReadFile(v.config.Audit)
	must(v.T, err)
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "DeleteRepository") && strings.Contains(line, v.intruder.id) && strings.Contains(line, "AccessDenied") && strings.Contains(line, "127.0.0.1") {
			return
		}
	}
	v.Errorf("the audit log says nothing of it:\n%s", content)
}

// checkNothingHappened looks at what the attackers were after, and at what the log says of them.
func (v *victim) checkNothingHappened() {
	res, answer := v.get(v.T, v.Info().URL+v.repository()+"/manifests/1")
	if res.StatusCode != http.StatusOK || answer != v.manifest {
		v.Errorf("the image is %s: %s", res.Status, answer)
	}
	if list := v.mustCall(v.root, "DescribeRepositories", `{}`); strings.Count(list, `"repositoryName"`) != 2 { // with the one that was replayed
		v.Errorf("there are other repositories: %s", list)
	}
	log := v.log.String()
	for line := range strings.Lines(log) {
		var fields map[string]any
		must(v.T, json.Unmarshal([]byte(line), &fields))
		if fields["level"] == "FORGED" || fields["remote"] == "10.9.8.7" {
			v.Errorf("the log believes a client: %s", line)
		}
	}
	for _, secret := range []string{v.root.secret, v.password, v.pullToken, v.intruder.secret} {
		if strings.Contains(log, secret) {
			v.Error("the log holds a secret")
		}
	}
}

// Nothing of the listener for operators is reachable from elsewhere unless they say so.
func TestAdminListenerIsLocalByDefault(t *testing.T) {
	field, _ := reflect.TypeFor[Config]().FieldByName("AdminAddr")
	address, err := netip.ParseAddrPort(field.Tag.Get("default"))
	if err != nil || !address.Addr().IsLoopback() {
		t.Errorf("--admin-addr is %q by default", field.Tag.Get("default"))
	}
}
