package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// parameter is one name=value pair of a query.
type parameter struct{ name, value string }

// parseQuery refuses what a signature in the header cannot cover: a query that is signed itself, and one that Go would
// only read in part.
func parseQuery(raw string) ([]parameter, error) {
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalidSignature("The query string is malformed: %v.", err)
	}
	var query []parameter
	for name, all := range values {
		switch name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature":
			return nil, incomplete("Presigned requests are not accepted: sign the request in its Authorization header.")
		}
		for _, value := range all {
			query = append(query, parameter{name, value})
		}
	}
	return query, nil
}

// canonicalRequest is the canonical request without its last line, the hash of the body:
//
//	METHOD \n path \n query \n (name:value \n)* \n names \n
//
// It fails if the request lacks a header that it is said to have signed. It is appended to b.
func canonicalRequest(b []byte, r *http.Request, query []parameter, signed string) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, r.URL)
	b = append(b, '\n')
	b = appendQuery(b, query)
	b = append(b, '\n')
	for name := range strings.SplitSeq(signed, ";") {
		var ok bool
		if b, ok = appendHeader(b, r, name); !ok {
			return nil, incomplete("The header %q is among the SignedHeaders, and the request does not have it.", name)
		}
	}
	b = append(b, '\n')
	b = append(b, signed...)
	return append(b, '\n'), nil
}

// appendPath escapes a path that is escaped already, as every service but S3 wants it.
func appendPath(b []byte, u *url.URL) []byte {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return appendEscaped(b, path, "/")
}

// appendQuery sorts by the escaped forms: escaping changes the order, for one "-" and "/".
func appendQuery(b []byte, query []parameter) []byte {
	if len(query) == 0 {
		return b
	}
	escaped := make([]parameter, len(query))
	for i, p := range query {
		escaped[i] = parameter{string(appendEscaped(nil, p.name, "")), string(appendEscaped(nil, p.value, ""))}
	}
	slices.SortFunc(escaped, func(p, q parameter) int {
		if c := strings.Compare(p.name, q.name); c != 0 {
			return c
		}
		return strings.Compare(p.value, q.value)
	})
	for i, p := range escaped {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// appendHeader writes one line: the name, a colon, and the values, trimmed, each run of spaces made one, joined by
// commas. net/http keeps host and the length that it acts on outside the header map, so those are the ones to check.
func appendHeader(b []byte, r *http.Request, name string) (line []byte, ok bool) {
	b = append(b, name...)
	b = append(b, ':')
	switch name {
	case "host":
		b = appendFolded(b, r.Host)
	case "content-length":
		if r.ContentLength < 0 {
			return b, false
		}
		b = strconv.AppendInt(b, r.ContentLength, 10)
	default:
		values := headerValues(r.Header, name)
		if len(values) == 0 {
			return b, false
		}
		for i, value := range values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFolded(b, value)
		}
	}
	return append(b, '\n'), true
}

// headerValues is h.Values for a name in lower case, without making the form that h has it in.
func headerValues(h http.Header, name string) []string {
	var room [64]byte
	canonical, start := append(room[:0], name...), true
	for i, c := range canonical {
		if start && 'a' <= c && c <= 'z' {
			canonical[i] = c - ('a' - 'A')
		}
		start = c == '-'
	}
	if values, ok := h[string(canonical)]; ok {
		return values
	}
	return h.Values(name)
}

func appendFolded(b []byte, value string) []byte {
	value = strings.TrimSpace(value) // so a space is never the first byte
	for i := range len(value) {
		if value[i] == ' ' && value[i-1] == ' ' {
			continue
		}
		b = append(b, value[i])
	}
	return b
}

// appendEscaped percent-encodes every byte that is neither unreserved in RFC 3986 nor one of keep.
func appendEscaped(b []byte, s, keep string) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', strings.IndexByte(keep, c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}
