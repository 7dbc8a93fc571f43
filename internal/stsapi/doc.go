// Package stsapi answers the two calls of AWS STS that tools make before they use ECR Public: GetCallerIdentity, by which
// they check their credentials, and GetServiceBearerToken. It speaks STS's query protocol: a form in, XML out.
//
// With AWS_ENDPOINT_URL set, tools send what they want of any AWS service here. Refuse is the answer to all of it: an
// error that says who answered, in the protocol of that service.
//
// Who is calling is established by whoever implements Options.Begin. Read next: server.go.
package stsapi
