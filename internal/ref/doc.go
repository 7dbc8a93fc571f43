// Package ref holds the names of the registry: accounts, aliases, repositories, tags, digests and ARNs.
//
// Every type here is made by a Parse function and is valid by construction; String gives back what was parsed. The
// package is pure: it knows no HTTP, no SQL and no AWS module, and imports the standard library only. What a name may
// do is decided in package registry.
package ref
