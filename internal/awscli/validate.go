package awscli

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// validate checks parameters as the AWS CLI does before it sends them: required members, unknown members, types, and
// lower limits. Everything else is for the service to judge.
func validate(s *ecrpublic.Shape, parameters *document.Object) error {
	var v validator
	v.structure("", s, parameters)
	if len(v.found) == 0 {
		return nil
	}
	return failf(exitUsage, "Parameter validation failed:\n%s", strings.Join(v.found, "\n"))
}

// A validator collects what is wrong.
type validator struct{ found []string }

func (v *validator) add(format string, args ...any) {
	v.found = append(v.found, fmt.Sprintf(format, args...))
}

func (v *validator) structure(path string, s *ecrpublic.Shape, o *document.Object) {
	name := path
	if name == "" {
		name = "input"
	} else {
		path += "."
	}
	members := make([]string, len(s.Members))
	for i, m := range s.Members {
		members[i] = m.Name
		if _, ok := o.Get(m.Name); m.Required && !ok {
			v.add("Missing required parameter in %s: \"%s\"", name, m.Name)
		}
	}
	for key := range o.All() {
		if s.Member(key) == nil {
			v.add("Unknown parameter in %s: \"%s\", must be one of: %s", name, key, strings.Join(members, ", "))
		}
	}
	for key, value := range o.All() {
		if m := s.Member(key); m != nil {
			v.value(path+key, m.Shape, value)
		}
	}
}

func (v *validator) value(path string, s *ecrpublic.Shape, value any) {
	ok := false
	switch s.Kind {
	case ecrpublic.KindStructure:
		var o *document.Object
		if o, ok = value.(*document.Object); ok {
			v.structure(path, s, o)
		}
	case ecrpublic.KindList:
		var l *document.List
		if l, ok = value.(*document.List); ok {
			v.least("length", path, s.Length, int64(len(l.Items)))
			for i, item := range l.Items {
				v.value(fmt.Sprintf("%s[%d]", path, i), s.Item, item)
			}
		}
	case ecrpublic.KindString, ecrpublic.KindEnum:
		var text string
		if text, ok = value.(string); ok {
			v.least("length", path, s.Length, int64(document.Length(text)))
		}
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		ok = v.integer(path, s, value)
	case ecrpublic.KindBoolean:
		_, ok = value.(bool)
	case ecrpublic.KindBlob:
		switch value.(type) {
		case string, []byte:
			ok = true
		}
	}
	if !ok {
		v.add("Invalid type for parameter %s, value: %s, type: %s, valid types: %s",
			path, document.Text(value), document.TypeName(value), validTypes(s.Kind))
	}
}

// integer tells whether a value is one. That it is too large for its type is a complaint that the AWS CLI leaves to the
// service; the client of this package has no way to send it.
func (v *validator) integer(path string, s *ecrpublic.Shape, value any) bool {
	n, ok := value.(int64)
	_, huge := value.(*big.Int)
	if huge || ok && s.Kind == ecrpublic.KindInteger && int64(int32(n)) != n {
		v.add("Invalid value for parameter %s, value: %s, too large for type: %s", path, document.Text(value), s.Kind)
		return true
	}
	if ok {
		v.least("value", path, s.Range, n)
	}
	return ok
}

func (v *validator) least(what, path string, b ecrpublic.Bounds, n int64) {
	if b.Min != nil && n < *b.Min {
		v.add("Invalid %s for parameter %s, value: %d, valid min %s: %d", what, path, n, what, *b.Min)
	}
}

func validTypes(k ecrpublic.Kind) string {
	switch k {
	case ecrpublic.KindStructure:
		return "<class 'dict'>"
	case ecrpublic.KindList:
		return "<class 'list'>, <class 'tuple'>"
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return "<class 'int'>"
	case ecrpublic.KindBoolean:
		return "<class 'bool'>"
	case ecrpublic.KindBlob:
		return "<class 'bytes'>, <class 'bytearray'>, file-like object"
	}
	return "<class 'str'>"
}
