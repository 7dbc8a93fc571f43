package ociapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func TestEveryKindOfErrorHasAnAnswer(t *testing.T) {
	codes := []string{
		codeBlobUnknown, codeBlobUploadInvalid, codeBlobUploadUnknown, codeDigestInvalid, codeManifestBlobUnknown,
		codeManifestInvalid, codeManifestUnknown, codeNameInvalid, codeNameUnknown, codeSizeInvalid, codeUnauthorized,
		codeDenied, codeUnsupported,
	}
	for _, kind := range registry.Kinds() {
		a, ok := answers[kind]
		if !ok {
			t.Errorf("kind %d has no answer", kind)
			continue
		}
		if slices.Contains([]registry.Kind{registry.ReadOnly, registry.Overloaded, registry.NoRoom}, kind) && a.status > 500 {
			continue // nothing is wrong with the request
		}
		if a.status < 400 || a.status > 499 || !slices.Contains(codes, a.code) {
			t.Errorf("kind %d is answered with %d %s", kind, a.status, a.code)
		}
	}
	if len(answers) != len(registry.Kinds()) {
		t.Errorf("there are %d answers for %d kinds", len(answers), len(registry.Kinds()))
	}
}

func TestEveryRouteHasAHandler(t *testing.T) {
	s := New(Options{})
	for _, route := range routes {
		if isToken := route.resource == resourceToken; (s.handler(route.kind) == nil) != isToken {
			t.Errorf("%s %s: handler is nil: %v, token: %v", route.method, route.kind, !isToken, isToken)
		}
		if route.method == http.MethodGet || route.method == http.MethodHead {
			if route.push && route.resource != resourceUpload {
				t.Errorf("%s reads, and needs an account", route.kind)
			}
		} else if !route.push && route.resource != resourceToken {
			t.Errorf("%s changes something, and needs no account", route.kind)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := New(Options{PublicURL: func(*http.Request) *url.URL { return &url.URL{Scheme: "https", Host: "registry.test"} }})
	ctx, leave := context.WithCancel(t.Context())
	here := httptest.NewRequestWithContext(ctx, "GET", "/v2/", nil)
	leave()
	gone := here
	here = here.WithContext(t.Context())
	denied := &registry.Error{Kind: registry.AccessDenied, Message: "no"}
	tests := []struct {
		name   string
		r      *http.Request
		caller registry.Caller
		err    error
		status int
		code   string
	}{
		{"nobody is asked to sign in", here, registry.Caller{}, denied, 401, "UNAUTHORIZED"},
		{"somebody is denied", here, registry.Caller{Account: "111111111111"}, denied, 403, "DENIED"},
		{"without a default alias none is suggested", here, registry.Caller{}, &missingAliasError{"hello"}, 404, "NAME_UNKNOWN"},
		{"a client that left is not our failure", gone, registry.Caller{}, fmt.Errorf("store: %w", context.Canceled), 408, "UNSUPPORTED"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := s.refusal(test.r, Request{Kind: Ping}, test.caller, test.err)
			if e == nil || e.Status != test.status || e.Code != test.code {
				t.Errorf("refused as %+v, want %d %s", e, test.status, test.code)
			}
		})
	}
	if e := s.refusal(here, Request{}, registry.Caller{}, context.Canceled); e != nil {
		t.Errorf("with the client still there a cancelled context is %+v, want our failure", e)
	}
}
