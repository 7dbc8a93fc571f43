package auth

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	testKeyID      = "AKIAEXAMPLEEXAMPLE22"
	testSecret     = "x"
	signingService = "ecr-public"
	emptyHash      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var (
	testTime     = time.Date(2026, 11, 22, 8, 48, 20, 0, time.UTC)
	testIdentity = Identity{AccountID: "123456789012", AccessKeyID: testKeyID, ARN: "arn:aws:iam::123456789012:root"}
)

// newVerifier knows one key and stands still at testTime.
func newVerifier() *Verifier {
	return &Verifier{
		Service: signingService,
		Now:     func() time.Time { return testTime },
		Key: func(_ context.Context, id string) (Key, error) {
			if id != testKeyID {
				return Key{}, ErrKeyNotFound
			}
			return Key{Secret: testSecret, Identity: testIdentity}, nil
		},
	}
}

// newRequest is what an SDK would sign: no Authorization yet.
func newRequest(t testing.TB, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://127.0.0.1:8080"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SpencerFrontendService.BatchCheckLayerAvailability")
	return r
}

// sign signs with the AWS SDK's signer.
func sign(t testing.TB, r *http.Request, body, secret, region string, at time.Time) {
	t.Helper()
	hash := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: secret}
	err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(hash[:]), signingService, region, at)
	if err != nil {
		t.Fatal(err)
	}
}

// overTheWire is the request as a server reads it.
func overTheWire(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func verify(v *Verifier, r *http.Request, body string) (Identity, error) {
	p, err := v.Begin(r)
	if err != nil {
		return Identity{}, err
	}
	return p.Finish(sha256.Sum256([]byte(body)))
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want an *Error", err)
	}
	if e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("error is %v\nwant %s with %q", e, code, text)
	}
}

// The files hold requests as the clients sent them to a listening socket, without the User-Agent, which none signs.
func TestRecordedClientsVerify(t *testing.T) {
	files, err := filepath.Glob("testdata/clients/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded requests: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := verify(newVerifier(), r, string(body))
			if err != nil {
				t.Fatal(err)
			}
			if got != testIdentity {
				t.Errorf("identity is %+v, want %+v", got, testIdentity)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	const body = `{"repositoryName":"hello"}`
	replaceAuth := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	const (
		missing      = "MissingAuthenticationTokenException"
		incomplete   = "IncompleteSignatureException"
		invalid      = "InvalidSignatureException"
		unrecognized = "UnrecognizedClientException"
	)
	tests := []struct {
		name       string
		tamper     func(*http.Request)
		code, text string
	}{
		{"unsigned", func(r *http.Request) { r.Header.Del("Authorization") }, missing, "Missing Authentication Token"},
		{"two authorizations", func(r *http.Request) { r.Header.Add("Authorization", "x") }, incomplete, "2 Authorization headers"},
		{"basic", set("Authorization", "Basic QVdTOng="), incomplete, "AWS4-HMAC-SHA256"},
		{"sigv4a", replaceAuth("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), incomplete, "AWS4-HMAC-SHA256"},
		{"huge", set("Authorization", "AWS4-HMAC-SHA256 "+strings.Repeat("x", maxAuthorization)), incomplete, "at most 8192"},
		{"no parameters", set("Authorization", "AWS4-HMAC-SHA256 "), incomplete, `""`},
		{"no signature", set("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host"), incomplete, "Credential, SignedHeaders and Signature"},
		{"unknown parameter", replaceAuth("Signature=", "Sig="), incomplete, `"Sig"`},
		{"parameter twice", replaceAuth("Signature=", "Signature=x, Signature="), incomplete, "Signature once"},
		{"credential too short", replaceAuth("/ecr-public", ""), incomplete, "ACCESS-KEY-ID/YYYYMMDD"},
		{"no key id", replaceAuth("Credential="+testKeyID, "Credential="), incomplete, "ACCESS-KEY-ID/YYYYMMDD"},
		{"other service", replaceAuth("/ecr-public/", "/ecr/"), invalid, `"ecr"`},
		{"other terminator", replaceAuth("/aws4_request", "/aws5_request"), invalid, `"aws5_request"`},
		{"no region", replaceAuth("/us-east-1/", "//"), invalid, "no region"},
		{"other scope date", replaceAuth("/20261122/", "/20261121/"), invalid, `"20261121"`},
		{"unsorted headers", replaceAuth("content-type;host", "host;content-type"), incomplete, "sorted"},
		{"header named twice", replaceAuth(";host;", ";host;host;"), incomplete, "repeated"},
		{"empty header name", replaceAuth("SignedHeaders=", "SignedHeaders=;"), incomplete, "empty"},
		{"host not signed", replaceAuth(";host;", ";"), incomplete, "host"},
		{"date not signed", replaceAuth(";x-amz-date", ""), incomplete, `"x-amz-date"`},
		{"target not signed", replaceAuth(";x-amz-target", ""), incomplete, `"x-amz-target"`},
		{"x-amz header added", set("X-Amz-Extra", "1"), incomplete, `"x-amz-extra"`},
		{"signed header gone", func(r *http.Request) { r.Header.Del("Content-Type") }, incomplete, `"content-type"`},
		{"signed length gone", func(r *http.Request) { r.ContentLength = -1 }, incomplete, `"content-length"`},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, incomplete, "X-Amz-Date nor a Date"},
		{"malformed date", set("X-Amz-Date", "yesterday"), incomplete, `"yesterday"`},
		{"two dates", func(r *http.Request) { r.Header.Add("X-Amz-Date", "x") }, incomplete, "2 X-Amz-Date"},
		{"date altered", set("X-Amz-Date", "20261122T084821Z"), invalid, wrongSignature},
		{"session token", set("X-Amz-Security-Token", "token"), unrecognized, "AWS_SESSION_TOKEN"},
		{"unsigned payload", set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), invalid, "UNSIGNED-PAYLOAD"},
		{"streaming payload", set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), invalid, "STREAMING"},
		{"presigned too", func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=00" }, incomplete, "Presigned"},
		{"half-readable query", func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, invalid, "query"},
		{"unknown key", replaceAuth(testKeyID, "AKIAUNKNOWN"), unrecognized, invalidToken},
		{"query added", func(r *http.Request) { r.URL.RawQuery = "a=b" }, invalid, wrongSignature},
		{"upper-case signature", func(r *http.Request) {
			head, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(signature))
		}, invalid, wrongSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(t, "/", body)
			sign(t, r, body, testSecret, "us-east-1", testTime)
			r = overTheWire(t, r)
			tt.tamper(r)
			got, err := verify(newVerifier(), r, body)
			wantError(t, err, tt.code, tt.text)
			if got != (Identity{}) {
				t.Errorf("a refused request has the identity %+v", got)
			}
		})
	}
}

func TestPresignedRequestIsRefusedAsSuch(t *testing.T) {
	credentials := aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret}
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, newRequest(t, "/", ""), emptyHash, signingService, "us-east-1", testTime)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", signed, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = verify(newVerifier(), r, "")
	wantError(t, err, "IncompleteSignatureException", "Presigned")
}

func TestClockSkew(t *testing.T) {
	tests := []struct {
		name   string
		signed time.Duration // relative to the server's clock
		text   string        // of the refusal, "" if accepted
	}{
		{"five minutes behind", -5 * time.Minute, ""},
		{"five minutes ahead", 5 * time.Minute, ""},
		{"more behind", -5*time.Minute - time.Second,
			"Signature expired: 20261122T084319Z is now earlier than 20261122T084320Z (20261122T084820Z - 5 min.)"},
		{"more ahead", 5*time.Minute + time.Second,
			"Signature not yet current: 20261122T085321Z is still later than 20261122T085320Z (20261122T084820Z + 5 min.)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(t, "/", "")
			sign(t, r, "", testSecret, "us-east-1", testTime.Add(tt.signed))
			_, err := verify(newVerifier(), overTheWire(t, r), "")
			if tt.text != "" {
				wantError(t, err, "InvalidSignatureException", tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A client that sets Date itself sends no X-Amz-Date; the string to sign holds the same moment in AWS's format.
func TestDateHeaderServesWithoutAmzDate(t *testing.T) {
	for _, date := range []string{"20261122T084820Z", "Sun, 22 Nov 2026 08:48:20 GMT", "Sun, 22 Nov 2026 08:48:20 -0000", "Sun, 22 Nov 2026 09:48:20 +0100"} {
		r := newRequest(t, "/", "")
		r.Header.Set("Date", date)
		const signed = "content-type;date;host;x-amz-target"
		canonical, err := canonicalRequest(nil, r, nil, signed)
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256(append(canonical, emptyHash...))
		toSign := "AWS4-HMAC-SHA256\n20261122T084820Z\n20261122/us-east-1/ecr-public/aws4_request\n" + hex.EncodeToString(hash[:])
		key := keyScope{testSecret, "20261122", "us-east-1", signingService}.signingKey()
		r.Header.Set("Authorization", fmt.Sprintf(
			"AWS4-HMAC-SHA256 Credential=%s/20261122/us-east-1/ecr-public/aws4_request,SignedHeaders=%s,Signature=%x",
			testKeyID, signed, key.sign(nil, []byte(toSign))))
		if _, err := verify(newVerifier(), overTheWire(t, r), ""); err != nil {
			t.Errorf("%s: %v", date, err)
		}
	}
}

// The SDK's signer sends a query as it signs it, in order; botocore sends it as it came.
func TestOrderOfTheQueryDoesNotMatter(t *testing.T) {
	r := newRequest(t, "/?b=2&b=1&a/b=1&a-b=2", "")
	sign(t, r, "", testSecret, "us-east-1", testTime)
	r = overTheWire(t, r)
	for _, query := range []string{r.URL.RawQuery, "b=2&b=1&a/b=1&a-b=2", "a-b=2&b=1&b=2&a/b=1"} {
		r.URL.RawQuery = query
		if _, err := verify(newVerifier(), r, ""); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestDeclaredBodyHash(t *testing.T) {
	r := newRequest(t, "/", "")
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	sign(t, r, "", testSecret, "us-east-1", testTime)
	r = overTheWire(t, r)
	if _, err := verify(newVerifier(), r, ""); err != nil {
		t.Errorf("the body's own hash is refused: %v", err)
	}
	_, err := verify(newVerifier(), r, "another body")
	wantError(t, err, "InvalidSignatureException", "not the SHA-256 of the body")
}

func TestRegion(t *testing.T) {
	r := newRequest(t, "/", "")
	sign(t, r, "", testSecret, "eu-west-3", testTime)
	r = overTheWire(t, r)
	v := newVerifier()
	if _, err := verify(v, r, ""); err != nil {
		t.Errorf("without a region of its own the verifier refuses one: %v", err)
	}
	v.Region = "us-east-1"
	_, err := verify(v, r, "")
	wantError(t, err, "InvalidSignatureException", `"eu-west-3"`)
}

func TestEachServiceHasSignaturesOfItsOwn(t *testing.T) {
	hash := sha256.Sum256(nil)
	r := newRequest(t, "/", "")
	credentials := aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: testSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(hash[:]), "sts", "us-east-1", testTime); err != nil {
		t.Fatal(err)
	}
	r = overTheWire(t, r)
	_, err := verify(newVerifier(), r, "")
	wantError(t, err, "InvalidSignatureException", `"sts"`)
	v := newVerifier()
	v.Service = "sts"
	if _, err := verify(v, r, ""); err != nil {
		t.Error(err)
	}
	// Renaming the scope is not enough: the service is part of the key.
	editAuthorization(r, "/sts/", "/ecr-public/")
	_, err = verify(newVerifier(), r, "")
	wantError(t, err, "InvalidSignatureException", wrongSignature)
}

func TestKeyLookup(t *testing.T) {
	r := newRequest(t, "/", "")
	sign(t, r, "", testSecret, "us-east-1", testTime)
	r = overTheWire(t, r)

	t.Run("disabled key is unknown", func(t *testing.T) {
		v := newVerifier()
		v.Key = func(context.Context, string) (Key, error) { return Key{Secret: testSecret, Disabled: true}, nil }
		_, err := verify(v, r, "")
		wantError(t, err, "UnrecognizedClientException", invalidToken)
	})
	t.Run("fault of the store is not the caller's", func(t *testing.T) {
		broken := errors.New("disk on fire")
		v := newVerifier()
		v.Key = func(context.Context, string) (Key, error) { return Key{}, broken }
		_, err := verify(v, r, "")
		if e := (*Error)(nil); errors.As(err, &e) || !errors.Is(err, broken) {
			t.Errorf("error is %v, want the store's and no *Error", err)
		}
	})
	t.Run("malformed request costs no lookup", func(t *testing.T) {
		v := newVerifier()
		v.Key = func(context.Context, string) (Key, error) {
			t.Error("the key was looked up")
			return Key{}, ErrKeyNotFound
		}
		bad := r.Clone(t.Context())
		bad.Header.Set("X-Amz-Unsigned", "1")
		if _, err := v.Begin(bad); err == nil {
			t.Error("the request was accepted")
		}
	})
	t.Run("replaced secret ends the old one at once", func(t *testing.T) {
		v := newVerifier()
		if _, err := verify(v, r, ""); err != nil {
			t.Fatal(err)
		}
		v.Key = func(context.Context, string) (Key, error) { return Key{Secret: "new"}, nil }
		_, err := verify(v, r, "")
		wantError(t, err, "InvalidSignatureException", wrongSignature)
	})
	t.Run("claimed key is known before the signature", func(t *testing.T) {
		p, err := newVerifier().Begin(r)
		if err != nil {
			t.Fatal(err)
		}
		if p.AccessKeyID() != testKeyID {
			t.Errorf("claimed key is %q, want %q", p.AccessKeyID(), testKeyID)
		}
	})
}

func TestSigningKeyCacheIsBoundedAndHoldsOnlyProvenKeys(t *testing.T) {
	v := newVerifier()
	r := newRequest(t, "/", "")
	sign(t, r, "", "wrong", "us-east-1", testTime)
	if _, err := verify(v, overTheWire(t, r), ""); err == nil {
		t.Fatal("a wrong secret was accepted")
	}
	if n := len(v.signingKeys.keys); n != 0 {
		t.Errorf("a wrong signature left %d signing keys in the cache", n)
	}
	r = newRequest(t, "/", "")
	sign(t, r, "", testSecret, "us-east-1", testTime)
	if _, err := verify(v, overTheWire(t, r), ""); err != nil {
		t.Fatal(err)
	}
	if n := len(v.signingKeys.keys); n != 1 {
		t.Errorf("a good signature left %d signing keys in the cache, want 1", n)
	}
	for i := range maxSigningKeys + 1 {
		v.signingKeys.put(keyScope{region: fmt.Sprint(i)}, newSigningKey(nil))
	}
	if n := len(v.signingKeys.keys); n > maxSigningKeys {
		t.Errorf("the cache holds %d signing keys, want at most %d", n, maxSigningKeys)
	}
}

func TestVerifierServesManyAtOnce(t *testing.T) {
	v := newVerifier()
	var wg sync.WaitGroup
	for i := range 8 {
		r := newRequest(t, "/", "")
		sign(t, r, "", testSecret, fmt.Sprint("region-", i%2), testTime)
		r = overTheWire(t, r)
		wg.Go(func() {
			for range 50 {
				if _, err := verify(v, r, ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkVerify(b *testing.B) {
	body := strings.Repeat("x", 7500)
	r := newRequest(b, "/", body)
	r.Header.Set("Amz-Sdk-Invocation-Id", "b33a790f-3701-42ac-bdf7-0535af4fdb29")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	sign(b, r, body, testSecret, "us-east-1", testTime)
	r = overTheWire(b, r)
	v := newVerifier()
	raw := []byte(body)
	b.ReportAllocs()
	for b.Loop() {
		p, err := v.Begin(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Finish(sha256.Sum256(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

// Every call is checked, so what a check allocates must not grow.
func TestAllocationsOfAVerifiedSignature(t *testing.T) {
	const most = 5
	body := []byte(`{"repositoryName":"hello"}`)
	r := newRequest(t, "/", string(body))
	sign(t, r, string(body), testSecret, "us-east-1", testTime)
	v := newVerifier()
	got := testing.AllocsPerRun(200, func() {
		p, err := v.Begin(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Finish(sha256.Sum256(body)); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%.0f allocations", got)
	if got > most {
		t.Errorf("%.0f allocations, at most %d", got, most)
	}
}
