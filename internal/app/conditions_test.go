package app

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

// conditionsOf passes a request through the middleware.
func conditionsOf(t *testing.T, r *http.Request, caller registry.Caller, proxies ...string) map[string][]string {
	t.Helper()
	var got map[string][]string
	serveOnce(t, r, func(_ http.ResponseWriter, r *http.Request) { got = conditions(r, caller) }, proxies...)
	return got
}

func TestConditions(t *testing.T) {
	r := newRequest(http.MethodPost, "/", "")
	r.Header.Set("User-Agent", "docker/28")
	got := conditionsOf(t, r, registry.Caller{ARN: "arn:aws:iam::123456789012:user/team/robot"})
	now, err := time.Parse(time.RFC3339, got["aws:CurrentTime"][0])
	if since := time.Since(now); err != nil || since < 0 || since > time.Minute {
		t.Errorf("aws:CurrentTime is %v, %v", now, err)
	}
	if got["aws:EpochTime"][0] != strconv.FormatInt(now.Unix(), 10) {
		t.Errorf("aws:EpochTime is %v, want %d", got["aws:EpochTime"], now.Unix())
	}
	delete(got, "aws:CurrentTime")
	delete(got, "aws:EpochTime")
	want := map[string][]string{
		"aws:SecureTransport": {"false"},
		"aws:SourceIp":        {"192.0.2.7"},
		"aws:UserAgent":       {"docker/28"},
		"aws:username":        {"robot"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	root := conditionsOf(t, r, registry.Caller{ARN: "arn:aws:iam::123456789012:root"})
	if root["aws:username"] != nil {
		t.Errorf("the root user has the name %v", root["aws:username"])
	}
}

func TestSecureTransportAndAddressBehindProxies(t *testing.T) {
	for name, c := range map[string]struct {
		tls     bool
		header  http.Header
		proxies []string
		secure  string
		address string
	}{
		"TLS":                         {tls: true, secure: "true", address: "192.0.2.7"},
		"headers of anybody":          {header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.9"}}, secure: "false", address: "192.0.2.7"},
		"headers of a trusted proxy":  {header: http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.9"}}, proxies: []string{"192.0.2.0/24"}, secure: "true", address: "203.0.113.9"},
		"a client that came in plain": {tls: true, header: http.Header{"X-Forwarded-Proto": {"http"}}, proxies: []string{"192.0.2.0/24"}, secure: "false", address: "192.0.2.7"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(http.MethodPost, "/", "")
			if c.tls {
				r.TLS = new(tls.ConnectionState)
			}
			for key, values := range c.header {
				r.Header[key] = values
			}
			got := conditionsOf(t, r, registry.Caller{}, c.proxies...)
			if got["aws:SecureTransport"][0] != c.secure || got["aws:SourceIp"][0] != c.address {
				t.Errorf("secure %v from %v, want %s from %s", got["aws:SecureTransport"], got["aws:SourceIp"], c.secure, c.address)
			}
		})
	}
}

type provenPending struct{ caller registry.Caller }

func (p provenPending) AccessKeyID() string                      { return "AKIA" }
func (p provenPending) Finish([32]byte) (registry.Caller, error) { return p.caller, nil }

func TestCallersOfBothWiresHaveConditions(t *testing.T) {
	caller := registry.Caller{Account: "123456789012"}
	r := withConnection(httptest.NewRequest(http.MethodPost, "/", nil), connection{remote: "192.0.2.7"})
	begin := beginWithConditions(func(*http.Request) (ecrapi.Pending, error) { return provenPending{caller}, nil })
	pending, err := begin(r)
	must(t, err)
	api, err := pending.Finish([32]byte{})
	must(t, err)
	oci, _, err := authenticateWithConditions(func(*http.Request) (registry.Caller, ociapi.Scopes, error) { return caller, nil, nil })(r)
	must(t, err)
	for wire, c := range map[string]registry.Caller{"API": api, "registry": oci} {
		if c.Account != caller.Account || c.Conditions()["aws:SourceIp"][0] != "192.0.2.7" {
			t.Errorf("%s: %+v", wire, c)
		}
	}
	refused := errors.New("refused")
	if _, err := beginWithConditions(func(*http.Request) (ecrapi.Pending, error) { return nil, refused })(r); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}

// withConnection is a request as the middleware hands it on.
func withConnection(r *http.Request, from connection) *http.Request {
	return r.WithContext(&exchange{Context: r.Context(), record: record{from: from}})
}
