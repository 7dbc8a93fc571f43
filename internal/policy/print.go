package policy

import (
	"fmt"
	"strings"
)

// String is the policy as the service prints it back: the layout of Jackson's default pretty printer (two spaces, " : ",
// lists on one line), members in the order they were sent, no newline at the end.
func (p *Policy) String() string { return p.printed }

func printNode(n node) string {
	var b strings.Builder
	writeNode(&b, n, "\n")
	return b.String()
}

// writeNode takes the newline and indentation of the line it is on. Lists do not indent, so an object in a list is
// indented like one in its place.
func writeNode(b *strings.Builder, n node, line string) {
	switch n.kind {
	case objectNode:
		writeObject(b, n, line)
	case listNode:
		b.WriteString("[ ")
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(", ")
			}
			writeNode(b, item, line)
		}
		if len(n.items) > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	case textNode:
		writeString(b, n.text)
	default:
		b.WriteString(n.text)
	}
}

func writeObject(b *strings.Builder, n node, line string) {
	if len(n.items) == 0 {
		b.WriteString("{ }")
		return
	}
	inner := line + "  "
	b.WriteByte('{')
	for i, item := range n.items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(inner)
		writeString(b, n.names[i])
		b.WriteString(" : ")
		writeNode(b, item, inner)
	}
	b.WriteString(line + "}")
}

// writeString escapes what Jackson escapes: quote, backslash and control characters, these with upper-case hex digits.
// encoding/json would also escape <, >, &, U+2028 and U+2029.
func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\t':
			b.WriteString(`\t`)
		case '\n':
			b.WriteString(`\n`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		default:
			if r < ' ' {
				fmt.Fprintf(b, `\u%04X`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
}
