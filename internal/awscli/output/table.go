package output

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/openecr/openecr/internal/awscli/document"
)

// A section is a box of a table: a title, column headers and rows, each of which may be missing.
type section struct {
	title   string
	depth   int // boxes that it stands in
	headers []string
	rows    [][]string
	columns int   // of every row; -1 as long as there is none
	widths  []int // of the widest cell of each column
}

func (s *section) setHeaders(headers []string) error {
	if len(s.widths) > 0 && len(headers) > len(s.widths) {
		return fmt.Errorf("rows of %d and of %d columns have no form as one table; use another --output or --query", len(s.widths), len(headers))
	}
	s.headers = headers
	s.measure(headers)
	if s.columns < 0 {
		s.columns = len(headers)
	}
	return nil
}

func (s *section) addRow(row []string) error {
	if s.columns < 0 {
		s.columns = len(row)
	}
	if len(row) != s.columns {
		return fmt.Errorf("Row should have %d elements, instead it has %d", s.columns, len(row)) //nolint:staticcheck // the AWS CLI's text
	}
	s.rows = append(s.rows, row)
	s.measure(row)
	return nil
}

func (s *section) measure(cells []string) {
	if len(s.widths) == 0 {
		s.widths = make([]int, len(cells))
	}
	for i, cell := range cells {
		s.widths[i] = max(s.widths[i], textWidth(cell))
	}
}

// A tableBuilder turns a value into sections.
type tableBuilder struct{ sections []*section }

func (t *tableBuilder) section(title string, depth int) {
	t.sections = append(t.sections, &section{title: title, depth: depth, columns: -1})
}

func (t *tableBuilder) last() *section { return t.sections[len(t.sections)-1] }

func writeTable(b *bytes.Buffer, o Table, v any) error {
	var t tableBuilder
	if isEmpty(v) {
		return nil
	}
	if err := t.titled(o.Title, v, 0); err != nil {
		return err
	}
	r := tableRenderer{out: b, color: o.Color}
	r.render(t.sections, o.Width)
	return nil
}

// isEmpty tells whether there is nothing to show.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case string:
		return v == ""
	case *document.List:
		return len(v.Items) == 0
	case *document.Object:
		return v.Len() == 0
	}
	return false
}

// titled shows v in a section of its own.
func (t *tableBuilder) titled(title string, v any, depth int) error {
	if isEmpty(v) {
		return nil
	}
	t.section(title, depth)
	return t.content(title, v, depth)
}

func (t *tableBuilder) content(title string, v any, depth int) error {
	switch v := v.(type) {
	case *document.Object:
		return t.object(v, depth)
	case *document.List:
		if isObject(v.Items[0]) {
			return t.objects(title, v.Items, depth)
		}
		for _, item := range v.Items {
			if err := t.item(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// item shows an item of a list that does not begin with an object: as a row if it can be one.
func (t *tableBuilder) item(item any) error {
	var cells []any
	switch item := item.(type) {
	case *document.List:
		cells = item.Items
		if slices.ContainsFunc(cells, func(c any) bool { return !document.IsScalar(c) }) {
			return t.content("", item, 0)
		}
	case *document.Object:
		for key := range item.All() {
			cells = append(cells, key)
		}
	default:
		cells = []any{item}
	}
	return t.last().addRow(texts(cells))
}

func texts(cells []any) []string {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = document.Text(c)
	}
	return row
}

func (t *tableBuilder) object(o *document.Object, depth int) error {
	headers, rest := columnsOf(o)
	var err error
	switch {
	case len(headers) == 1: // a line: the key and its value
		v, _ := o.Get(headers[0])
		err = t.last().addRow([]string{headers[0], document.Text(v)})
	case len(headers) > 1:
		if err = t.last().setHeaders(headers); err == nil {
			err = t.last().addRow(cellsOf(o, headers))
		}
	}
	return t.nested(o, rest, depth, err)
}

// objects shows objects as rows, and what is in each below its row.
func (t *tableBuilder) objects(title string, items []any, depth int) error {
	headers, rest := []string{}, []string{}
	for _, item := range items {
		o, ok := item.(*document.Object)
		if !ok {
			return fmt.Errorf("a list of objects and of other values has no form as a table; use another --output or --query")
		}
		h, r := columnsOf(o)
		headers, rest = append(headers, h...), append(rest, r...)
	}
	headers, rest = sortedSet(headers), sortedSet(rest)
	for i, item := range items {
		if i > 0 && len(rest) > 0 {
			t.section(title, depth)
		}
		if i == 0 || len(rest) > 0 {
			if err := t.last().setHeaders(headers); err != nil {
				return err
			}
		}
		o := item.(*document.Object)
		if err := t.nested(o, rest, depth, t.last().addRow(cellsOf(o, headers))); err != nil {
			return err
		}
	}
	return nil
}

// nested shows members that are no scalars, unless something has failed before.
func (t *tableBuilder) nested(o *document.Object, keys []string, depth int, err error) error {
	for _, key := range keys {
		if v, ok := o.Get(key); ok && err == nil {
			err = t.titled(key, v, depth+1)
		}
	}
	return err
}

// columnsOf are the sorted keys of scalars and of the rest.
func columnsOf(o *document.Object) (scalars, rest []string) {
	for _, key := range o.SortedKeys() {
		if v, _ := o.Get(key); document.IsScalar(v) {
			scalars = append(scalars, key)
		} else {
			rest = append(rest, key)
		}
	}
	return scalars, rest
}

func cellsOf(o *document.Object, keys []string) []string {
	row := make([]string, len(keys))
	for i, key := range keys {
		if v, ok := o.Get(key); ok {
			row[i] = document.Text(v)
		}
	}
	return row
}

func sortedSet(keys []string) []string {
	slices.Sort(keys)
	return slices.Compact(keys)
}
