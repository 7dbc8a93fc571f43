package app

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// attack is one try at a line of the threat model in SECURITY.md, and the answer.
type attack struct {
	line   string
	what   string
	try    *http.Request
	status int
	says   string // somewhere in the headers or the body
}

// attacksOn is the threat model, tried.
func attacksOn(v *victim) []attack {
	return []attack{
		{"S1", "no signature", v.call(v.root, "CreateRepository", `{"repositoryName":"x"}`, without("Authorization")), 400, "MissingAuthenticationTokenException"},
		{"S1", "a made-up key", v.call(holder{"AKIAMADEUP", someSecret}, "DescribeRegistries", `{}`), 400, "UnrecognizedClientException"},
		{"S2", "another secret", v.call(holder{v.root.id, v.root.secret + "x"}, "DescribeRegistries", `{}`), 400, "InvalidSignatureException"},
		{"S2", "no secret at all", v.call(holder{v.root.id, ""}, "DescribeRegistries", `{}`), 400, "InvalidSignatureException"},
		{"S3", "another body", v.call(v.root, "DeleteRepository", `{"repositoryName":"a"}`, body(`{"repositoryName":"b"}`)), 400, "InvalidSignatureException"},
		{"S3", "another operation", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-Target", "SpencerFrontendService.DeleteRepository")), 400, "InvalidSignatureException"},
		{"S3", "another query", v.call(v.root, "DescribeRepositories", `{}`, query("a=b")), 400, "InvalidSignatureException"},
		{"S3", "another host", v.call(v.root, "DescribeRepositories", `{}`, host("localhost")), 400, "InvalidSignatureException"},
		{"S4", "two targets", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-Target", "SpencerFrontendService.DescribeRepositories", "SpencerFrontendService.DeleteRepository")), 400, "InvalidSignatureException"},
		{"S4", "two dates", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-Date", "20260101T000000Z", "20260101T000000Z")), 400, "2 X-Amz-Date headers"},
		{"S4", "two signatures", v.call(v.root, "DescribeRepositories", `{}`, header("Authorization", "AWS4-HMAC-SHA256 a", "AWS4-HMAC-SHA256 b")), 400, "2 Authorization headers"},
		{"S4", "a header that is not signed", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-User-Agent", "x")), 400, "is not among the SignedHeaders"},
		{"S5", "a request of six minutes ago", v.callAt(time.Now().Add(-6*time.Minute), "ecr-public", v.root, "DescribeRepositories", `{}`), 400, "Signature expired"},
		{"S5", "a write again, within the five minutes", v.again(v.call(v.root, "CreateRepository", `{"repositoryName":"replayed"}`)), 400, "RepositoryAlreadyExistsException"},
		{"S6", "a signature for S3", v.callAt(time.Now(), "s3", v.root, "DescribeRepositories", `{}`), 400, `scoped to the service \"s3\"`},
		{"S6", "a signature for STS", v.callAt(time.Now(), "sts", v.root, "DeleteRepository", `{}`), 400, `scoped to the service \"sts\"`},
		{"S6", "a scope of another day", v.call(v.root, "DescribeRepositories", `{}`, credentialDay("20200101")), 400, `scoped to the date \"20200101\"`},
		{"S7", "an unsigned payload", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")), 400, "must be the SHA-256 of the body"},
		{"S7", "a presigned address", v.call(v.root, "DescribeRepositories", `{}`, query("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00")), 400, "Presigned requests are not accepted"},
		{"S7", "a session token", v.call(v.root, "DescribeRepositories", `{}`, header("X-Amz-Security-Token", "x")), 400, "session token"},
		{"S8", "a key that was disabled", v.call(v.disabled, "DescribeRegistries", `{}`), 400, "UnrecognizedClientException"},
		{"S8", "a login that it got before", v.send("GET", "/v2/", "", basicAuth("AWS", v.disabledPassword)), 401, "Your Authorization Token is invalid."},

		{"T1", "a token without a signature", v.send("GET", "/v2/", "", bearer(strings.Split(v.pullToken, ".")[0]+".")), 401, "Your Authorization Token is invalid."},
		{"T1", "claims that were changed", v.send("GET", "/v2/", "", bearer(v.forged())), 401, "Your Authorization Token is invalid."},
		{"T1", "algorithm none", v.send("GET", "/v2/", "", bearer("eyJhbGciOiJub25lIn0.e30.")), 401, "Your Authorization Token is invalid."},
		{"T2", "a password of another registry", v.send("GET", "/v2/", "", basicAuth("AWS", v.passwordFor("other.example", time.Now()))), 401, "Your Authorization Token is invalid."},
		{"T3", "a password of yesterday", v.send("GET", "/v2/", "", basicAuth("AWS", v.passwordFor(v.host(), time.Now().Add(-13*time.Hour)))), 401, "Your authorization token has expired."},
		{"T4", "a token for pulls, to push", v.send("POST", "/v2/"+v.Info().Alias+"/hello/blobs/uploads/", "", bearer(v.pullToken)), 401, "insufficient_scope"},
		{"T4", "a token for one repository, for another", v.send("DELETE", "/v2/"+v.Info().Alias+"/other/manifests/1", "", bearer(v.pullToken)), 401, "insufficient_scope"},
		{"T5", "a bearer token as a password", v.send("GET", "/token", "", basicAuth("AWS", v.pullToken)), 401, "Your Authorization Token is invalid."},
		{"T5", "a password as a session", v.send("GET", "/-/repositories", "", header("Cookie", "openecr-session="+v.password)), 303, "/-/sign-in"},
		{"T5", "a session as a bearer token", v.send("GET", "/v2/", "", bearer(v.session().Value)), 401, "Your Authorization Token is invalid."},
		{"T6", "a token of a key that was revoked", v.afterRevoking(), 401, "Your Authorization Token is invalid."},
		{"T7", "the eleventh guess", v.guesses(10), 429, "Retry-After"},

		{"P1", "to make an upload in another's repository", v.send("POST", "/v2/"+v.Info().Alias+"/hello/blobs/uploads/", "", basicAuth("AWS", v.passwordOf(v.intruder))), 403, "DENIED"},
		{"P1", "to delete another's image", v.send("DELETE", "/v2/"+v.Info().Alias+"/hello/manifests/1", "", basicAuth("AWS", v.passwordOf(v.intruder))), 403, "DENIED"},
		{"P1", "to name another's registry in the API", v.call(v.intruder, "DeleteRepository", `{"registryId":"`+v.Info().AccountID+`","repositoryName":"hello","force":true}`), 400, "AccessDeniedException"},
		{"P2", "to ask for another's layer in a repository of one's own", v.call(v.intruder, "BatchCheckLayerAvailability", `{"repositoryName":"mine","layerDigests":["`+digest([]byte(v.layer))+`"]}`), 200, `"UNAVAILABLE"`},
		{"P2", "to read another's layer there", v.send("GET", "/v2/intruder/mine/blobs/"+digest([]byte(v.layer)), "", basicAuth("AWS", v.passwordOf(v.intruder))), 404, "BLOB_UNKNOWN"},
		{"P3", "to pull from a private registry", v.private().send("GET", "/v2/x/hello/manifests/1", ""), 401, "UNAUTHORIZED"},
		{"P3", "to look at its pages", v.private().send("GET", "/", ""), 303, "/-/sign-in"},
		{"P4", "to push with a key for pulls", v.call(v.reader, "CreateRepository", `{"repositoryName":"another"}`), 400, "AccessDeniedException"},

		{"C1", "a page as a layer", v.send("GET", v.repository()+"/blobs/"+digest([]byte(v.layer)), ""), 200, "Content-Type: application/octet-stream\n"},
		{"C1", "whatever a browser takes it for", v.send("GET", v.repository()+"/blobs/"+digest([]byte(v.layer)), ""), 200, "Content-Security-Policy: default-src 'none'; sandbox\n"},
		{"C2", "a page as a manifest", v.send("PUT", v.repository()+"/manifests/page", v.manifest, basicAuth("AWS", v.password), header("Content-Type", "text/html")), 400, "MANIFEST_INVALID"},
		{"C3", "other bytes than the digest's", v.send("POST", v.repository()+"/blobs/uploads/?digest="+digest([]byte("good")), "evil", basicAuth("AWS", v.password)), 400, "DIGEST_INVALID"},
		{"C4", "script in Markdown", v.send("GET", "/"+v.Info().Alias+"/hello", ""), 200, `<a href="https://example.com" rel="nofollow noopener ugc">link</a>`},
		{"C5", "a page as a logo", v.call(v.root, "PutRepositoryCatalogData", `{"repositoryName":"hello","catalogData":{"logoImageBlob":"`+base64.StdEncoding.EncodeToString([]byte("<svg onload=alert(1)>"))+`"}}`), 400, "must be a PNG, JPEG or GIF file"},
		{"C6", "markup in a description", v.send("GET", "/"+v.Info().Alias+"/hello", ""), 200, "&lt;script&gt;alert(6)&lt;/script&gt;"},

		{"F1", "up and out, in a name", v.send("GET", "/v2/"+v.Info().Alias+"/..%2f..%2fmaster.key/blobs/"+digest([]byte(v.layer)), ""), 400, "NAME_INVALID"},
		{"F1", "up and out, in a digest", v.send("GET", v.repository()+"/blobs/sha256:..%2f..%2f..%2fmaster.key", ""), 404, "UNSUPPORTED"},
		{"F1", "up and out, in an upload", v.send("PATCH", v.repository()+"/blobs/uploads/..%2f..%2fmaster.key", "x", basicAuth("AWS", v.password)), 404, ""},
		{"F1", "up and out, in a logo", v.send("GET", "/-/logo/..%2f..%2fmaster.key.png", ""), 404, "There is no logo"},
		{"F1", "up and out, in the address itself", v.send("GET", "/..%2f..%2f..%2fetc/passwd", ""), 404, ""},
		{"F2", "a sign-in that leads away", v.form("/-/sign-in", url.Values{"name": {v.root.id}, "password": {v.root.secret}, "next": {"//evil.example/"}}.Encode()), 303, "Location: /-/repositories\n"},

		{"F2", "the same, escaped", v.form("/-/sign-in", url.Values{"name": {v.root.id}, "password": {v.root.secret}, "next": {`/%2fevil.example/"`}}.Encode()), 303, "Location: /-/repositories\n"},

		{"B1", "a name that points to 127.0.0.1", v.send("GET", "/", "", host("evil.example:8080")), 421, "evil.example"},
		{"B1", "the same on the admin listener", v.onAdmin("/metrics", host("evil.example")), 421, "evil.example"},
		{"B2", "a change from another origin", v.send("PUT", v.repository()+"/manifests/1", v.manifest, basicAuth("AWS", v.password), header("Origin", "https://evil.example")), 403, "A page of another site"},
		{"B3", "a form without the session's key", v.form("/-/repositories/hello", "do=delete&confirm=hello", header("Cookie", v.session().String())), 403, ""},
		{"B3", "a form of another origin", v.form("/-/repositories/hello", "do=delete", header("Cookie", v.session().String()), header("Origin", "https://evil.example")), 403, ""},
		{"B4", "a frame around a page", v.send("GET", "/", ""), 200, "frame-ancestors 'none'"},
		{"B4", "to be allowed to read from another origin", v.send("OPTIONS", "/", "", header("Origin", "https://evil.example"), header("Access-Control-Request-Method", "POST")), 404, "There is nothing at this address"},
		{"B5", "a script that reads the session", v.form("/-/sign-in", url.Values{"name": {v.root.id}, "password": {v.root.secret}}.Encode()), 303, "HttpOnly; SameSite=Lax"},

		{"L1", "a body without end", v.call(v.root, "DescribeRepositories", `{"x":"`+strings.Repeat("x", 8<<20)+`"}`), 413, "RequestEntityTooLargeException"},
		{"L1", "a manifest without end", v.send("PUT", v.repository()+"/manifests/2", strings.Repeat(" ", 8<<20), basicAuth("AWS", v.password)), 413, "SIZE_INVALID"},
		{"L1", "headers without end", v.send("GET", "/", "", header("X-Long", strings.Repeat("x", 2*maxHeader))), 431, ""},
		{"L2", "JSON nested without end", v.call(v.root, "DescribeRepositories", `{"a":`+strings.Repeat("[", 100_000)), 400, "SerializationException"},
		{"L2", "a policy nested without end", v.setPolicy(`{"Statement":` + strings.Repeat("[", 5_000)), 400, "InvalidParameterException"},
		{"L3", "a body that unpacks into a large one", v.call(v.root, "DescribeRepositories", gzipped(64<<20), header("Content-Encoding", "gzip")), 400, "SerializationException"},
		{"L4", "a body that never comes", v.stalled(), 400, "i/o timeout"},
		{"L5", "a policy of wildcards", v.askPolicyOfWildcards(), 400, "AccessDeniedException"},
		{"L6", "every connection there is", v.flooded(), 200, "ok"},

		{"O1", "metrics for everybody", v.send("GET", "/metrics", ""), 404, "No publisher has this name"},
		{"O1", "profiles for everybody", v.send("GET", "/debug/pprof/heap", ""), 404, ""},
		{"O1", "a command for everybody", v.send("POST", "/CreateKey", "{}"), 404, "There is nothing at this address"},
		{"O2", "files of the data folder", v.afterLooking(v.checkModes), 200, "ok"},
		{"O3", "secrets in the database", v.afterLooking(v.checkSealed), 200, "ok"},
		{"O4", "the log", v.send("GET", "/v2/?token=x", "", basicAuth("AWS", v.password)), 200, ""},
		{"O5", "another address than one's own", v.send("GET", "/v2/forwarded", "", header("X-Forwarded-For", "10.9.8.7"), header("X-Forwarded-Host", "evil.example")), 404, ""},
		{"O6", "a line of one's own in the log", v.send("GET", "/v2/%0a%7B%22level%22:%22FORGED%22%7D", ""), 404, ""},
		{"O7", "what is refused, without a trace", v.afterLooking(v.checkAudited), 200, "ok"},
	}
}

// Every line of the threat model is tried, and holds.
func TestAttacks(t *testing.T) {
	c := newConfig(t)
	c.Audit = filepath.Join(t.TempDir(), "audit.log")
	v := newVictim(t, c)
	attacks := attacksOn(v)
	checkLines(t, attacks)
	runnable := regexp.MustCompile(`(?i)<script>|<svg on|="javascript:|Access-Control-Allow`)
	for _, a := range attacks {
		t.Run(a.line+" "+a.what, func(t *testing.T) {
			res, err := v.client.Do(a.try)
			must(t, err)
			defer res.Body.Close()
			content, err := io.ReadAll(res.Body)
			must(t, err)
			var answer strings.Builder
			must(t, res.Header.Write(&answer))
			text := strings.ReplaceAll(answer.String(), "\r\n", "\n") + "\n" + string(content)
			if res.StatusCode != a.status || !strings.Contains(text, a.says) {
				t.Errorf("%s, want %d with %q:\n%.3000s", res.Status, a.status, a.says, text)
			}
			if found := runnable.FindString(text); found != "" && res.Header.Get("Content-Type") != "application/octet-stream" {
				t.Errorf("the answer has something for a browser to run: %s", found)
			}
		})
	}
	v.checkNothingHappened()
}

// checkLines tells whether the attacks are those of SECURITY.md.
func checkLines(t *testing.T, attacks []attack) {
	t.Helper()
	text, err := os.ReadFile("../../SECURITY.md")
	must(t, err)
	lines := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \|`).FindAllStringSubmatch(string(text), -1) {
		lines[line[1]] = true
	}
	tried := make(map[string]bool)
	for _, a := range attacks {
		tried[a.line] = true
	}
	if diff := cmp.Diff(lines, tried); diff != "" || len(lines) == 0 {
		t.Errorf("lines of SECURITY.md that nobody tries, or attacks without a line (-SECURITY.md +attacks):\n%s", diff)
	}
}
