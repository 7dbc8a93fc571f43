package document

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is how a value reads on its own: a string as it is, everything else as [Repr] writes it.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Datetime:
		return string(v)
	}
	return Repr(v)
}

// Repr is a value in the notation of the AWS CLI's error messages: None, True, 'text', [1, 2], {'a': 1.5}.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

func writeRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(Float(v))
	case string:
		quoteText(b, v)
	case []byte:
		quoteBytes(b, v)
	case Datetime:
		b.WriteString(string(v))
	case *List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeRepr(b, item)
		}
		b.WriteByte(']')
	case *Object:
		b.WriteByte('{')
		first := true
		for key, value := range v.All() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			quoteText(b, key)
			b.WriteString(": ")
			writeRepr(b, value)
		}
		b.WriteByte('}')
	default:
		fmt.Fprintf(b, "%v", v)
	}
}

// TypeName is the type of a value in the notation of the AWS CLI's error messages.
func TypeName(v any) string {
	name := "object"
	switch v := v.(type) {
	case nil:
		name = "NoneType"
	case bool:
		name = "bool"
	case int64, *big.Int:
		name = "int"
	case float64:
		name = "float"
	case string:
		name = "str"
	case []byte:
		name = "bytes"
	case Datetime:
		name = "datetime.datetime"
		if !strings.Contains(string(v), ":") {
			name = "datetime.date"
		}
	case *List:
		name = "list"
	case *Object:
		name = "dict"
	}
	return "<class '" + name + "'>"
}

// Float is the shortest text that reads back as f: 1.0, 0.0001, 1e-05, 1e+16, inf.
func Float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func quoteText(b *strings.Builder, s string) {
	quote := quoteFor(s)
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	b.WriteByte(quote)
}

func quoteBytes(b *strings.Builder, data []byte) {
	quote := quoteFor(string(data))
	b.WriteByte('b')
	b.WriteByte(quote)
	for _, c := range data {
		switch {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		default:
			b.WriteString(escape(rune(c)))
		}
	}
	b.WriteByte(quote)
}

func quoteFor(s string) byte {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r <= 0xff:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}

// ParseInt reads an integer as the AWS CLI does: white space around it, a sign, single underscores between digits. It
// is an int64 or, beyond that, a [*big.Int].
func ParseInt(text string) (any, error) {
	digits := strings.TrimSpace(text)
	plain := strings.ReplaceAll(digits, "_", "")
	bad := strings.Contains(digits, "__") || strings.HasPrefix(strings.TrimLeft(digits, "+-"), "_") || strings.HasSuffix(digits, "_")
	n, ok := new(big.Int).SetString(plain, 10)
	if bad || !ok {
		return nil, fmt.Errorf("invalid literal for int() with base 10: %s", Repr(text))
	}
	return Integer(n), nil
}

// Integer is n as a value: an int64 if it fits.
func Integer(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// Length is the number of code points of a string.
func Length(s string) int { return utf8.RuneCountInString(s) }
