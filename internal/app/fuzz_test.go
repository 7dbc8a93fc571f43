package app

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// A client whose address is no proxy's is that address, whatever it says; behind a proxy it is an address at all.
func FuzzForwardedFor(f *testing.F) {
	for _, header := range []string{"", "10.0.0.1", "192.0.2.1, 10.0.0.1", " ,,", "::1%eth0", "192.0.2.1:80", "unknown, 10.0.0.2", strings.Repeat("10.0.0.3,", 50)} {
		f.Add(header)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header string) {
		for peer, isProxy := range map[string]bool{"192.0.2.7:1": false, "10.0.0.9:1": true} {
			r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {header}}}
			from := believeProxy(r, proxies)
			if _, err := netip.ParseAddr(from.remote); err != nil || !isProxy && from.remote != "192.0.2.7" {
				t.Errorf("%q from %s is %q", header, peer, from.remote)
			}
		}
	})
}

// A rate that is taken can be kept: it is a number, more than nothing.
func FuzzRateLimit(f *testing.F) {
	for _, limit := range []string{"*=1", "CreateRepository=0.5:2", "*=NaN", "*=Inf:1", "*=1e-320:1", "*=0x1p4:0x1p4", "=1", "*=1:"} {
		f.Add(limit)
	}
	f.Fuzz(func(t *testing.T, limit string) {
		rates, err := Limits{RateLimits: []string{limit}}.rates()
		for operation, r := range rates {
			if err != nil || !isOperation(operation) || !(r.perSecond > 0 && r.perSecond <= 1e6 && r.burst >= 1 && r.burst <= 1e6) {
				t.Errorf("%q gives %+v, %v", limit, rates, err)
			}
		}
	})
}

// What --host and --public-url take is a name or an address that a Host header can have.
func FuzzPublicURL(f *testing.F) {
	for _, raw := range []string{"https://registry.example", "http://[::1]:80/", "https://u@h", "https://h/p", "https://h?", "https:///", "https://h:port"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := Config{PublicURL: raw}.publicURL()
		if err != nil || u == nil {
			return
		}
		h := hosts{names: []string{withoutPort(u.Host)}, enforced: true}
		if !h.allow(u.Host) || u.Hostname() == "" || u.User != nil || u.Path != "" {
			t.Errorf("%q gives %q, which the server itself would not answer", raw, u)
		}
	})
}
