package output

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

// writeText prints a line of tab-separated scalars for every object, headed by the key under which the object stands.
func writeText(b *bytes.Buffer, v any) error {
	t := texter{b}
	return t.value(v, "", nil)
}

type texter struct{ *bytes.Buffer }

// value prints v, which stands under key; columns are the keys of the lines of the list that it is in, or nil.
func (t texter) value(v any, key string, columns []string) error {
	switch v := v.(type) {
	case *document.Object:
		return t.object(v, key, columns)
	case *document.List:
		return t.list(v.Items, key)
	}
	t.WriteString(document.Text(v) + "\n")
	return nil
}

func (t texter) list(items []any, key string) error {
	if slices.ContainsFunc(items, isObject) {
		columns, err := scalarKeys(items)
		for _, item := range items {
			if err == nil {
				err = t.value(item, key, columns)
			}
		}
		return err
	}
	var scalars, lists []any
	for _, item := range items {
		if document.IsScalar(item) {
			scalars = append(scalars, item)
		} else {
			lists = append(lists, item)
		}
	}
	t.scalars(scalars, key)
	for _, list := range lists {
		if err := t.value(list, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// scalars prints a line for each below a key, and one line for all without.
func (t texter) scalars(scalars []any, key string) {
	if len(scalars) == 0 {
		return
	}
	texts := make([]string, len(scalars))
	for i, s := range scalars {
		texts[i] = document.Text(s)
	}
	if key == "" {
		t.WriteString(strings.Join(texts, "\t") + "\n")
		return
	}
	for _, text := range texts {
		t.WriteString(strings.ToUpper(key) + "\t" + text + "\n")
	}
}

// object prints the columns, or all its scalars, and then what else it has.
func (t texter) object(o *document.Object, key string, columns []string) error {
	keys := o.SortedKeys()
	var line, rest []string
	if columns == nil {
		for _, k := range keys {
			if v, _ := o.Get(k); document.IsScalar(v) {
				line = append(line, document.Text(v))
			} else {
				rest = append(rest, k)
			}
		}
	} else {
		for _, k := range columns {
			text := ""
			if v, ok := o.Get(k); ok {
				text = document.Text(v)
			}
			line = append(line, text)
		}
		rest = slices.DeleteFunc(keys, func(k string) bool { return slices.Contains(columns, k) })
	}
	if len(line) > 0 {
		if key != "" {
			line = slices.Insert(line, 0, strings.ToUpper(key))
		}
		t.WriteString(strings.Join(line, "\t") + "\n")
	}
	for _, k := range rest {
		v, _ := o.Get(k)
		if err := t.value(v, k, nil); err != nil {
			return err
		}
	}
	return nil
}

// scalarKeys are the keys that have a scalar in at least one of the objects.
func scalarKeys(items []any) ([]string, error) {
	keys := []string{}
	for _, item := range items {
		o, ok := item.(*document.Object)
		if !ok {
			return nil, fmt.Errorf("a list of objects and of other values has no form as text; use another --output or --query")
		}
		for k, v := range o.All() {
			if document.IsScalar(v) && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func isObject(v any) bool {
	_, ok := v.(*document.Object)
	return ok
}
