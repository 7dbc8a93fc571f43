package stsapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSignedFor(t *testing.T) {
	for header, want := range map[string]string{
		"": "",
		"AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00":     "sts",
		"AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKIA/20261122/us-east-1/ec2/aws4_request":                    "ec2",
		"AWS4-ECDSA-P256-SHA256 Credential=AKIA/20261122/s3/aws4_request, SignedHeaders=host, Signature=00":          "s3", // it names no region
		"AWS4-HMAC-SHA256 Credential=a/b/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00": "dynamodb",
		"AWS4-HMAC-SHA256 Credential=, SignedHeaders=host":                                                           "",
		"AWS4-HMAC-SHA256 Credential=/": "",
		"Basic QVdTOng=":                "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", header)
		if got := SignedFor(r); got != want {
			t.Errorf("%q is signed for %q, want %q", header, got, want)
		}
	}
}

func TestIsQuery(t *testing.T) {
	for header, want := range map[string]bool{
		"application/x-www-form-urlencoded":                true,
		"application/x-www-form-urlencoded; charset=utf-8": true,
		"application/x-amz-json-1.1":                       false,
		"":                                                 false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", header)
		if got := IsQuery(r); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

func TestRefuseSpeaksTheProtocolOfTheService(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for service, c := range map[string]struct{ contentType, wantType, want string }{
		"s3":       {"", "text/xml", "<Error><Type>Sender</Type><Code>UnknownOperationException</Code><Message>This is openecr, "},
		"route53":  {"", "text/xml", "<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code>"},
		"ec2":      {form, "text/xml", "<RequestId>request-1</RequestId></ErrorResponse>"},
		"dynamodb": {"application/x-amz-json-1.0", "application/x-amz-json-1.1", `{"__type":"UnknownOperationException","message":"This is openecr, `},
		"lambda":   {"", "application/x-amz-json-1.1", "not for lambda: set AWS_ENDPOINT_URL_ECR_PUBLIC"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		w.Header().Set(requestIDHeader, "request-1")
		Refuse(w, r, service)
		if got := w.Body.String(); w.Code != 400 || w.Header().Get("Content-Type") != c.wantType || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s %s", service, w.Code, w.Header().Get("Content-Type"), got)
		}
	}
}

// A service is one word of the header, whatever the header is.
func FuzzSignedFor(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00")
	f.Add("Credential=//,")
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if service := SignedFor(r); strings.ContainsAny(service, "/,") || !strings.Contains(header, service) {
			t.Errorf("%q is signed for %q", header, service)
		}
	})
}
