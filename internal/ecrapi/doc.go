// Package ecrapi is the AWS surface: Amazon ECR Public's API, AWS JSON 1.1 over POST /, signed with SigV4.
//
// It reads a request, proves its signature, checks it against the constraints of package ecrpublic, calls one verb of
// package registry and writes the answer or the exception. It holds no rule about repositories and knows no SQL. Who
// signs is established by the function that Options.Begin holds; the docker registry protocol is package ociapi.
//
// Read next: server.go for the path of a request, operations.go for the table of what is answered, layerpart.go for
// the one operation whose body is too large to hold.
package ecrapi
