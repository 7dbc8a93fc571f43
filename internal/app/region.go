package app

import (
	"net/http"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ecrapi"
)

// onlyRegion is where the real service takes commands. Elsewhere it has endpoints that answer with a refusal.
const onlyRegion = "us-east-1"

// beginInOnlyRegion refuses API requests that are signed for another region, in the words of the real service.
func beginInOnlyRegion(begin func(*http.Request) (ecrapi.Pending, error)) func(*http.Request) (ecrapi.Pending, error) {
	return func(r *http.Request) (ecrapi.Pending, error) {
		p, err := begin(r)
		if err == nil && signedRegion(r) != onlyRegion {
			operation := r.Header.Get("X-Amz-Target")
			message := operation[strings.LastIndexByte(operation, '.')+1:] + " command is only supported in " + onlyRegion + "."
			err = &ecrpublic.UnsupportedCommandException{Message: &message}
		}
		return p, err
	}
}

// signedRegion is the third part of a signature's scope: Credential=KEY/DATE/REGION/SERVICE/aws4_request. It is empty
// for a header of another form, which package auth refuses.
func signedRegion(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.SplitN(credential, "/", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}
