package ociapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

func TestThrottledRequestIsToldWhenToComeBack(t *testing.T) {
	s := newServer(t, func(o *ociapi.Options) {
		o.Throttle = func(_ *http.Request, caller registry.Caller, kind string) time.Duration {
			if caller.Account == owner.Account && kind == "tagsList" {
				return 1500 * time.Millisecond
			}
			return 0
		}
	})
	get := func(token string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/v2/a1b2c3d4/hello/tags/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	if res := get("owner"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if res := get("nobody"); res.StatusCode != http.StatusOK {
		t.Errorf("another caller: status %d", res.StatusCode)
	}
}
