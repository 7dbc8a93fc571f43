package document

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON is how a value is written as JSON.
type JSON struct {
	Indent    int    // spaces per level; 0 writes everything on one line
	Comma     string // between items on one line, such as ", "
	Colon     string // between a key and its value
	ASCIIOnly bool   // escapes everything beyond ASCII
}

// The notations of results, skeletons, page tokens and the query function to_string.
var (
	Result   = JSON{Indent: 4, Comma: ",", Colon: ": "}
	Skeleton = JSON{Indent: 4, Comma: ",", Colon: ": ", ASCIIOnly: true}
	Token    = JSON{Comma: ", ", Colon: ": ", ASCIIOnly: true}
	Compact  = JSON{Comma: ",", Colon: ":", ASCIIOnly: true}
)

// Append writes v onto dst. Keys keep their order. Datetimes are strings, with a T when they have a time; not-a-number and infinity are written
// as NaN and Infinity, which is no JSON, but what the AWS CLI prints.
func (j JSON) Append(dst []byte, v any) []byte { return j.append(dst, v, 0) }

// String is [JSON.Append] as a string.
func (j JSON) String(v any) string { return string(j.Append(nil, v)) }

func (j JSON) append(dst []byte, v any, level int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		return append(dst, jsonFloat(v)...)
	case string:
		return j.appendString(dst, v)
	case []byte:
		return j.appendString(dst, string(v))
	case Datetime:
		return j.appendString(dst, strings.Replace(string(v), " ", "T", 1))
	case *List:
		if len(v.Items) == 0 {
			return append(dst, "[]"...)
		}
		dst = append(dst, '[')
		for i, item := range v.Items {
			dst = j.separate(dst, i, level+1)
			dst = j.append(dst, item, level+1)
		}
		return append(j.newline(dst, level), ']')
	case *Object:
		if v.Len() == 0 {
			return append(dst, "{}"...)
		}
		dst = append(dst, '{')
		for i, key := range v.keys {
			dst = j.separate(dst, i, level+1)
			dst = j.appendString(dst, key)
			dst = append(dst, j.Colon...)
			dst = j.append(dst, v.values[key], level+1)
		}
		return append(j.newline(dst, level), '}')
	default: // integers
		return append(dst, Repr(v)...)
	}
}

func (j JSON) separate(dst []byte, i, level int) []byte {
	if i > 0 {
		dst = append(dst, j.Comma...)
	}
	return j.newline(dst, level)
}

func (j JSON) newline(dst []byte, level int) []byte {
	if j.Indent == 0 {
		return dst
	}
	dst = append(dst, '\n')
	for range j.Indent * level {
		dst = append(dst, ' ')
	}
	return dst
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return Float(f)
}

func (j JSON) appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r < ' ' || j.ASCIIOnly && r > '~':
			dst = appendUnicodeEscape(dst, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendUnicodeEscape(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	unit := func(u rune) {
		dst = append(dst, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	if r > 0xffff {
		r -= 0x10000
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
	} else {
		unit(r)
	}
	return dst
}
