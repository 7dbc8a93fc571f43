package awscli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
	"github.com/openecr/openecr/internal/awscli/shorthand"
)

// parameters makes a document of the options that set members of the input. Its types are those that the options have,
// not yet those of the API.
func (c *command) parameters(r *argparse.Result) (*document.Object, error) {
	parameters := document.NewObject()
	for _, m := range c.op.Input.Members {
		name := option(m)
		if m.Shape.Kind == ecrpublic.KindBoolean {
			if on, ok := lastOf(r.Given, name, off(m)); ok {
				parameters.Set(m.Name, on == name)
			}
			continue
		}
		values, ok := r.Values[name]
		if !ok {
			continue
		}
		value, err := argument(name, m.Shape, values)
		if err != nil {
			return nil, err
		}
		parameters.Set(m.Name, value)
	}
	for _, name := range []string{inputJSON, inputYAML} { // a file that is not there is an error before anything else
		if text, ok := r.One(name); ok {
			if _, err := load(name, text); err != nil {
				return nil, err
			}
		}
	}
	return parameters, nil
}

// lastOf returns the one of the options that was given last.
func lastOf(given []string, names ...string) (string, bool) {
	for _, name := range slices.Backward(given) {
		if slices.Contains(names, name) {
			return name, true
		}
	}
	return "", false
}

// argument turns the words behind an option into a value. A single word may name a file instead.
func argument(name string, s *ecrpublic.Shape, words []string) (any, error) {
	var given any = words
	if s.Kind != ecrpublic.KindList {
		given = words[0]
	}
	if len(words) == 1 && s.Kind != ecrpublic.KindLong {
		loaded, err := load(name, words[0])
		if err != nil {
			return nil, err
		}
		if loaded != nil {
			given = loaded
		}
	}
	if takesShorthand(s) && !looksLikeJSON(given) {
		return fromShorthand(name, s, given)
	}
	return unpack(name, s, given)
}

// takesShorthand tells whether values of a shape have a short notation: structures and lists of anything but scalars.
func takesShorthand(s *ecrpublic.Shape) bool {
	return s.Kind == ecrpublic.KindStructure ||
		s.Kind == ecrpublic.KindList && (s.Item.Kind == ecrpublic.KindStructure || s.Item.Kind == ecrpublic.KindList)
}

// looksLikeJSON looks at the first word only.
func looksLikeJSON(given any) bool {
	text, _ := given.(string)
	if words, ok := given.([]string); ok && len(words) > 0 {
		text = words[0]
	}
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

func fromShorthand(name string, s *ecrpublic.Shape, given any) (any, error) {
	one := func(text string, s *ecrpublic.Shape) (any, error) {
		o, err := shorthand.Parse(text)
		if err != nil {
			return nil, parameterError(name, "%w", err)
		}
		wrapLists(s, o)
		return o, nil
	}
	switch given := given.(type) {
	case string: // of a list too, if it comes from a file; it is then refused as no list
		return one(given, s)
	case []string:
		list := document.NewList()
		for _, word := range given {
			v, err := one(word, s.Item)
			if err != nil {
				return nil, err
			}
			list.Items = append(list.Items, v)
		}
		return list, nil
	}
	return nil, fmt.Errorf("the value of %s is not text: use file:// instead of fileb://", name)
}

// wrapLists makes a list of a single value where a member is a list, since name=a says both. All other members that
// have a short notation are strings.
func wrapLists(s *ecrpublic.Shape, o *document.Object) {
	for _, m := range s.Members {
		v, ok := o.Get(m.Name)
		if !ok {
			continue
		}
		switch v := v.(type) {
		case *document.Object:
			if m.Shape.Kind == ecrpublic.KindStructure {
				wrapLists(m.Shape, v)
				continue
			}
		case *document.List:
			continue
		}
		if m.Shape.Kind == ecrpublic.KindList {
			o.Set(m.Name, document.NewList(v))
		}
	}
}

var errEmpty = errors.New("string index out of range") // the AWS CLI's text for an empty file where JSON must be

// unpack reads what is no shorthand.
func unpack(name string, s *ecrpublic.Shape, given any) (any, error) {
	text, isText := given.(string)
	switch s.Kind {
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		if !isText {
			return given, nil // validation refuses it
		}
		return document.ParseInt(text)
	case ecrpublic.KindStructure:
		switch trimmed := strings.TrimSpace(text); {
		case isText && trimmed == "":
			return nil, errEmpty
		case isText && trimmed[0] == '{':
			return fromJSON(name, text)
		}
		return nil, parameterError(name, "Invalid JSON:\n%s", document.Text(given))
	case ecrpublic.KindList:
		return unpackList(name, s, given)
	}
	return given, nil
}

func unpackList(name string, s *ecrpublic.Shape, given any) (any, error) {
	list := document.NewList()
	switch given := given.(type) {
	case []byte: // as the AWS CLI sees bytes: a list of numbers, which validation refuses
		for _, c := range given {
			list.Items = append(list.Items, int64(c))
		}
		return list, nil
	case string: // from a file
		switch trimmed := strings.TrimSpace(given); {
		case trimmed == "":
			return nil, errEmpty
		case trimmed[0] == '[':
			return fromJSON(name, given)
		}
		return unpackItems(name, s, strings.Split(given, ""))
	case []string:
		if len(given) == 1 && strings.HasPrefix(strings.TrimSpace(given[0]), "[") {
			return fromJSON(name, given[0])
		}
		return unpackItems(name, s, given)
	}
	return list, nil
}

func unpackItems(name string, s *ecrpublic.Shape, words []string) (any, error) {
	list := document.NewList()
	for _, word := range words {
		item, err := unpack(name, s.Item, word)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, item)
	}
	return list, nil
}

func fromJSON(name, text string) (any, error) {
	v, err := document.ParseJSON(text)
	if err != nil {
		return nil, parameterError(name, "Invalid JSON: %w\nJSON received: %s", err, text)
	}
	return v, nil
}

// load reads the file that a value names: text with file://, bytes with fileb://. It is nil if the value names none.
func load(name, value string) (any, error) {
	path, binary := strings.CutPrefix(value, "fileb://")
	if !binary {
		var text bool
		if path, text = strings.CutPrefix(value, "file://"); !text {
			return nil, nil
		}
	}
	path = expand(path)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, parameterError(name, "Unable to load paramfile %s: %s: %s", value, systemError(err), document.Repr(path))
	}
	if binary {
		return data, nil
	}
	if !utf8.Valid(data) {
		return nil, parameterError(name, "Unable to load paramfile (%s), text contents could not be decoded.  "+
			"If this is a binary file, please use the fileb:// prefix instead of the file:// prefix.", path)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n") // text files have one kind of line end
	return strings.ReplaceAll(text, "\r", "\n"), nil
}

// expand puts the home folder and variables into a path. Unknown variables stay.
func expand(path string) string {
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = filepath.Join(home, path[1:])
	}
	return variable.ReplaceAllStringFunc(path, func(reference string) string {
		if v, ok := os.LookupEnv(strings.Trim(reference, "${}")); ok {
			return v
		}
		return reference
	})
}

var variable = regexp.MustCompile(`\$(?:\w+|\{[^}]*\})`)

// systemError is an error of the operating system with its number, as the AWS CLI prints it.
func systemError(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		text := number.Error()
		return fmt.Sprintf("[Errno %d] %s%s", int(number), strings.ToUpper(text[:1]), text[1:])
	}
	return err.Error()
}
