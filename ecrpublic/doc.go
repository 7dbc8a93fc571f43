// Package ecrpublic is the API of Amazon ECR Public, version 2020-10-30, as Go values: its 23 operations, their inputs
// and outputs, its exceptions, the JSON they travel in, and a client.
//
// It is not a server and holds no rule of the registry; it says what a request may look like, never what it does.
// It imports nothing else of this module, so other programs can use it alone.
//
// # Where to go next
//
//   - [Client] calls the service: one typed method per operation, iterators for the operations that page.
//   - [Operations] is the table of operations, the only list of them. Servers and command lines walk it.
//   - [Unmarshal], [Validate] and [Marshal] are the three steps of a server: read, check, answer.
//   - [Shape] describes a structure: its members in order, their kinds and constraints.
//   - [Value] is a structure as a tree of plain values, for code that must not know the types.
//
// # Absent and empty
//
// Every member of every structure is optional in Go, required or not, because a server must be able to see what a
// client left out. Scalars and structures are pointers; lists and blobs are slices. Nil is absent; an empty list or
// blob is present. Both survive [Marshal] and [Unmarshal], and [Value] too. So do values of an enum that this version
// of the package does not know.
//
// # Constraints
//
// A field's json tag is its name on the wire; the order of the fields is the order of the API. Its check tag is a list,
// separated by commas, of what [Validate] asks of it:
//
//	required            present
//	len=MIN..MAX        length: code points of a string, bytes of a blob, items of a list; either end may be missing
//	value=MIN..MAX      size of a number; either end may be missing
//	pattern=NAME        the whole string matches the regular expression of that name (patterns.go)
//	item.len, item.pattern, item.value    the same for every item of a list
//
// The kind of a member is its Go type: *int64 is a long, *int32 an integer, a named string type an enum.
package ecrpublic
