package auth

import "fmt"

// Error is a request refused for its credentials. Code is the exception name of the AWS JSON 1.1 protocol and Message
// its text; both may be shown to the caller. The real service answers all of them with status 400.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode and ErrorMessage are what package ecrapi asks of an error that a client may read.
func (e *Error) ErrorCode() string    { return e.Code }
func (e *Error) ErrorMessage() string { return e.Message }

// invalidToken is what the real service says of an access key that it does not know.
const invalidToken = "The security token included in the request is invalid."

// wrongSignature is what the real service says of a signature that does not match.
const wrongSignature = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// UnknownKey is the refusal of an access key that does not exist or is disabled.
func UnknownKey() *Error { return unrecognizedClient(invalidToken) }

func missingToken() *Error {
	return &Error{"MissingAuthenticationTokenException", "Missing Authentication Token"}
}

func incomplete(format string, args ...any) *Error {
	return &Error{"IncompleteSignatureException", fmt.Sprintf(format, args...)}
}

func invalidSignature(format string, args ...any) *Error {
	return &Error{"InvalidSignatureException", fmt.Sprintf(format, args...)}
}

func unrecognizedClient(message string) *Error {
	return &Error{"UnrecognizedClientException", message}
}
