package output

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/openecr/openecr/internal/awscli/document"
)

// writeYAML prints v as block YAML 1.2 with sorted keys. A scalar alone is JSON, since in YAML it would need a line
// "..." after it. What appears twice is named the first time and referred to the second.
func writeYAML(b *bytes.Buffer, v any) {
	if document.IsScalar(v) {
		j := document.JSON{Comma: ", ", Colon: ": "}
		b.WriteString(j.String(v) + "\n")
		return
	}
	y := yamlWriter{out: b, indent: -1, whitespace: true, indention: true, anchors: map[any]*anchor{}}
	y.count(v)
	y.node(v, inRoot)
	b.WriteByte('\n')
}

// A yamlWriter lays YAML out by the rules of libyaml: its fields are the state that those rules ask for.
type yamlWriter struct {
	out        *bytes.Buffer
	indent     int
	column     int
	whitespace bool // the last thing written counts as white space
	indention  bool // nothing but indentation and markers is on the line
	anchors    map[any]*anchor
	named      int
}

// An anchor is what is known of a list or object: its name, if it appears twice, and whether it has been written.
type anchor struct {
	name    string
	written bool
}

// position is where a node stands.
type position int

const (
	inRoot position = iota
	inList
	inObject // a value
	asKey
)

// count finds what appears twice and names it, in the order in which the second places come.
func (y *yamlWriter) count(v any) {
	if document.IsScalar(v) {
		return
	}
	a := y.anchors[v]
	if a != nil {
		if a.name == "" {
			y.named++
			a.name = fmt.Sprintf("id%03d", y.named)
		}
		return
	}
	y.anchors[v] = &anchor{}
	switch v := v.(type) {
	case *document.List:
		for _, item := range v.Items {
			y.count(item)
		}
	case *document.Object:
		for _, key := range v.SortedKeys() {
			value, _ := v.Get(key)
			y.count(value)
		}
	}
}

func (y *yamlWriter) put(text string) {
	y.out.WriteString(text)
	y.column += document.Length(text)
}

// mark writes punctuation.
func (y *yamlWriter) mark(text string, spaceBefore, whitespace, indention bool) {
	if spaceBefore && !y.whitespace {
		y.put(" ")
	}
	y.put(text)
	y.whitespace = whitespace
	y.indention = y.indention && indention
}

// newLine begins a line at the indentation, unless the current one is still there.
func (y *yamlWriter) newLine() {
	indent := max(y.indent, 0)
	if !y.indention || y.column > indent || y.column == indent && !y.whitespace {
		y.breakLine()
	}
	y.put(strings.Repeat(" ", max(0, indent-y.column)))
	y.whitespace, y.indention = true, true
}

func (y *yamlWriter) breakLine() {
	y.out.WriteByte('\n')
	y.column = 0
}

func (y *yamlWriter) node(v any, at position) {
	if a := y.anchors[identity(v)]; a != nil && a.name != "" {
		if a.written {
			y.mark("*"+a.name, true, false, false)
			return
		}
		a.written = true
		y.mark("&"+a.name, true, false, false)
	}
	switch v := v.(type) {
	case *document.List:
		y.list(v.Items, at)
	case *document.Object:
		y.object(v)
	case string:
		y.text(v, at)
	default:
		y.plain(scalarText(v), false)
	}
}

// identity is v as a key of the anchors; scalars have none.
func identity(v any) any {
	if document.IsScalar(v) {
		return nil
	}
	return v
}

func (y *yamlWriter) list(items []any, at position) {
	if len(items) == 0 {
		y.mark("[", true, true, false)
		y.mark("]", false, false, false)
		return
	}
	outer := y.indent
	switch {
	case y.indent < 0:
		y.indent = 0
	case at != inObject || y.indention: // a list below a key is not indented
		y.indent += 2
	}
	for _, item := range items {
		y.newLine()
		y.mark("-", true, false, true)
		y.node(item, inList)
	}
	y.indent = outer
}

// maxSimpleKey is how long a key may be to stand before a colon.
const maxSimpleKey = 128

func (y *yamlWriter) object(o *document.Object) {
	if o.Len() == 0 {
		y.mark("{", true, true, false)
		y.mark("}", false, false, false)
		return
	}
	outer := y.indent
	if y.indent < 0 {
		y.indent = 0
	} else {
		y.indent += 2
	}
	for _, key := range o.SortedKeys() {
		value, _ := o.Get(key)
		y.newLine()
		if len(key) <= maxSimpleKey && !strings.ContainsAny(key, "\n\r\u0085\u2028\u2029") {
			y.node(key, asKey)
			y.mark(":", false, false, false)
		} else {
			y.mark("?", true, false, true)
			y.node(key, inObject)
			y.newLine()
			y.mark(":", true, false, true)
		}
		y.node(value, inObject)
	}
	y.indent = outer
}

func scalarText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		text := document.Float(v)
		if strings.HasSuffix(text, "inf") || text == "nan" {
			text = strings.Replace(strings.Replace(text, "inf", ".inf", 1), "nan", ".nan", 1)
		}
		return text
	default:
		return document.Text(v)
	}
}

// notText are the plain scalars of YAML 1.2 that are no strings, in the dialect of the AWS CLI.
var notText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join([]string{
		`true|True|TRUE|false|False|FALSE|~|null|Null|NULL||<<|=`,
		`[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?`,
		`[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+`,
		`[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?`,
		`[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)`,
		`[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+`,
		`[0-9]{4}-[0-9]{2}-[0-9]{2}`,
		`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?`,
	}, "|") + `)$`)
})

// IsText tells whether an unquoted scalar of YAML is a string.
func IsText(plain string) bool {
	return !notText().MatchString(plain) || strings.HasPrefix(plain, "_")
}
