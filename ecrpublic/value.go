package ecrpublic

import (
	"fmt"
	"reflect"
	"time"
)

// A Value is a value of the API without its Go type: a [Structure], [List], [Enum], [Long], [Integer], [Boolean],
// [String], [Timestamp] or [Blob].
type Value interface{ kind() Kind }

type (
	// Structure is the present members of a structure, in the order of the API.
	Structure []Pair
	// Pair is a member of a Structure.
	Pair struct {
		Name  string
		Value Value
	}
	// List is the items of a list.
	List []Value
	// Enum is a value of an enum, known or not.
	Enum string
	// Long is an integer of 64 bits.
	Long int64
	// Integer is an integer of 32 bits.
	Integer int32
	// Boolean is true or false.
	Boolean bool
	// String is a string that is no enum.
	String string
	// Timestamp is a point in time.
	Timestamp struct{ time.Time }
	// Blob is bytes.
	Blob []byte
)

func (Structure) kind() Kind { return KindStructure }
func (List) kind() Kind      { return KindList }
func (Enum) kind() Kind      { return KindEnum }
func (Long) kind() Kind      { return KindLong }
func (Integer) kind() Kind   { return KindInteger }
func (Boolean) kind() Kind   { return KindBoolean }
func (String) kind() Kind    { return KindString }
func (Timestamp) kind() Kind { return KindTimestamp }
func (Blob) kind() Kind      { return KindBlob }

// toValue is the ToValue method of every structure. A nil pointer is a structure without members.
func toValue(structure any) Structure {
	s, v, err := structureOf(structure)
	if err != nil {
		return Structure{}
	}
	return structureValue(s, v)
}

func structureValue(s *Shape, v reflect.Value) Structure {
	pairs := make(Structure, 0, len(s.Members))
	for _, m := range s.Members {
		if member, ok := m.get(v); ok {
			pairs = append(pairs, Pair{m.Name, valueOf(m.Shape, member)})
		}
	}
	return pairs
}

func valueOf(s *Shape, v reflect.Value) Value {
	switch s.Kind {
	case KindStructure:
		return structureValue(s, v)
	case KindList:
		list := make(List, v.Len())
		for i := range list {
			list[i] = valueOf(s.Item, v.Index(i))
		}
		return list
	case KindString:
		return String(v.String())
	case KindEnum:
		return Enum(v.String())
	case KindLong:
		return Long(v.Int())
	case KindInteger:
		return Integer(v.Int())
	case KindBoolean:
		return Boolean(v.Bool())
	case KindTimestamp:
		return Timestamp{v.Interface().(time.Time)}
	default: // KindBlob
		return Blob(v.Bytes())
	}
}

// FromValue writes v, a [Structure], into a structure of this package and replaces all of it. Of a member given twice
// the last counts. A member that the structure does not have, and a value of another kind than its member, is an error
// that names the path; the structure then stays as it was.
func FromValue(v Value, into any) error {
	s, target, err := targetOf(into)
	if err != nil {
		return err
	}
	fresh := reflect.New(s.goType).Elem()
	if err := setValue(s.Name, s, fresh, v); err != nil {
		return err
	}
	target.Set(fresh)
	return nil
}

func setValue(path string, s *Shape, to reflect.Value, v Value) error {
	if v == nil {
		return fmt.Errorf("%s has no value; leave an absent member out", path)
	}
	if v.kind() != s.Kind {
		return fmt.Errorf("%s takes a value of kind %s, not %s", path, s.Kind, v.kind())
	}
	switch v := v.(type) {
	case Structure:
		for _, pair := range v {
			m := s.Member(pair.Name)
			if m == nil {
				return fmt.Errorf("%s has no member %q", path, pair.Name)
			}
			if err := setValue(path+"."+m.Name, m.Shape, m.alloc(to), pair.Value); err != nil {
				return err
			}
		}
	case List:
		list := reflect.MakeSlice(s.goType, len(v), len(v))
		for i, item := range v {
			if err := setValue(fmt.Sprintf("%s[%d]", path, i), s.Item, list.Index(i), item); err != nil {
				return err
			}
		}
		to.Set(list)
	case Timestamp:
		to.Set(reflect.ValueOf(v.Time))
	case Blob:
		to.SetBytes(append([]byte{}, v...))
	default: // the others are their Go type under another name
		to.Set(reflect.ValueOf(v).Convert(s.goType))
	}
	return nil
}
