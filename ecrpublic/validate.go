package ecrpublic

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A ValidationError lists everything that is wrong with a structure. Its text is what the service puts into an
// InvalidParameterException.
type ValidationError struct {
	Violations []Violation // at least one; in the order of the API
}

func (e *ValidationError) Error() string {
	texts := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		texts[i] = v.String()
	}
	return strings.Join(texts, "; ")
}

// A Violation is one member that breaks one constraint.
type Violation struct {
	// Path of the member, such as "catalogData.description". Items of lists count from 1 and are called "member", as
	// in "layerDigests.1.member". That is how other AWS services print them; how this one does is not known.
	Path string
	// Constraint in the words of the service, such as "Member must not be null".
	Constraint string
}

// String is the violation as the service words it. A constraint may itself end in a quote, which the service does not
// hide either.
func (v Violation) String() string {
	return "Invalid parameter at '" + v.Path + "' failed to satisfy constraint: '" + v.Constraint + "'"
}

// Validate checks v, a structure of this package or a pointer to one, against the constraints on its fields. It returns
// nil, a [*ValidationError] with every violation, or another error if v is no structure of this package. The items of
// a list that has too many are not looked at, which bounds the text.
func Validate(v any) error {
	s, rv, err := structureOf(v)
	if err != nil {
		return err
	}
	var c checker
	c.structure("", s, rv)
	if len(c.found) == 0 {
		return nil
	}
	return &ValidationError{Violations: c.found}
}

type checker struct{ found []Violation }

func (c *checker) add(path, format string, args ...any) {
	c.found = append(c.found, Violation{Path: path, Constraint: fmt.Sprintf(format, args...)})
}

func (c *checker) structure(path string, s *Shape, v reflect.Value) {
	if path != "" {
		path += "."
	}
	for _, m := range s.Members {
		member, ok := m.get(v)
		switch {
		case ok:
			c.value(path+m.Name, m.Shape, member)
		case m.Required:
			c.add(path+m.Name, "Member must not be null")
		}
	}
}

func (c *checker) value(path string, s *Shape, v reflect.Value) {
	switch s.Kind {
	case KindStructure:
		c.structure(path, s, v)
	case KindList:
		if !c.bounds(path, "length", s.Length, int64(v.Len())) {
			return
		}
		for i := range v.Len() {
			c.value(path+"."+strconv.Itoa(i+1)+".member", s.Item, v.Index(i))
		}
	case KindString:
		c.bounds(path, "length", s.Length, int64(utf8.RuneCountInString(v.String())))
		if s.matcher != nil && !s.matcher.MatchString(v.String()) {
			c.add(path, "must satisfy regular expression '%s'", s.Pattern)
		}
	case KindEnum:
		if !slices.Contains(s.Enum, v.String()) {
			c.add(path, "Member must satisfy enum value set: [%s]", strings.Join(s.Enum, ", "))
		}
	case KindLong, KindInteger:
		c.bounds(path, "value", s.Range, v.Int())
	case KindBlob:
		c.bounds(path, "length", s.Length, int64(v.Len()))
	}
}

// bounds tells whether n keeps them.
func (c *checker) bounds(path, what string, b Bounds, n int64) bool {
	switch {
	case b.Min != nil && n < *b.Min:
		c.add(path, "Member must have %s greater than or equal to %d", what, *b.Min)
	case b.Max != nil && n > *b.Max:
		c.add(path, "Member must have %s less than or equal to %d", what, *b.Max)
	default:
		return true
	}
	return false
}
