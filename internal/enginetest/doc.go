// Package enginetest starts real servers for tests: the databases and object stores that a fleet runs on. They listen on
// loopback, keep their data in temporary folders and end with the test that asked for them. A program that is missing
// fails the test.
//
// Only tests import it. Read next: postgres.go and s3.go.
package enginetest
