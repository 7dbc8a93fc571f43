package output

import (
	"fmt"
	"strings"
)

// lineWidth is the column after which a space may become a line break.
const lineWidth = 80

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || isBreak(r) || r == 0 }

// isPrintable tells what needs no escape; nothing beyond the first plane is among it.
func isPrintable(r rune) bool {
	return r == '\n' || ' ' <= r && r <= '~' || 0xa0 <= r && r <= 0xd7ff || 0xe000 <= r && r <= 0xfffd && r != 0xfeff
}

// A style is how a string can be written.
type style int

const (
	plainStyle style = iota
	singleQuoted
	doubleQuoted
)

// text writes a string.
func (y *yamlWriter) text(s string, at position) {
	fold := at != asKey
	chosen := styleOf(s)
	if chosen != doubleQuoted && s == "" {
		chosen = singleQuoted
	}
	if chosen == plainStyle && !IsText(s) {
		chosen = singleQuoted
	}
	outer := y.indent
	y.indent = max(y.indent, 0) + 2 // of further lines
	defer func() { y.indent = outer }()
	switch chosen {
	case plainStyle:
		y.plain(s, fold)
	case singleQuoted:
		y.single(s, fold)
	default:
		y.double(s, fold)
	}
}

// styleOf is the lightest style that a string can stand in.
func styleOf(s string) style {
	runes := []rune(s)
	if len(runes) == 0 {
		return plainStyle
	}
	chosen := plainStyle
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") || beginsAnother(runes) {
		chosen = singleQuoted
	}
	first, last := runes[0], runes[len(runes)-1]
	if first == ' ' || isBreak(first) || last == ' ' || isBreak(last) {
		chosen = singleQuoted
	}
	for i, r := range runes {
		before, after := rune(0), rune(0)
		if i > 0 {
			before = runes[i-1]
		}
		if i+1 < len(runes) {
			after = runes[i+1]
		}
		switch {
		case !isPrintable(r) && !isBreak(r), r == '\r' || r == '\u0085',
			isBreak(r) && before == ' ', r == ' ' && i > 0 && isBreak(before):
			return doubleQuoted
		case isBreak(r), r == ':' && i > 0 && isBlank(after), r == '#' && i > 0 && isBlank(before):
			chosen = singleQuoted
		}
	}
	return chosen
}

// beginsAnother tells whether the text begins like something that is no string.
func beginsAnother(runes []rune) bool {
	if strings.ContainsRune("#,[]{}&*!|>'\"%@`", runes[0]) {
		return true
	}
	return strings.ContainsRune("?:-", runes[0]) && (len(runes) == 1 || isBlank(runes[1]))
}

func (y *yamlWriter) plain(s string, fold bool) {
	if !y.whitespace && s != "" {
		y.put(" ")
	}
	y.folded([]rune(s), fold, false)
	y.whitespace, y.indention = false, false
}

func (y *yamlWriter) single(s string, fold bool) {
	y.mark("'", true, false, false)
	y.folded([]rune(s), fold, true)
	y.mark("'", false, false, false)
}

// folded writes the text of a plain or single-quoted scalar. A line break in it is written as an empty line.
func (y *yamlWriter) folded(runes []rune, fold, quoted bool) {
	inSpaces, inBreaks := false, false
	for i, r := range runes {
		switch {
		case r == ' ':
			edge := quoted && (i == 0 || i == len(runes)-1)
			if fold && !inSpaces && y.column > lineWidth && !edge && (i+1 == len(runes) || runes[i+1] != ' ') {
				y.newLine()
			} else {
				y.put(" ")
			}
			inSpaces = true
		case isBreak(r):
			if !inBreaks && r == '\n' {
				y.breakLine()
			}
			if r == '\n' {
				y.breakLine()
			} else {
				y.put(string(r))
				y.column = 0
			}
			y.indention, inBreaks = true, true
		default:
			if inBreaks {
				y.newLine()
			}
			if r == '\'' && quoted {
				y.put("'")
			}
			y.put(string(r))
			y.indention, inSpaces, inBreaks = false, false, false
		}
	}
	if inBreaks && quoted {
		y.newLine()
	}
}

func (y *yamlWriter) double(s string, fold bool) {
	y.mark(`"`, true, false, false)
	runes := []rune(s)
	inSpaces := false
	for i, r := range runes {
		switch {
		case !isPrintable(r) || isBreak(r) || r == '"' || r == '\\':
			y.put(yamlEscape(r))
			inSpaces = false
		case r == ' ':
			if fold && !inSpaces && y.column > lineWidth && i != 0 && i != len(runes)-1 {
				y.newLine()
				if runes[i+1] == ' ' {
					y.put(`\`)
				}
			} else {
				y.put(" ")
			}
			inSpaces = true
		default:
			y.put(string(r))
			inSpaces = false
		}
	}
	y.mark(`"`, false, false, false)
}

func yamlEscape(r rune) string {
	const named = "\x00" + "0\aa\bb\tt\nn\vv\ff\rr\x1be\"\"\\\\\u0085N\u00a0_\u2028L\u2029P"
	pairs := []rune(named)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == r {
			return `\` + string(pairs[i+1])
		}
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	default:
		return fmt.Sprintf(`\U%08X`, r)
	}
}
