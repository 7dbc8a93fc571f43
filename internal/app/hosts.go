package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/gallery"
	"github.com/openecr/openecr/internal/registry"
)

// hosts are the names under which clients may come; the zero value lets all of them in.
//
// A server on loopback is behind no firewall when the attacker is a page in the browser on the same machine: its own host
// name is made to point to 127.0.0.1 (DNS rebinding), and for the browser the page then belongs to this server. Only the
// Host header tells. So a name has to be one that no stranger can make point anywhere: of this machine, of the operator,
// or reserved. An address in place of a name is never somebody's page.
type hosts struct {
	names    []string // lower case
	enforced bool
}

// anyHost as --host turns the check off.
const anyHost = "*"

// reservedHosts are names for this machine that clients use, and of the real service for whom it is stood in for by a
// hosts file. Nobody else can own them: RFC 6761 reserves localhost, and ICANN has reserved internal for private use.
var reservedHosts = []string{"localhost", "public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com"}

var reservedDomains = []string{".localhost", ".internal"}

// publicHosts are those of the public listener: any, unless it is on loopback or the operator has named some.
func (c Config) publicHosts(addr net.Addr, public *url.URL) hosts {
	h := hosts{names: append(slices.Clone(reservedHosts), withoutPort(public.Host)), enforced: isLoopback(addr) || len(c.Hosts) > 0}
	for _, name := range slices.Concat(c.Hosts, c.ACME.Domains) {
		h.names = append(h.names, strings.ToLower(name))
	}
	h.enforced = h.enforced && !slices.Contains(h.names, anyHost)
	return h
}

// adminHosts are those of the admin listener.
func adminHosts(addr net.Addr) hosts { return hosts{names: reservedHosts, enforced: isLoopback(addr)} }

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// allow judges a Host header. One that is missing comes from no browser.
func (h hosts) allow(host string) bool {
	if !h.enforced || host == "" {
		return true
	}
	name := withoutPort(host)
	if _, err := netip.ParseAddr(name); err == nil || slices.Contains(h.names, name) {
		return true
	}
	return slices.ContainsFunc(reservedDomains, func(domain string) bool { return strings.HasSuffix(name, domain) })
}

// withoutPort is a Host header without its port, as names are compared.
func withoutPort(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil { // no port
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-._"

// checkHosts refuses what could never be the name in a Host header.
func checkHosts(names []string) error {
	for _, name := range names {
		if name == "" || name != anyHost && strings.Trim(strings.ToLower(name), hostCharacters) != "" {
			return fmt.Errorf("--host %q must be a host name without port, such as registry.example, or * for any", name)
		}
	}
	return nil
}

// The headers of every answer of which a surface does not say otherwise: it is no page, whatever is in it. The slices are
// shared, so that they cost nothing.
var (
	noSniff = []string{"nosniff"}
	noPage  = []string{"default-src 'none'; frame-ancestors 'none'; sandbox"}
)

// guard keeps out what pages of others have a browser send here: requests to a name that is not this server's, and those
// that would change something across origins (the gallery checks its forms itself, to answer with a page). Clients that
// are no browsers send neither Origin nor Sec-Fetch-Site.
func guard(next http.Handler, h hosts) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Content-Type-Options"] = noSniff
		w.Header()["Content-Security-Policy"] = noPage
		// What a proxy says in its own header counts for nothing here: a page can write that one, but not Host.
		if host := cmp.Or(connectionOf(r).host, r.Host); !h.allow(host) {
			refuseForeign(w, r, http.StatusMisdirectedRequest, fmt.Sprintf("The host %q is not a name of this server: "+
				"use its address, localhost or the host of --public-url, or start openecr serve with --host NAME.", withoutPort(host)))
			return
		}
		if err := origins.Check(r); err != nil && !gallery.TakesForms(r.URL.Path) {
			refuseForeign(w, r, http.StatusForbidden, foreignPage)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const foreignPage = "A page of another site made the browser send this request, and only this server's own pages may."

// refuseForeign answers in the forms of both wires at once, because it is not known yet which one it is.
func refuseForeign(w http.ResponseWriter, r *http.Request, status int, why string) {
	observe(r, "", registry.Caller{}, errors.New(why))
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(struct { // text always encodes
		Type    string `json:"__type"`
		Message string `json:"message"`
		Errors  []item `json:"errors"`
	}{"AccessDeniedException", why, []item{{"DENIED", why}}})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
