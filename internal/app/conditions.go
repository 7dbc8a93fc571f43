package app

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

// connection is what the middleware knows of where a request comes from.
type connection struct {
	remote string // the client's address, as far as proxies are believed
	secure bool   // it came over TLS, at least to the first trusted proxy
	host   string // the Host header as it arrived, where http.Request.Host may be what a proxy says
}

func connectionOf(r *http.Request) connection {
	if rec, ok := r.Context().Value(recordKey{}).(*record); ok {
		return rec.from
	}
	return connection{}
}

// conditions are what policies may ask about a request beside its caller and its resource (IAM User Guide, "Global
// condition keys").
func conditions(r *http.Request, caller registry.Caller) map[string][]string {
	now := time.Now().UTC()
	from := connectionOf(r)
	c := map[string][]string{
		"aws:CurrentTime":     {now.Format(time.RFC3339)},
		"aws:EpochTime":       {strconv.FormatInt(now.Unix(), 10)},
		"aws:SecureTransport": {strconv.FormatBool(from.secure)},
		"aws:UserAgent":       {r.UserAgent()},
	}
	if from.remote != "" {
		c["aws:SourceIp"] = []string{from.remote}
	}
	if _, user, ok := strings.Cut(caller.ARN, ":user/"); ok {
		c["aws:username"] = []string{user[strings.LastIndexByte(user, '/')+1:]}
	}
	return c
}

// withConditions lets policies ask about the request. Most calls meet none, so they are gathered when one does.
func withConditions(caller registry.Caller, r *http.Request) registry.Caller {
	known := caller
	caller.Conditions = func() map[string][]string { return conditions(r, known) }
	return caller
}

// beginWithConditions tells the caller of an API request what policies may ask about it.
func beginWithConditions(begin func(*http.Request) (ecrapi.Pending, error)) func(*http.Request) (ecrapi.Pending, error) {
	return func(r *http.Request) (ecrapi.Pending, error) {
		p, err := begin(r)
		if err != nil {
			return nil, err
		}
		return conditioned{p, r}, nil
	}
}

type conditioned struct {
	ecrapi.Pending
	r *http.Request
}

func (c conditioned) Finish(bodySHA256 [32]byte) (registry.Caller, error) {
	caller, err := c.Pending.Finish(bodySHA256)
	return withConditions(caller, c.r), err
}

type authenticateFunc = func(*http.Request) (registry.Caller, ociapi.Scopes, error)

// authenticateWithConditions is the same for the registry wire.
func authenticateWithConditions(authenticate authenticateFunc) authenticateFunc {
	return func(r *http.Request) (registry.Caller, ociapi.Scopes, error) {
		caller, scopes, err := authenticate(r)
		if !caller.Anonymous() {
			caller = withConditions(caller, r)
		}
		return caller, scopes, err
	}
}
