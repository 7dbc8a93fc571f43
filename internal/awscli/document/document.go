// Package document holds values without a schema: what a user gives as JSON, YAML or shorthand, and what is printed.
//
// It differs from encoding/json in what the command line must keep: objects remember the order of their keys, integers
// have no upper limit, lists and objects have an identity (YAML output names one that appears twice), and a value can
// be printed in the notation of error messages, which is Python's. It knows nothing of the API; package awscli joins the
// two.
//
// A value is nil, a bool, an int64, a [*big.Int] that does not fit one, a float64, a string, a []byte, a [Datetime], a
// [*List] or an [*Object].
package document

import (
	"iter"
	"maps"
	"slices"
)

// An Object is keys and values in the order in which the keys were first set.
type Object struct {
	keys   []string
	values map[string]any
}

// NewObject returns an empty object.
func NewObject() *Object { return &Object{values: map[string]any{}} }

// Get returns the value of a key, and whether there is one.
func (o *Object) Get(key string) (any, bool) {
	v, ok := o.values[key]
	return v, ok
}

// Set gives a key a value. A key that is there keeps its place.
func (o *Object) Set(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// Delete removes a key if it is there.
func (o *Object) Delete(key string) {
	if _, ok := o.values[key]; ok {
		delete(o.values, key)
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	}
}

// Len is the number of keys.
func (o *Object) Len() int { return len(o.keys) }

// Keys returns the keys in order. The caller may change the slice.
func (o *Object) Keys() []string { return slices.Clone(o.keys) }

// SortedKeys returns the keys in the order of their code points.
func (o *Object) SortedKeys() []string { return slices.Sorted(maps.Keys(o.values)) }

// All yields keys and values in order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range o.keys {
			if !yield(k, o.values[k]) {
				return
			}
		}
	}
}

// Clone returns an object with the same values.
func (o *Object) Clone() *Object {
	return &Object{keys: slices.Clone(o.keys), values: maps.Clone(o.values)}
}

// A List is items in order.
type List struct{ Items []any }

// NewList returns a list of the items.
func NewList(items ...any) *List { return &List{Items: items} }

// A Datetime is a date with or without a time, as its text: "2020-01-31" or "2020-01-31 12:00:00".
type Datetime string

// IsScalar tells whether v is neither a list nor an object.
func IsScalar(v any) bool {
	switch v.(type) {
	case *List, *Object:
		return false
	}
	return true
}
