// Package auth establishes who is calling, and keeps the secrets that this takes.
//
// It holds four independent parts:
//
//   - Verifier checks AWS Signature Version 4 on API requests. Begin judges everything that the headers alone can tell;
//     Finish judges the signature once the body's hash is known, and only then names the caller.
//   - Tokens issues and checks the password that GetAuthorizationToken hands out, the bearer token that docker shows to
//     the registry, and the session of a browser. All carry their claims, so no node has to store them. TokenKeys is how their keys come and go.
//   - Sealer encrypts secret access keys and token keys at rest under the master key.
//   - NewAccessKey, NewAccountID and NewAlias draw new credentials and names.
//
// It does not decide what a caller may do, has no HTTP handlers and stores nothing: access keys and token keys come
// through function fields, and turning an error into a response is the work of the two wire surfaces.
//
// Start at Verifier.Begin for API calls and at Tokens for docker logins.
package auth

// Identity is a proven caller: the holder of an access key. The zero Identity is nobody, which for a bearer token means
// anonymous.
type Identity struct {
	AccountID   string // 12 digits
	AccessKeyID string // AKIA and 16 more characters
	ARN         string // for example arn:aws:iam::123456789012:root
}
