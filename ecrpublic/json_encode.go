package ecrpublic

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// ContentType is the media type of requests and answers.
const ContentType = "application/x-amz-json-1.1"

// Marshal returns v, a structure of this package or a pointer to one, as AWS JSON 1.1 in the form of the real service:
// compact, members by name at every level, absent ones left out, times as epoch seconds, blobs as base64. Bytes that
// are not UTF-8 become U+FFFD. It fails only if v is no structure of this package.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append is [Marshal] onto the end of dst.
func Append(dst []byte, v any) ([]byte, error) {
	s, rv, err := structureOf(v)
	if err != nil {
		return dst, err
	}
	return appendStructure(dst, s, rv), nil
}

func appendStructure(dst []byte, s *Shape, v reflect.Value) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for _, m := range s.sorted {
		member, ok := m.get(v)
		if !ok {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, m.Name...)
		dst = append(dst, '"', ':')
		dst = appendValue(dst, m.Shape, member)
	}
	return append(dst, '}')
}

func appendValue(dst []byte, s *Shape, v reflect.Value) []byte {
	switch s.Kind {
	case KindStructure:
		return appendStructure(dst, s, v)
	case KindList:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, s.Item, v.Index(i))
		}
		return append(dst, ']')
	case KindString, KindEnum:
		return appendString(dst, v.String())
	case KindLong, KindInteger:
		return strconv.AppendInt(dst, v.Int(), 10)
	case KindBoolean:
		return strconv.AppendBool(dst, v.Bool())
	case KindTimestamp:
		return appendTimestamp(dst, v.Interface().(time.Time))
	default: // KindBlob
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	}
}

// appendString escapes what JSON demands and nothing else; in particular not HTML.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789ABCDEF"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	}
	if c >= utf8.RuneSelf {
		return append(dst, "\uFFFD"...)
	}
	return append(append(dst, `\u00`...), hex[c>>4], hex[c&15])
}

// appendTimestamp prints epoch seconds as the service does, which is how Java prints a double: from 10,000,000 on as
// 1.705072146E9, below as 1234.5, always with a digit after the point. What is finer than a millisecond is cut.
func appendTimestamp(dst []byte, t time.Time) []byte {
	millis := t.UnixMilli()
	if millis < 0 {
		dst = append(dst, '-')
		millis = -millis
	}
	if millis < 10_000_000_000 {
		dst = strconv.AppendInt(dst, millis/1000, 10)
		return appendFraction(dst, strconv.Itoa(int(1000 + millis%1000))[1:])
	}
	digits := strconv.FormatInt(millis, 10)
	dst = append(dst, digits[0])
	dst = appendFraction(dst, digits[1:])
	dst = append(dst, 'E')
	return strconv.AppendInt(dst, int64(len(digits)-1-len("000")), 10)
}

// appendFraction prints the digits after a point, without the zeros at their end but at least one.
func appendFraction(dst []byte, digits string) []byte {
	end := len(digits)
	for end > 1 && digits[end-1] == '0' {
		end--
	}
	dst = append(dst, '.')
	return append(dst, digits[:end]...)
}
