package ecrpublic

import (
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how many objects and lists may stand inside each other, in unknown members too. The API needs five.
const maxDepth = 100

// A SerializationError says why bytes are not the JSON of a structure.
type SerializationError struct {
	Path    string // of the member, such as "imageIds[2].imageTag"; "" when it is not about one member
	Problem string
}

func (e *SerializationError) Error() string {
	if e.Path == "" {
		return "cannot read the JSON: " + e.Problem
	}
	return "cannot read '" + e.Path + "': " + e.Problem
}

// inside returns the error as seen from one level further out.
func (e *SerializationError) inside(step string) *SerializationError {
	if e.Path != "" && e.Path[0] != '[' {
		step += "."
	}
	e.Path = step + e.Path
	return e
}

// Unmarshal reads AWS JSON 1.1 into v, a pointer to a structure of this package, and replaces all of it. Names are exact
// and case-sensitive, unknown members are ignored, of a member given twice the last counts, and null is absent; a null
// in a list is an empty item ("" or 0), since a list of this API has no absent ones.
//
// Wrong types, numbers out of range or with a fraction or exponent where the API has an integer, invalid UTF-8, more
// than 100 levels and anything after the object are a [*SerializationError], and leave v as it was. So is everything
// else that is wrong with data; only a v of another type gives another error. Constraints are not checked: that is
// [Validate].
func Unmarshal(data []byte, v any) error {
	s, target, err := targetOf(v)
	if err != nil {
		return err
	}
	fresh := reflect.New(s.goType).Elem()
	d := decoder{data: data}
	if e := d.document(s, fresh); e != nil {
		return e
	}
	target.Set(fresh)
	return nil
}

// decoder reads one document from the front. Its methods leave pos behind what they read.
type decoder struct {
	data  []byte
	pos   int
	depth int
}

func (d *decoder) document(s *Shape, v reflect.Value) *SerializationError {
	if !utf8.Valid(d.data) {
		return d.failf("it is not UTF-8")
	}
	if err := d.structure(s, v); err != nil {
		return err
	}
	if d.next() != 0 || d.pos < len(d.data) {
		return d.failf("something follows the object at byte %d", d.pos)
	}
	return nil
}

func (d *decoder) failf(format string, args ...any) *SerializationError {
	return &SerializationError{Problem: fmt.Sprintf(format, args...)}
}

// next skips white space and returns the byte that follows, without reading it, or 0 at the end.
func (d *decoder) next() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expected says what stands where something else should.
func (d *decoder) expected(what string) *SerializationError {
	var found string
	switch c := d.next(); {
	case d.pos >= len(d.data):
		found = "the end"
	case c == '{':
		found = "an object"
	case c == '[':
		found = "a list"
	case c == '"':
		found = "a string"
	case c == '-' || '0' <= c && c <= '9':
		found = "a number"
	case c == 't' || c == 'f':
		found = "a boolean"
	case c == 'n':
		found = "null"
	default:
		found = strconv.QuoteRune(rune(c))
	}
	return d.failf("expected %s but found %s at byte %d", what, found, d.pos)
}

// null reads null if it is there.
func (d *decoder) null() bool { return d.next() == 'n' && d.literal("null") }

func (d *decoder) literal(word string) bool {
	if len(d.data)-d.pos < len(word) || string(d.data[d.pos:d.pos+len(word)]) != word {
		return false
	}
	d.pos += len(word)
	return true
}

// enter reads an opening bracket, leave a closing one.
func (d *decoder) enter() *SerializationError {
	d.pos++
	if d.depth++; d.depth > maxDepth {
		return d.failf("more than %d levels at byte %d", maxDepth, d.pos-1)
	}
	return nil
}

func (d *decoder) leave() {
	d.pos++
	d.depth--
}

// object reads an object and calls member for each of its names; member must read the value.
func (d *decoder) object(member func(name []byte) *SerializationError) *SerializationError {
	if d.next() != '{' {
		return d.expected("an object")
	}
	if err := d.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if done, err := d.separator('}', first); done || err != nil {
			return err
		}
		name, err := d.stringBytes()
		if err != nil {
			return err
		}
		if d.next() != ':' {
			return d.expected("a colon")
		}
		d.pos++
		if err := member(name); err != nil {
			return err
		}
	}
}

// list reads a list and calls item for each of its items; item must read the value.
func (d *decoder) list(item func(i int) *SerializationError) *SerializationError {
	if d.next() != '[' {
		return d.expected("a list")
	}
	if err := d.enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if done, err := d.separator(']', i == 0); done || err != nil {
			return err
		}
		if err := item(i); err != nil {
			return err
		}
	}
}

// separator reads what stands before a member or an item: nothing before the first, else a comma; or the closing
// bracket, and then there are no more.
func (d *decoder) separator(closing byte, first bool) (done bool, err *SerializationError) {
	switch c := d.next(); {
	case c == closing:
		d.leave()
		return true, nil
	case first:
		return false, nil
	case c == ',':
		d.pos++
		return false, nil
	default:
		return false, d.expected("a comma or " + strconv.QuoteRune(rune(closing)))
	}
}

func (d *decoder) structure(s *Shape, v reflect.Value) *SerializationError {
	return d.object(func(name []byte) *SerializationError {
		m := s.byName[string(name)]
		if m == nil {
			return d.skip()
		}
		if d.null() {
			m.clear(v)
			return nil
		}
		if err := d.value(m.Shape, m.alloc(v)); err != nil {
			return err.inside(m.Name)
		}
		return nil
	})
}

func (d *decoder) items(s *Shape, v reflect.Value) *SerializationError {
	list := reflect.MakeSlice(s.goType, 0, 0)
	err := d.list(func(i int) *SerializationError {
		list = reflect.Append(list, reflect.Zero(s.Item.goType))
		if d.null() {
			return nil
		}
		if err := d.value(s.Item, list.Index(i)); err != nil {
			return err.inside("[" + strconv.Itoa(i) + "]")
		}
		return nil
	})
	v.Set(list)
	return err
}

func (d *decoder) value(s *Shape, v reflect.Value) *SerializationError {
	switch s.Kind {
	case KindStructure:
		return d.structure(s, v)
	case KindList:
		return d.items(s, v)
	case KindString, KindEnum:
		text, err := d.stringBytes()
		v.SetString(string(text))
		return err
	case KindLong, KindInteger:
		return d.integer(v)
	case KindBoolean:
		return d.boolean(v)
	case KindTimestamp:
		return d.timestamp(v)
	default: // KindBlob
		return d.blob(v)
	}
}

// skip reads a value that nobody asked for, and holds it to the same grammar.
func (d *decoder) skip() *SerializationError {
	switch c := d.next(); {
	case c == '{':
		return d.object(func([]byte) *SerializationError { return d.skip() })
	case c == '[':
		return d.list(func(int) *SerializationError { return d.skip() })
	case c == '"':
		_, err := d.stringBytes()
		return err
	case c == '-' || '0' <= c && c <= '9':
		_, err := d.number()
		return err
	case d.literal("true") || d.literal("false") || d.literal("null"):
		return nil
	default:
		return d.expected("a value")
	}
}
