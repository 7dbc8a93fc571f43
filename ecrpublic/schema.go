package ecrpublic

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of a [Shape].
type Kind uint8

// The kinds, with the Go type that holds a present value of each.
const (
	KindStructure Kind = iota + 1 // a struct
	KindList                      // a slice
	KindString                    // string
	KindEnum                      // a named string type
	KindLong                      // int64
	KindInteger                   // int32
	KindBoolean                   // bool
	KindTimestamp                 // time.Time, milliseconds on the wire
	KindBlob                      // []byte, base64 on the wire
)

// String is the kind's name as AWS documents print it.
func (k Kind) String() string {
	names := [...]string{"", "structure", "list", "string", "enum", "long", "integer", "boolean", "timestamp", "blob"}
	if int(k) >= len(names) {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return names[k]
}

// A Shape describes a value of the API. It is what decoding, encoding, validation and [Value] work from, and what a
// server or a command line can walk. Shapes are shared: read them, never change them.
type Shape struct {
	// Name is the name of a structure or an enum, such as "Layer"; "" for every other kind.
	Name string
	Kind Kind

	Members []*Member // of a structure, in the order of the API
	Item    *Shape    // of a list
	Enum    []string  // the known values of an enum

	Length  Bounds // of a string (code points), a blob (bytes) or a list (items)
	Range   Bounds // of a number
	Pattern string // what a string must match as a whole; "" for anything

	goType  reflect.Type
	matcher *regexp.Regexp
	sorted  []*Member // Members by name, the order of JSON
	byName  map[string]*Member
}

// Member returns the member of that exact name, or nil.
func (s *Shape) Member(name string) *Member { return s.byName[name] }

// A Member is one field of a structure.
type Member struct {
	Name     string // on the wire, such as "layerDigests"
	Required bool
	Shape    *Shape

	field int // index in the Go struct
}

// Bounds are inclusive limits; a nil end is open.
type Bounds struct{ Min, Max *int64 }

// get returns the member's value in a struct and whether it is present.
func (m *Member) get(structure reflect.Value) (reflect.Value, bool) {
	field := structure.Field(m.field)
	if field.IsNil() {
		return reflect.Value{}, false
	}
	if field.Kind() == reflect.Pointer {
		return field.Elem(), true
	}
	return field, true
}

// alloc makes the member present and returns the place of its value. A slice is emptied, so that a member given twice
// holds the second value alone.
func (m *Member) alloc(structure reflect.Value) reflect.Value {
	field := structure.Field(m.field)
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(m.Shape.goType))
		return field.Elem()
	}
	field.SetZero()
	return field
}

// clear makes the member absent.
func (m *Member) clear(structure reflect.Value) { structure.Field(m.field).SetZero() }

// shapes holds one Shape per struct type while the table of operations is built, and is only read afterwards.
type shapes map[reflect.Type]*Shape

// structure returns the shape of a struct type. A malformed tag is a mistake in this package, so it panics, when the
// program starts.
func (all shapes) structure(t reflect.Type) *Shape {
	if s, ok := all[t]; ok {
		return s
	}
	s := &Shape{Name: t.Name(), Kind: KindStructure, goType: t, byName: make(map[string]*Member, t.NumField())}
	all[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		m := &Member{Name: f.Tag.Get("json"), Shape: all.shape(f.Type), field: i}
		if err := m.constrain(f.Tag.Get("check")); err != nil || m.Name == "" {
			panic(fmt.Sprintf("ecrpublic: tags of %s.%s: name %q: %v", t.Name(), f.Name, m.Name, err))
		}
		s.Members = append(s.Members, m)
		s.byName[m.Name] = m
	}
	s.sorted = slices.SortedFunc(slices.Values(s.Members), func(a, b *Member) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// enum is what makes a named string type an enum: the list of its known values.
type enum interface{ Values() []string }

// shape returns the shape of a field's or an item's type, without constraints.
func (all shapes) shape(t reflect.Type) *Shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &Shape{goType: t}
	switch {
	case t == reflect.TypeFor[time.Time]():
		s.Kind = KindTimestamp
	case t == reflect.TypeFor[[]byte]():
		s.Kind = KindBlob
	case t.Kind() == reflect.Struct:
		return all.structure(t)
	case t.Kind() == reflect.Slice:
		s.Kind, s.Item = KindList, all.shape(t.Elem())
	case t.Kind() == reflect.Int64:
		s.Kind = KindLong
	case t.Kind() == reflect.Int32:
		s.Kind = KindInteger
	case t.Kind() == reflect.Bool:
		s.Kind = KindBoolean
	case t == reflect.TypeFor[string]():
		s.Kind = KindString
	default:
		values, ok := reflect.Zero(t).Interface().(enum)
		if !ok {
			panic(fmt.Sprintf("ecrpublic: type %s has no kind in the API", t))
		}
		s.Kind, s.Name, s.Enum = KindEnum, t.Name(), values.Values()
	}
	return s
}

// constrain reads a check tag; the package documentation has its grammar.
func (m *Member) constrain(tag string) error {
	if tag == "" {
		return nil
	}
	for part := range strings.SplitSeq(tag, ",") {
		key, arg, _ := strings.Cut(part, "=")
		if key == "required" {
			m.Required = true
			continue
		}
		target := m.Shape
		if rest, ok := strings.CutPrefix(key, "item."); ok {
			key, target = rest, m.Shape.Item
		}
		if err := target.constrain(key, arg); err != nil {
			return fmt.Errorf("%q: %w", part, err)
		}
	}
	return nil
}

func (s *Shape) constrain(key, arg string) (err error) {
	if s == nil {
		return fmt.Errorf("not a list")
	}
	switch key {
	case "len":
		s.Length, err = parseBounds(arg)
	case "value":
		s.Range, err = parseBounds(arg)
	case "pattern":
		s.Pattern = patterns[arg]
		if s.Pattern == "" {
			return fmt.Errorf("no such pattern")
		}
		s.matcher, err = regexp.Compile(`^(?:` + s.Pattern + `)$`)
	default:
		err = fmt.Errorf("no such constraint")
	}
	return err
}

func parseBounds(text string) (Bounds, error) {
	low, high, ok := strings.Cut(text, "..")
	if !ok {
		return Bounds{}, fmt.Errorf("want MIN..MAX")
	}
	var b Bounds
	for _, end := range []struct {
		text string
		to   **int64
	}{{low, &b.Min}, {high, &b.Max}} {
		if end.text == "" {
			continue
		}
		n, err := strconv.ParseInt(end.text, 10, 64)
		if err != nil {
			return Bounds{}, err
		}
		*end.to = &n
	}
	return b, nil
}

// structureOf returns the shape and the struct of v, which is a structure of this package or a pointer to one.
func structureOf(v any) (*Shape, reflect.Value, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		rv = rv.Elem()
	}
	if !rv.IsValid() {
		return nil, rv, fmt.Errorf("ecrpublic: %T is nil, not a structure of the API", v)
	}
	s, ok := api.shapes[rv.Type()]
	if !ok {
		return nil, rv, fmt.Errorf("ecrpublic: %T is not a structure of the API", v)
	}
	return s, rv, nil
}

// targetOf is structureOf for a place to write to: v must be a pointer.
func targetOf(v any) (*Shape, reflect.Value, error) {
	s, rv, err := structureOf(v)
	if err == nil && !rv.CanSet() {
		err = fmt.Errorf("ecrpublic: cannot write into %T; give a pointer to it", v)
	}
	return s, rv, err
}
