package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/smithy-go"

	"github.com/openecr/openecr/internal/registry"
)

func TestRouting(t *testing.T) {
	r := serve(t, newConfig(t))
	info := r.Info()
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
		body         string // what the answer has in it
	}{
		{"POST", "/", 400, "application/x-amz-json-1.1", `"__type":"UnknownOperationException"`},
		{"GET", "/", 200, "text/html; charset=utf-8", "openecr 1.2.3"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/" + info.Alias, 200, "text/html; charset=utf-8", "Repositories"},
		{"GET", "/robots.txt", 200, "text/plain; charset=utf-8", "Sitemap: " + info.URL + "/sitemap.xml"},
		{"PUT", "/", 404, "text/plain; charset=utf-8", "There is nothing at this address."},
		{"GET", "/v2/", 401, "application/json; charset=utf-8", "UNAUTHORIZED"},
		{"GET", "/v2/" + info.Alias + "/absent/tags/list", 404, "application/json; charset=utf-8", "NAME_UNKNOWN"},
		{"GET", "/token", 200, "application/json; charset=utf-8", `"token"`},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"GET", "/readyz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"POST", "/healthz", 405, "text/plain; charset=utf-8", ""},
		{"GET", "/debug/pprof", 404, "text/html; charset=utf-8", "No publisher has this name"},
		{"GET", "/v2x", 404, "text/html; charset=utf-8", "No publisher has this name"},
		{"POST", "/x", 404, "text/plain; charset=utf-8", "There is nothing at this address."},
		{"GET", "/healthz/", 404, "text/html; charset=utf-8", "There is no such page"},
	} {
		res, body := r.do(t, c.method, info.URL+c.path, nil)
		if res.StatusCode != c.status || res.Header.Get("Content-Type") != c.contentType || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: %d %s %s", c.method, c.path, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
		if res.Header.Get("x-amzn-RequestId") == "" {
			t.Errorf("%s %s: no request id", c.method, c.path)
		}
	}
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/debug/pprof/": 200, "/debug/pprof/cmdline": 200, "/v2/": 404, "/": 404} {
		if res, body := r.get(t, "http://"+r.adminLis.Addr().String()+path); res.StatusCode != status {
			t.Errorf("admin %s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestNoAdminListener(t *testing.T) {
	c := newConfig(t)
	c.AdminAddr = ""
	r := serve(t, c)
	if r.admin != nil || r.adminLis != nil {
		t.Error("there is one")
	}
	if res, _ := r.get(t, r.Info().URL+"/readyz"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
}

// deadMeta is a store that does not answer.
type deadMeta struct{ registry.Meta }

func (deadMeta) View(context.Context, func(registry.Tx) error) error {
	return errors.New("connection to 10.0.0.1 refused")
}

func deadMetaReadiness() http.HandlerFunc {
	return (&readiness{checks: []storeCheck{{"metadata store", func(ctx context.Context) error { return deadMeta{}.View(ctx, nil) }}}}).ServeHTTP
}

func TestProbesOfAStoreThatDoesNotAnswer(t *testing.T) {
	for path, want := range map[string]string{
		"/healthz": "200 ok\n",
		"/readyz":  "503 The metadata store does not answer; the log says why.\n",
	} {
		w, line := serveOnce(t, newRequest(http.MethodGet, path, ""), deadMetaReadiness())
		if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != want {
			t.Errorf("%s: %s", path, got)
		}
		if w.Code == http.StatusServiceUnavailable && (line["error"] != "metadata store: connection to 10.0.0.1 refused" || line["level"] != "ERROR") {
			t.Errorf("logged %v", line)
		}
	}
}

func TestOverlongHeaderIsRefused(t *testing.T) {
	r := serve(t, newConfig(t))
	res, _ := r.do(t, http.MethodGet, r.Info().URL+"/", http.Header{"X-Long": {strings.Repeat("x", 2*maxHeader)}})
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error(res.Status)
	}
}

func TestShutdownLetsARunningRequestEnd(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	info, env := r.Info(), readEnvironment(t, c)
	client := newClient(t, r, env)
	makeRepository(t, client)
	login, err := client.GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	authorization := "Basic " + aws.ToString(login.AuthorizationData.AuthorizationToken)
	up, err := client.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: aws.String("hello")})
	must(t, err)

	body, feed := io.Pipe()
	running := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(running) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, info.URL+"/v2/"+info.Alias+"/hello/blobs/uploads/"+*up.UploadId, body)
	must(t, err)
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Expect", "100-continue") // the server asks for the body once its handler reads it
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	answered := make(chan error, 1)
	go func() {
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode != http.StatusAccepted {
				err = errors.New(res.Status)
			}
		}
		answered <- err
	}()
	<-running
	r.stop()
	waitUntilRefused(t, strings.TrimPrefix(info.URL, "http://"))
	select {
	case err := <-r.ended:
		r.ended <- err
		t.Errorf("Run returned while a request was running: %v", err)
	default:
	}
	_, err = io.WriteString(feed, "the rest")
	must(t, err)
	must(t, feed.Close())
	if err := <-answered; err != nil {
		t.Errorf("the running request: %v", err)
	}
	if err := r.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// waitUntilRefused returns when nobody listens any more.
func waitUntilRefused(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatalf("%s still takes connections", addr)
}

func TestListenerThatFailsEndsTheRun(t *testing.T) {
	a := open(t, newConfig(t))
	must(t, a.listener.Close())
	err := a.Run(context.Background())
	if err == nil || !strings.HasPrefix(err.Error(), "serve on 127.0.0.1:") {
		t.Error(err)
	}
}

// newClient is the AWS SDK's client with the keys of env.
func newClient(t *testing.T, r *running, env Environment) *ecrpublic.Client {
	t.Helper()
	return ecrpublic.New(ecrpublic.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(env.URL),
		Credentials:      awscredentials.NewStaticCredentialsProvider(env.AccessKeyID, env.SecretAccessKey, ""),
		HTTPClient:       r.client,
		RetryMaxAttempts: 1,
	})
}

func describeRegistries(t *testing.T, r *running, env Environment) {
	t.Helper()
	out, err := newClient(t, r, env).DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{})
	must(t, err)
	if got := aws.ToString(out.Registries[0].RegistryUri); got != env.Registry {
		t.Errorf("registry %s instead of %s", got, env.Registry)
	}
}

func TestPushByTheAPIAndPullByAnybody(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	client := newClient(t, r, env)
	makeRepository(t, client)

	layer, config := bytes.Repeat([]byte("layer"), 100_000), []byte("{}")
	for _, content := range [][]byte{layer, config} {
		push(t, client, content)
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":%q},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":%d,"digest":%q}]}`,
		len(config), digest(config), len(layer), digest(layer))
	_, err := client.PutImage(t.Context(), &ecrpublic.PutImageInput{RepositoryName: aws.String("hello"), ImageManifest: &manifest, ImageTag: aws.String("1")})
	must(t, err)
	checked, err := client.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
		RepositoryName: aws.String("hello"), LayerDigests: []string{digest(layer), digest([]byte("absent"))}})
	must(t, err)
	if checked.Layers[0].LayerAvailability != types.LayerAvailabilityAvailable || checked.Layers[1].LayerAvailability != types.LayerAvailabilityUnavailable {
		t.Errorf("%+v", checked.Layers)
	}

	base := env.URL + "/v2/" + env.Alias + "/hello"
	if _, got := r.get(t, base+"/manifests/1"); got != manifest {
		t.Errorf("manifest %s", got)
	}
	if _, got := r.get(t, base+"/blobs/"+digest(layer)); got != string(layer) {
		t.Errorf("layer of %d bytes", len(got))
	}
	for _, secret := range []string{env.SecretAccessKey, "authorization"} {
		if strings.Contains(strings.ToLower(r.log.String()), strings.ToLower(secret)) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

func TestCallsWithoutARightSignature(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	wrongSecret, unknownKey := env, env
	wrongSecret.SecretAccessKey += "x"
	unknownKey.AccessKeyID = "AKIAUNKNOWN"
	for code, env := range map[string]Environment{"InvalidSignatureException": wrongSecret, "UnrecognizedClientException": unknownKey} {
		_, err := newClient(t, r, env).CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != code {
			t.Errorf("%v instead of %s", err, code)
		}
	}
	res, body := r.do(t, http.MethodPost, env.URL+"/", http.Header{"X-Amz-Target": {"SpencerFrontendService.DescribeRegistries"}})
	if want := `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`; res.StatusCode != 400 || body != want {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	out, err := newClient(t, r, env).DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesInput{})
	must(t, err)
	if len(out.Repositories) != 0 {
		t.Error("a repository was made")
	}
}

// The client signs the host that it knows; the proxy in front of the server calls it by another.
func TestSignatureThroughATrustedProxy(t *testing.T) {
	for _, trusting := range []bool{true, false} {
		c := newConfig(t)
		if trusting {
			c.TrustedProxies = []string{"127.0.0.1"}
		}
		r := serve(t, c)
		env := readEnvironment(t, c)
		client := newClient(t, r, env)
		_, err := client.DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{}, func(o *ecrpublic.Options) {
			o.BaseEndpoint = aws.String("http://registry.example")
			o.HTTPClient = proxyTo{r.client, strings.TrimPrefix(env.URL, "http://")}
		})
		if trusting != (err == nil) {
			t.Errorf("trusted %t: %v", trusting, err)
		}
	}
}

// proxyTo sends requests to addr, and the host they were for in X-Forwarded-Host.
type proxyTo struct {
	*http.Client
	addr string
}

func (p proxyTo) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Forwarded-Host", r.URL.Host)
	r.URL.Host, r.Host = p.addr, p.addr
	return p.Client.Do(r)
}

func TestDockerLogin(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	out, err := newClient(t, r, env).GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	token := aws.ToString(out.AuthorizationData.AuthorizationToken)
	if left := time.Until(*out.AuthorizationData.ExpiresAt); left <= 11*time.Hour || left > 12*time.Hour {
		t.Errorf("the token lives %s", left)
	}
	res, body := r.do(t, http.MethodGet, env.URL+"/token?service="+strings.TrimPrefix(env.URL, "http://"), http.Header{"Authorization": {"Basic " + token}})
	var bearer struct{ Token string }
	must(t, json.Unmarshal([]byte(body), &bearer))
	if res.StatusCode != http.StatusOK || bearer.Token == "" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	for _, authorization := range []string{"Bearer " + bearer.Token, "Bearer " + token, "Basic " + token} {
		if res, body := r.do(t, http.MethodGet, env.URL+"/v2/", http.Header{"Authorization": {authorization}}); res.StatusCode != http.StatusOK {
			t.Errorf("%.6s: %d %s", authorization, res.StatusCode, body)
		}
	}
	if res, _ := r.do(t, http.MethodGet, env.URL+"/v2/", http.Header{"Authorization": {"Bearer nonsense"}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nonsense: %s", res.Status)
	}
}

func makeRepository(t *testing.T, client *ecrpublic.Client) {
	t.Helper()
	_, err := client.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
}

// push uploads a layer in one part.
func push(t *testing.T, client *ecrpublic.Client, content []byte) {
	t.Helper()
	name := aws.String("hello")
	up, err := client.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: name})
	must(t, err)
	_, err = client.UploadLayerPart(t.Context(), &ecrpublic.UploadLayerPartInput{RepositoryName: name, UploadId: up.UploadId,
		PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content) - 1)), LayerPartBlob: content})
	must(t, err)
	_, err = client.CompleteLayerUpload(t.Context(), &ecrpublic.CompleteLayerUploadInput{RepositoryName: name, UploadId: up.UploadId, LayerDigests: []string{digest(content)}})
	must(t, err)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
