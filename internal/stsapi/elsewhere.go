package stsapi

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// SignedFor is the AWS service that a request says it is signed for, such as "sts"; empty when it is not signed.
func SignedFor(r *http.Request) string {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return ""
	}
	credential, _, _ = strings.Cut(credential, ",")
	scope := strings.Split(strings.TrimSpace(credential), "/")
	if len(scope) < 2 {
		return ""
	}
	return scope[len(scope)-2] // before "aws4_request"; counted from the end, since a made-up key id may have slashes
}

// IsQuery says whether a request is in the query protocol: a form.
func IsQuery(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/x-www-form-urlencoded"
}

// Refuse tells the client of a service that is not here whom it has reached. The signature is not looked at: there is
// nothing to protect.
func Refuse(w http.ResponseWriter, r *http.Request, service string) {
	message := fmt.Sprintf("This is openecr, which answers for ECR Public and STS, not for %.50s: "+
		"set AWS_ENDPOINT_URL_ECR_PUBLIC and AWS_ENDPOINT_URL_STS instead of AWS_ENDPOINT_URL.", service)
	const code = "UnknownOperationException"
	requestID := w.Header().Get(requestIDHeader)
	body := errorBody{Type: "Sender", Code: code, Message: message}
	switch {
	case service == "s3" || service == "s3express":
		writeXML(w, http.StatusBadRequest, body)
	case IsQuery(r) || service == "route53" || service == "cloudfront":
		writeXML(w, http.StatusBadRequest, errorResponse{Error: body, RequestID: requestID})
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Errortype", code) // where REST services have it
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
}
