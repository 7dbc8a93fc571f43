package main

// A container made of this binary alone has no certificate authorities, and S3, PostgreSQL and certificate authorities are
// reached over TLS. These roots are used where the system has none.
import _ "golang.org/x/crypto/x509roots/fallback"
