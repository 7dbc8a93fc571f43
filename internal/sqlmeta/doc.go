// Package sqlmeta keeps the registry's metadata in an SQL database, through database/sql. It implements registry.Meta.
//
// It holds rows and decides nothing: which push is allowed or which image may be deleted is decided in package
// registry, inside the transactions that this package gives it. It holds no bytes of layers either, see blobfs.
//
// The SQL is one text for all databases, with $n placeholders; what must differ is a dialect. How a database is worked
// with is its engine. In SQLite a single connection writes and commits whatever has queued up in one transaction, so
// pushes that run at the same time share a flush to disk, and as many connections as there are CPUs read. PostgreSQL has a
// pool of connections for everything: updates are SERIALIZABLE and run again when they conflict, views are snapshots, and
// a transaction whose connection breaks runs again too, unless it was committing. So a restart of the server costs
// seconds and no errors, but for commits whose answer got lost. Nothing is kept in a session but statements and
// settings, which a pooler between the two must preserve: PgBouncer does in session mode.
//
// Read next: schema/001_init.sql for the tables, store.go for the store, writer.go for how an update becomes durable in
// SQLite, postgres.go and repeat.go for how it does in PostgreSQL, find.go for the one query that must be fast,
// migrate.go before you change a table.
package sqlmeta
