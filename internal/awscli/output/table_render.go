package output

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode"
)

const (
	cellPadding = 4 // spaces around a cell, both sides together
	reset       = "\x1b[0m"
	cellColor   = "\x1b[1m\x1b[34m"
	edgeColor   = "\x1b[2m\x1b[33m"
)

// A tableRenderer draws sections. In color every piece that is written is followed by a reset, which is what the AWS
// CLI's terminal library does.
type tableRenderer struct {
	out   *bytes.Buffer
	color bool
	depth int // of the section being drawn
}

func (r *tableRenderer) piece(text string) {
	r.out.WriteString(text)
	if r.color {
		r.out.WriteString(reset)
	}
}

// line writes a line between the edges of the boxes that the section stands in.
func (r *tableRenderer) line(text string) {
	edge := "|"
	if r.color {
		edge = edgeColor + edge + reset
	}
	edges := strings.Repeat(edge, r.depth)
	for _, piece := range []string{edges, text, edges, "\n"} {
		r.piece(piece)
	}
}

func (r *tableRenderer) render(sections []*section, terminal int) {
	width := widest(sections)
	if width > terminal {
		for i, s := range sections {
			sections[i] = s.onItsSide()
		}
		width = widest(sections)
	}
	r.piece(strings.Repeat("-", width) + "\n")
	for _, s := range sections {
		r.depth = s.depth
		r.section(s, width-2*s.depth)
	}
}

func widest(sections []*section) int {
	width := 0
	for _, s := range sections {
		columns := 0
		for _, w := range s.widths {
			columns += w + cellPadding
		}
		width = max(width, 2+2*s.depth+max(textWidth(s.title), columns))
	}
	return width
}

// onItsSide turns a section with headers and one row into one with a row per column.
func (s *section) onItsSide() *section {
	if len(s.rows) != 1 || len(s.headers) == 0 {
		return s
	}
	turned := &section{title: s.title, depth: s.depth, columns: -1}
	for i, header := range s.headers {
		_ = turned.addRow([]string{header, s.rows[0][i]}) // every row has two cells
	}
	return turned
}

func (r *tableRenderer) section(s *section, width int) {
	if s.title != "" {
		r.line(centered(s.title, width, "|"))
		if len(s.headers) == 0 && len(s.rows) == 0 {
			r.line("+" + strings.Repeat("-", width-2) + "+")
		}
	}
	widths := s.scaled(width)
	if len(s.headers) > 0 {
		r.rule(widths)
		var line strings.Builder
		for i, header := range s.headers {
			line.WriteString(centered(header, widths[i], leftEdge(i)))
		}
		r.line(line.String())
	}
	if len(s.rows) == 0 || len(widths) == 0 {
		return
	}
	r.rule(widths)
	for _, row := range s.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(r.cell(cell, widths[i], leftEdge(i)))
		}
		r.line(line.String())
	}
	r.rule(widths)
}

// leftEdge is the edge left of a cell; further ones have that of their neighbour.
func leftEdge(column int) string {
	if column == 0 {
		return "|"
	}
	return ""
}

func (r *tableRenderer) rule(widths []int) {
	var line strings.Builder
	for i, w := range widths {
		if i == 0 {
			line.WriteString("+")
			w--
		}
		line.WriteString(strings.Repeat("-", max(0, w-1)) + "+")
	}
	r.line(line.String())
}

func centered(text string, width int, left string) string {
	before := width/2 - textWidth(text)/2 - 1
	after := width - 1 - len(left) - max(before, 0) - textWidth(text)
	if before < 0 {
		after = width - 1 - len(left) - before - textWidth(text)
	}
	return left + spaces(before) + text + spaces(after) + "|"
}

func (r *tableRenderer) cell(text string, width int, left string) string {
	padding := 2
	if width < textWidth(text)+padding+len(left)+1 {
		padding = 0
	}
	after := width - len(left) - padding - textWidth(text) - 1
	if r.color {
		text = cellColor + text + reset
	}
	return left + spaces(padding) + text + spaces(after) + "|"
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

// scaled are the widths of the columns, stretched to fill the section.
func (s *section) scaled(width int) []int {
	total := 0
	for _, w := range s.widths {
		total += w + cellPadding
	}
	factor := float64(width) / float64(total)
	scaled := make([]int, len(s.widths))
	over := -width
	for i, w := range s.widths {
		scaled[i] = int(math.RoundToEven(factor * float64(w+cellPadding)))
		over += scaled[i]
	}
	if len(scaled) == 0 {
		return nil
	}
	for over != 0 { // rounding has left too much or too little
		order := slices.Collect(func(yield func(int) bool) {
			for i := range scaled {
				if !yield(i) {
					return
				}
			}
		})
		if over < 0 {
			slices.Reverse(order)
		}
		for _, i := range order {
			switch {
			case over > 0:
				scaled[i]--
				over--
			case over < 0:
				scaled[i]++
				over++
			}
		}
	}
	return scaled
}

// textWidth is how many columns a text takes, with ambiguous characters taken as wide.
func textWidth(text string) int {
	width := 0
	for _, r := range text {
		width++
		if r >= 0xa1 && unicode.Is(wide, r) {
			width++
		}
	}
	return width
}
