// Package app makes a running program of a Config: it opens the stores, establishes who the first account is, mounts
// the surfaces behind one port and runs them until it is told to stop.
//
// It is the only package that knows all others. It holds no rule about repositories and no wire format; flags and
// environment variables are read in cmd/openecr.
//
// Read next: app.go for the life of the program, mux.go for which request goes where, middleware.go for what happens
// to every request, identity.go for who calls, admin.go for what an operator does to accounts, aliases and keys.
package app
