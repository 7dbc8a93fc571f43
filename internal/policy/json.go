package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

type nodeKind int

const (
	objectNode nodeKind = iota
	listNode
	textNode
	numberNode
	booleanNode
	nullNode
)

func (k nodeKind) String() string {
	return [...]string{"an object", "a list", "a string", "a number", "true or false", "null"}[k]
}

// node is a JSON value that keeps what encoding/json loses: the order of members and the spelling of numbers. Policies
// are printed back, so both matter.
type node struct {
	kind  nodeKind
	text  string   // content of a string; a number, true, false or null as written
	names []string // member names of an object, in step with items
	items []node   // members of an object, elements of a list
}

// list is the elements of a list, or the node itself where one value may stand for a list of one.
func (n node) list() []node {
	if n.kind == listNode {
		return n.items
	}
	return []node{n}
}

// readJSON accepts exactly one JSON value in UTF-8, without duplicate member names: of two Effects, no reader could
// tell which one holds.
func readJSON(source string) (node, error) {
	if !utf8.ValidString(source) {
		return node{}, errors.New("the text is not UTF-8")
	}
	// Unmarshal checks the whole text, its depth and its end; a Decoder alone would stop after the first value.
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(source), &whole); err != nil {
		return node{}, fmt.Errorf("the text is not JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(whole))
	d.UseNumber()
	return readNode(d)
}

func readNode(d *json.Decoder) (node, error) {
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d)
		}
		return readList(d)
	case string:
		return node{kind: textNode, text: t}, nil
	case json.Number:
		return node{kind: numberNode, text: t.String()}, nil
	case bool:
		return node{kind: booleanNode, text: fmt.Sprint(t)}, nil
	default:
		return node{kind: nullNode, text: "null"}, nil
	}
}

func readObject(d *json.Decoder) (node, error) {
	n := node{kind: objectNode}
	for d.More() {
		name, err := readNode(d)
		if err != nil {
			return node{}, err
		}
		if slices.Contains(n.names, name.text) {
			return node{}, fmt.Errorf("%q stands twice in one object: keep one of them", name.text)
		}
		item, err := readNode(d)
		if err != nil {
			return node{}, err
		}
		n.names = append(n.names, name.text)
		n.items = append(n.items, item)
	}
	_, err := d.Token() // the closing brace
	return n, err
}

func readList(d *json.Decoder) (node, error) {
	n := node{kind: listNode}
	for d.More() {
		item, err := readNode(d)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.Token() // the closing bracket
	return n, err
}
