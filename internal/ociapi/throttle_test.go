package ociapi_test

import (
	"bytes"
	"fmt"
	"io"
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
	if res := listTags(t, s.address, "owner"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if res := listTags(t, s.address, "nobody"); res.StatusCode != http.StatusOK {
		t.Errorf("another caller: status %d", res.StatusCode)
	}
}

func TestRequestWithoutAPlaceIsToldToComeBack(t *testing.T) {
	for kind, want := range map[registry.Kind]string{
		registry.Overloaded: `503, again in 1 s: {"errors":[{"code":"TOOMANYREQUESTS","message":"Not now"}]}`,
		registry.NoRoom:     `507, again in 30 s: {"errors":[{"code":"UNAVAILABLE","message":"Not now"}]}`,
	} {
		s := newServer(t, func(o *ociapi.Options) {
			o.Admit = func(_ *http.Request, caller registry.Caller, asked string) error {
				if caller.Account == owner.Account && asked == "tagsList" {
					return &registry.Error{Kind: kind, Message: "Not now"}
				}
				return nil
			}
		})
		res := listTags(t, s.address, "owner")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d, again in %s s: %s", res.StatusCode, res.Header.Get("Retry-After"), bytes.TrimSpace(body)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if res := listTags(t, s.address, "nobody"); res.StatusCode != http.StatusOK {
			t.Errorf("another caller: status %d", res.StatusCode)
		}
	}
}

func listTags(t *testing.T, address, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/v2/a1b2c3d4/hello/tags/list", nil)
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
