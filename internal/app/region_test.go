package app

import (
	"errors"
	"net/http"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ecrapi"
)

func TestStrictRegion(t *testing.T) {
	begin := beginInOnlyRegion(func(*http.Request) (ecrapi.Pending, error) { return provenPending{}, nil })
	request := func(region string) *http.Request {
		r := newRequest(http.MethodPost, "/", "{}")
		r.Header.Set("X-Amz-Target", "SpencerFrontendService.GetAuthorizationToken")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261122/"+region+"/ecr-public/aws4_request, SignedHeaders=host, Signature=00")
		return r
	}
	if _, err := begin(request("us-east-1")); err != nil {
		t.Error(err)
	}
	_, err := begin(request("us-west-2"))
	var refused *ecrpublic.UnsupportedCommandException
	if !errors.As(err, &refused) || refused.ErrorMessage() != "GetAuthorizationToken command is only supported in us-east-1." {
		t.Errorf("error %v", err)
	}
	malformed := request("us-east-1")
	malformed.Header.Set("Authorization", "Bearer x")
	if _, err := begin(malformed); err == nil {
		t.Error("a header without a region passes")
	}
	wrong := errors.New("wrong signature")
	begin = beginInOnlyRegion(func(*http.Request) (ecrapi.Pending, error) { return nil, wrong })
	if _, err := begin(request("us-west-2")); !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
}
