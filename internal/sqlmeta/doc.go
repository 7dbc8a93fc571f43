// Package sqlmeta keeps the registry's metadata in an SQL database, through database/sql. It implements registry.Meta.
//
// It holds rows and decides nothing: which push is allowed or which image may be deleted is decided in package
// registry, inside the transactions that this package gives it. It holds no bytes of layers either, see blobfs.
//
// The SQL is one text for all databases, with $n placeholders; what must differ is a dialect. SQLite is the one there
// is: a single connection writes and commits whatever has queued up in one transaction, so pushes that run at the same
// time share a flush to disk, and as many connections as there are CPUs read.
//
// Read next: schema/001_init.sql for the tables, store.go for the store, writer.go for how an update becomes durable,
// find.go for the one query that must be fast.
package sqlmeta
