package awscli

import (
	"strings"
	"unicode/utf8"
)

// A page is a help text that can be shown in a terminal and as a man page.
type page struct {
	name     string // such as "openecr ecr-public describe-images"
	summary  string
	sections []section
}

type section struct {
	title  string
	blocks []block
}

// A block is a paragraph, with the term that it explains above it, at some depth.
type block struct {
	depth   int
	term    string // may be empty
	text    string // may be empty
	literal bool   // lines stay as they are
}

const (
	pageWidth = 80
	pageStep  = 4 // spaces per depth
)

// text is the page for a terminal.
func (p *page) text() string {
	var b strings.Builder
	b.WriteString(p.name + "\n")
	for _, s := range p.sections {
		b.WriteString("\n" + strings.ToUpper(s.title) + "\n")
		for i, bl := range s.blocks {
			indent := strings.Repeat(" ", pageStep*(bl.depth+1))
			if i > 0 {
				b.WriteByte('\n')
			}
			if bl.term != "" {
				b.WriteString(indent + bl.term + "\n")
				indent += strings.Repeat(" ", pageStep)
			}
			lines := strings.Split(bl.text, "\n")
			if !bl.literal {
				lines = wrap(bl.text, pageWidth-len(indent))
			}
			for _, line := range lines {
				if line != "" {
					b.WriteString(indent + line + "\n")
				}
			}
		}
	}
	return b.String()
}

// wrap breaks a text at spaces into lines of at most width columns, where it has spaces.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// man is the page as a man page, in the language of man(7).
func (p *page) man() string {
	var b strings.Builder
	title := strings.ToUpper(strings.ReplaceAll(p.name, " ", "-"))
	b.WriteString(".TH \"" + roff(title) + "\" 1 \"\" openecr\n.nh\n.SH NAME\n")
	b.WriteString(roff(strings.ReplaceAll(p.name, " ", "-")) + ` \- ` + roff(strings.TrimSuffix(p.summary, ".")) + "\n")
	for _, s := range p.sections {
		b.WriteString(".SH \"" + roff(strings.ToUpper(s.title)) + "\"\n")
		for _, bl := range s.blocks {
			b.WriteString(strings.Repeat(".RS 4\n", bl.depth))
			if bl.term != "" {
				b.WriteString(".TP\n\\fB" + roff(bl.term) + "\\fR\n")
			} else {
				b.WriteString(".PP\n")
			}
			if bl.literal {
				b.WriteString(".nf\n" + roff(bl.text) + "\n.fi\n")
			} else {
				b.WriteString(roff(bl.text) + "\n")
			}
			b.WriteString(strings.Repeat(".RE\n", bl.depth))
		}
	}
	return b.String()
}

// roff escapes what the language would take for itself.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
