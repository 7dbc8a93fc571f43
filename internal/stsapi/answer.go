package stsapi

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const (
	namespace       = "https://sts.amazonaws.com/doc/2011-06-15/"
	requestIDHeader = "X-Amzn-Requestid"
)

type metadata struct {
	RequestID string `xml:"RequestId"`
}

// callerIdentity is the answer of GetCallerIdentity (STS API reference).
type callerIdentity struct {
	XMLName  xml.Name `xml:"GetCallerIdentityResponse"`
	XMLNS    string   `xml:"xmlns,attr"`
	Result   identity `xml:"GetCallerIdentityResult"`
	Metadata metadata `xml:"ResponseMetadata"`
}

type identity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

func newCallerIdentity(c registry.Caller, requestID string) callerIdentity {
	return callerIdentity{
		XMLNS:    namespace,
		Result:   identity{ARN: c.ARN, UserID: UserID(c), Account: string(c.Account)},
		Metadata: metadata{requestID},
	}
}

// UserID is what IAM calls the unique id: the account's own number for its root user; for another the letters AIDA and
// 17 more, always the same for the same ARN.
func UserID(c registry.Caller) string {
	if strings.HasSuffix(c.ARN, ":root") {
		return string(c.Account)
	}
	sum := sha256.Sum256([]byte(c.ARN))
	return "AIDA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// serviceBearerToken is the answer of GetServiceBearerToken. The token is also the authorizationToken of a docker login.
type serviceBearerToken struct {
	XMLName  xml.Name    `xml:"GetServiceBearerTokenResponse"`
	XMLNS    string      `xml:"xmlns,attr"`
	Result   bearerToken `xml:"GetServiceBearerTokenResult"`
	Metadata metadata    `xml:"ResponseMetadata"`
}

type bearerToken struct {
	Token      string    `xml:"Token"`
	Expiration time.Time `xml:"Expiration"`
}

func newServiceBearerToken(token string, expires time.Time, requestID string) serviceBearerToken {
	return serviceBearerToken{XMLNS: namespace, Result: bearerToken{token, expires.UTC()}, Metadata: metadata{requestID}}
}

// Error is a refusal in the words of the query protocol.
type Error struct {
	Code    string
	Message string
	Status  int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

type errorResponse struct {
	XMLName   xml.Name  `xml:"ErrorResponse"`
	XMLNS     string    `xml:"xmlns,attr,omitempty"`
	Error     errorBody `xml:"Error"`
	RequestID string    `xml:"RequestId"`
}

type errorBody struct {
	XMLName xml.Name `xml:"Error"`
	Type    string   `xml:"Type"` // Sender or Receiver: whose fault it is
	Code    string   `xml:"Code"`
	Message string   `xml:"Message"`
}

// signatureCodes are STS's names for what the JSON protocol calls otherwise, with their status.
var signatureCodes = map[string]struct {
	code   string
	status int
}{
	"MissingAuthenticationTokenException": {"MissingAuthenticationToken", http.StatusForbidden},
	"IncompleteSignatureException":        {"IncompleteSignature", http.StatusBadRequest},
	"InvalidSignatureException":           {"SignatureDoesNotMatch", http.StatusForbidden},
	"UnrecognizedClientException":         {"InvalidClientTokenId", http.StatusForbidden},
}

// refusal is err in the words of the query protocol. What has no code is ours to repair: the client gets a fixed text and
// the request id under which the log has the cause.
func refusal(err error, requestID string) *Error {
	var refused *Error
	var denied *registry.Error
	var coded interface {
		ErrorCode() string
		ErrorMessage() string
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &denied) && denied.Kind == registry.AccessDenied:
		return &Error{"AccessDenied", denied.Message, http.StatusForbidden}
	case errors.As(err, &coded):
		if s, ok := signatureCodes[coded.ErrorCode()]; ok {
			return &Error{s.code, coded.ErrorMessage(), s.status}
		}
	}
	return &Error{"InternalFailure", fmt.Sprintf("The server failed to answer. Its log says why under request id %s.", requestID), http.StatusInternalServerError}
}

func writeError(w http.ResponseWriter, err error) {
	requestID := w.Header().Get(requestIDHeader)
	e := refusal(err, requestID)
	body := errorBody{Type: "Sender", Code: e.Code, Message: e.Message}
	if e.Status >= http.StatusInternalServerError {
		body.Type = "Receiver"
	}
	writeXML(w, e.Status, errorResponse{XMLNS: namespace, Error: body, RequestID: requestID})
}

func writeXML(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(answer) // a client that left does not hear the answer
}
