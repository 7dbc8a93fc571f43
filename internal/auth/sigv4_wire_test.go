package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// What may happen to a signed request on its way, as bytes: what means the same still verifies, everything else is
// refused.
func TestSignedRequestsOnTheWire(t *testing.T) {
	const (
		body       = `{"repositoryName":"hello"}`
		target     = "/?b=2&a=1&a=0&s=x%20y"
		invalid    = "InvalidSignatureException"
		incomplete = "IncompleteSignatureException"
	)
	replace := func(old, new string) func(string) string {
		return func(wire string) string { return strings.Replace(wire, old, new, 1) }
	}
	// again puts a header in a second time, before or after the first.
	again := func(name, value string) func(string) string {
		return replace("\r\n\r\n", "\r\n"+name+": "+value+"\r\n\r\n")
	}
	before := func(name, value string) func(string) string {
		return replace("\r\nHost:", "\r\n"+name+": "+value+"\r\nHost:")
	}
	for _, tt := range []struct {
		name string
		wire func(string) string
		code string // of the refusal; "" when the request verifies
	}{
		{"as it was sent", replace("", ""), ""},
		{"header names in lower case", func(s string) string { return strings.ReplaceAll(s, "X-Amz-", "x-amz-") }, ""},
		{"white space around a value", replace("X-Amz-Target: ", "X-Amz-Target:  \t "), ""},
		{"runs of spaces inside a value made one", replace("one  two   three", "one two three"), ""},
		{"one space made a run", replace("one  two", "one    two"), ""},
		{"a value over two lines", replace("one  two", "one\r\n  two"), ""},
		{"a tab for a space", replace("one  two", "one\ttwo"), invalid},
		{"spaces taken out", replace("one  two", "onetwo"), invalid},
		{"two values on one line", replace("X-Amz-Meta: a\r\nX-Amz-Meta: b", "X-Amz-Meta: a,b"), ""},
		{"two values turned round", replace("X-Amz-Meta: a\r\nX-Amz-Meta: b", "X-Amz-Meta: b\r\nX-Amz-Meta: a"), invalid},
		{"one of two values gone", replace("X-Amz-Meta: a\r\n", ""), invalid},
		{"parameters in another order", replace("a=0&a=1&b=2", "b=2&a=1&a=0"), ""},
		{"a parameter twice", replace("b=2", "b=2&b=2"), invalid},
		{"an escape in lower case", replace("x%20y", "x%20%79"), ""},
		{"a plus for a space", replace("x%20y", "x+y"), ""},
		{"a plus that is one", replace("x%20y", "x%2By"), invalid},
		{"a path that only looks the same", replace("POST /?", "POST /%2e/?"), invalid},
		{"an empty element in the path", replace("POST /?", "POST //?"), invalid},
		{"a semicolon between parameters", replace("a=1&b=2", "a=1;b=2"), invalid},
		{"an absolute address for the same host", replace("POST /?", "POST http://127.0.0.1:8080/?"), ""},
		{"an absolute address for another host", replace("POST /?", "POST http://evil.example/?"), invalid},
		{"another method", replace("POST /", "PUT /"), invalid},
		{"another host", replace("Host: 127.0.0.1:8080", "Host: 127.0.0.1"), invalid},
		{"the same target twice", again("X-Amz-Target", "SpencerFrontendService.BatchCheckLayerAvailability"), invalid},
		{"another target first", before("X-Amz-Target", "SpencerFrontendService.DeleteRepository"), invalid},
		{"another date after", again("X-Amz-Date", "20261122T084820Z"), incomplete},
		{"another signature first", before("Authorization", "AWS4-HMAC-SHA256 x"), incomplete},
		{"another body hash after", again("X-Amz-Content-Sha256", emptyHash), incomplete},
		{"another content type after", again("Content-Type", "text/plain"), invalid},
		{"an x-amz header nobody signed", again("X-Amz-Trailer", "x"), incomplete},
		{"another header nobody signed", again("User-Agent", "x"), ""},
		{"another body", replace(`"hello"`, `"other"`), invalid},
		{"spaces after the commas gone", func(s string) string { return strings.ReplaceAll(s, ", Sig", ",Sig") }, ""},
		{"the scheme in lower case", replace("AWS4-HMAC", "aws4-hmac"), incomplete},
		{"an empty parameter", replace(", SignedHeaders", ",, SignedHeaders"), incomplete},
		{"a key id in lower case", replace(testKeyID, strings.ToLower(testKeyID)), "UnrecognizedClientException"},
		{"another region", replace("/us-east-1/", "/us-west-2/"), invalid},
		{"a region with the service in it", replace("/us-east-1/ecr-public/", "/us-east-1%2Fecr-public/ecr-public/"), invalid},
		{"a service with a space", replace("/ecr-public/", "/ecr-public /"), invalid},
		{"a signature of zeros", func(s string) string { return changeSignature(s, strings.Repeat("0", 64)) }, invalid},
		{"half a signature", func(s string) string { return changeSignature(s, "0") }, invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(t, target, body)
			r.Header.Set("X-Amz-Words", "one  two   three")
			r.Header["X-Amz-Meta"] = []string{"a", "b"}
			r.Header.Set("X-Amz-Content-Sha256", hashOf(body))
			sign(t, r, body, testSecret, "us-east-1", testTime)
			var sent bytes.Buffer
			if err := r.Write(&sent); err != nil {
				t.Fatal(err)
			}
			wire := tt.wire(sent.String())
			if wire == sent.String() && tt.name != "as it was sent" {
				t.Fatalf("nothing was changed in\n%s", wire)
			}
			got, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
			if err != nil {
				t.Fatal(err)
			}
			var arrived bytes.Buffer
			if _, err := arrived.ReadFrom(got.Body); err != nil {
				t.Fatal(err)
			}
			id, err := verify(newVerifier(), got, arrived.String())
			switch {
			case tt.code != "":
				wantError(t, err, tt.code, "")
			case err != nil || id != testIdentity:
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

func changeSignature(wire, signature string) string {
	i := strings.Index(wire, "Signature=") + len("Signature=")
	return wire[:i] + signature + wire[i+64:]
}

// Within the five minutes a request can be repeated as it is: SECURITY.md says so (S5).
func TestReplayInsideTheWindow(t *testing.T) {
	v := newVerifier()
	r := newRequest(t, "/", "{}")
	sign(t, r, "{}", testSecret, "us-east-1", testTime)
	for range 2 {
		if _, err := verify(v, overTheWire(t, r.Clone(t.Context())), "{}"); err != nil {
			t.Errorf("sent again: %v", err)
		}
		r.Body, _ = r.GetBody() // of a strings.Reader: cannot fail
	}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
