package auth

import (
	"net/http"
	"strings"
	"time"
)

const (
	signingAlgorithm = "AWS4-HMAC-SHA256"
	scopeTerminator  = "aws4_request"

	amzDate   = "20060102T150405Z"
	scopeDate = "20060102" // the head of amzDate

	// maxAuthorization is several times what any client sends; it bounds what a refusal may echo.
	maxAuthorization = 8 << 10
)

// authorization is a parsed Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/ecr-public/aws4_request, SignedHeaders=host;x-amz-date, Signature=hex
type authorization struct {
	accessKeyID, date, region, service, terminator string

	signedHeaders string // names with ";" between them, strictly ascending, so none is empty or there twice
	signature     string
}

// parseAuthorization checks the header's form only; scope and names are judged by others.
func parseAuthorization(h http.Header) (authorization, error) {
	var a authorization
	if len(h.Values("Authorization")) == 0 {
		return a, missingToken()
	}
	header, err := singleHeader(h, "Authorization")
	if err != nil {
		return a, err
	}
	if len(header) > maxAuthorization {
		return a, incomplete("Authorization header is %d bytes long, and at most %d are accepted.", len(header), maxAuthorization)
	}
	parameters, ok := strings.CutPrefix(header, signingAlgorithm+" ")
	if !ok {
		return a, incomplete("Authorization header must begin with %s: sign the request with AWS Signature Version 4.", signingAlgorithm)
	}

	var credential, signedHeaders string
	for parameter := range strings.SplitSeq(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		var target *string
		switch name {
		case "Credential":
			target = &credential
		case "SignedHeaders":
			target = &signedHeaders
		case "Signature":
			target = &a.signature
		default:
			return a, incomplete("Authorization header has a parameter that is not Credential, SignedHeaders or Signature: %q.", name)
		}
		if value == "" || *target != "" {
			return a, incomplete("Authorization header must give %s once, with a value.", name)
		}
		*target = value
	}
	if credential == "" || signedHeaders == "" || a.signature == "" {
		return a, incomplete("Authorization header must give Credential, SignedHeaders and Signature.")
	}
	return a, a.split(credential, signedHeaders)
}

func (a *authorization) split(credential, signedHeaders string) error {
	n, parts := 0, [...]*string{&a.accessKeyID, &a.date, &a.region, &a.service, &a.terminator}
	for part := range strings.SplitSeq(credential, "/") {
		if n < len(parts) {
			*parts[n] = part
		}
		n++
	}
	if n != len(parts) || a.accessKeyID == "" {
		return incomplete("Credential must be ACCESS-KEY-ID/YYYYMMDD/REGION/SERVICE/%s, not %q.", scopeTerminator, credential)
	}
	previous := ""
	for name := range strings.SplitSeq(signedHeaders, ";") {
		if name <= previous {
			return incomplete("SignedHeaders must be sorted, with no name empty or repeated, and %q is not.", signedHeaders)
		}
		previous = name
	}
	a.signedHeaders = signedHeaders
	return nil
}

// signs says whether a header is among those that the signature covers.
func (a *authorization) signs(header string) bool {
	for name := range strings.SplitSeq(a.signedHeaders, ";") {
		if isLower(name, header) {
			return true
		}
	}
	return false
}

// isLower says whether name is the header's in lower case, without making that.
func isLower(name, header string) bool {
	if len(name) != len(header) {
		return false
	}
	for i := range len(name) {
		c := header[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if name[i] != c {
			return false
		}
	}
	return true
}

// refuseSessionToken is for callers whose environment still holds the token of a real AWS session: to them, an unknown
// key or a wrong signature would be a riddle.
func refuseSessionToken(h http.Header) error {
	if len(h.Values("X-Amz-Security-Token")) == 0 {
		return nil
	}
	return unrecognizedClient("The request carries a session token, and this registry issues none: " +
		"unset AWS_SESSION_TOKEN and use an access key of this registry.")
}

// requestTime is X-Amz-Date or, without it, Date: whichever the signer put into the string to sign, there in the form of
// amzDate.
func requestTime(h http.Header) (at time.Time, text string, err error) {
	name, layouts := "X-Amz-Date", []string{amzDate}
	if len(h.Values(name)) == 0 {
		// botocore writes its Date header in the form of RFC 5322, with a numeric zone.
		name, layouts = "Date", []string{amzDate, http.TimeFormat, time.RFC1123Z}
	}
	if len(h.Values(name)) == 0 {
		return time.Time{}, "", incomplete("The request has neither an X-Amz-Date nor a Date header.")
	}
	value, err := singleHeader(h, name)
	if err != nil {
		return time.Time{}, "", err
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, value)
		if err != nil {
			continue
		}
		if layout == amzDate && len(value) == len(amzDate) { // Parse also takes a fraction of a second
			return t, value, nil
		}
		return t.UTC(), t.UTC().Format(amzDate), nil
	}
	return time.Time{}, "", incomplete("%s must be a time such as 20261122T084500Z, not %.64q.", name, value)
}

// declaredBodyHash is X-Amz-Content-Sha256, "" if absent. A word in its place means a body that the signature does not
// cover, or that is signed in chunks.
func declaredBodyHash(h http.Header) (string, error) {
	const name = "X-Amz-Content-Sha256"
	if len(h.Values(name)) == 0 {
		return "", nil
	}
	value, err := singleHeader(h, name)
	if err != nil {
		return "", err
	}
	if len(value) != hexHash || strings.Trim(value, "0123456789abcdef") != "" {
		return "", invalidSignature("%s must be the SHA-256 of the body in 64 lower-case hex digits, not %.64q: "+
			"the signature has to cover the whole body.", name, value)
	}
	return value, nil
}

// checkSignedHeaders makes sure that no header which could change the meaning of the request is left unsigned. AWS asks
// for host and every x-amz-* header; other headers, such as amz-sdk-request, botocore adds after signing.
func checkSignedHeaders(h http.Header, a *authorization) error {
	const amzPrefix = "x-amz-"
	if !a.signs("host") {
		return incomplete("The host header must be among the SignedHeaders.")
	}
	for name := range h {
		if len(name) < len(amzPrefix) || !strings.EqualFold(name[:len(amzPrefix)], amzPrefix) {
			continue
		}
		if !a.signs(name) {
			return incomplete("The header %.64q is not among the SignedHeaders, and every x-amz-* header must be.", strings.ToLower(name))
		}
	}
	return nil
}

// singleHeader refuses a header that is given more than once: the signer and the verifier could each pick another.
func singleHeader(h http.Header, name string) (string, error) {
	values := h.Values(name)
	if len(values) != 1 {
		return "", incomplete("The request has %d %s headers, and must have one.", len(values), name)
	}
	return values[0], nil
}

// ClaimedKeyID is the access key that a request says it is signed with, empty when it does not say so in the form of a
// signature. Nothing about it is proven.
func ClaimedKeyID(h http.Header) string {
	a, err := parseAuthorization(h)
	if err != nil {
		return ""
	}
	return a.accessKeyID
}
