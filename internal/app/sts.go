package app

import (
	"fmt"
	"net/http"

	"github.com/openecr/openecr/internal/ecrapi"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/stsapi"
)

// withOtherServices answers what is meant for STS, and refuses what is meant for a service that is not here, before next
// takes it for something else: with AWS_ENDPOINT_URL set, tools send all they do here.
func withOtherServices(next http.Handler, reg *registry.Registry, id *identity, account *auditor, gates *gates) http.Handler {
	begin := beginWithConditions(id.beginSTS)
	sts := gates.around(signingIn, stsapi.New(stsapi.Options{
		Registry:   reg,
		Begin:      func(r *http.Request) (stsapi.Pending, error) { return begin(r) },
		IssueToken: id.issuePassword,
		Observe:    account.auditedSTS(observe),
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ecrapi.IsCall(r) { // whatever it is signed for
			next.ServeHTTP(w, r)
			return
		}
		service := stsapi.SignedFor(r)
		query := r.Method == http.MethodPost && r.URL.Path == "/" && stsapi.IsQuery(r)
		switch {
		case query && (service == "sts" || service == ""):
			onWire("sts", sts, w, r)
		case service != "" && service != "ecr-public":
			observe(r, "", registry.Caller{}, fmt.Errorf("meant for another service: %q", service))
			stsapi.Refuse(w, r, service)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
