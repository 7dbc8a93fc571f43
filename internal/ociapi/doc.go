// Package ociapi is the docker registry surface: the OCI distribution protocol under /v2/, and the tokens for it under
// /token.
//
// It reads a request into a value, calls one verb of package registry and writes the answer or the error. It holds no
// rule about repositories, knows no SQL and no signatures: who calls is established by the functions in Options. The
// AWS API over the same verbs is package ecrapi.
//
// The OCI distribution spec 1.1 comes first. Where the real ECR Public departs from it in a way that its users complain
// of (400 for an expired token, 201 for a chunk, no digest on some answers), this package does what the spec says.
//
// Read next: route.go and request.go for what may be asked, ociapi.go for the path of a request, errors.go for the
// table from the core's kinds of error to codes and statuses, testdata for exchanges as they look on the wire.
package ociapi
