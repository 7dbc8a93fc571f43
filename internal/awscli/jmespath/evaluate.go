package jmespath

import (
	"math/big"

	"github.com/openecr/openecr/internal/awscli/document"
)

// A node is a part of an expression. Its eval gives nil where the language says null, which is nearly always when a
// value has not the type that the node is about.
type node interface {
	eval(value any) (any, error)
}

type (
	literal         struct{ value any }
	field           string
	identity        struct{}
	chain           struct{ left, right node } // a.b and a | b
	indexed         struct{ left, right node } // a[0]
	element         struct{ index any }
	slice           struct{ parts [3]any } // start, stop and step; nil is open
	flatten         struct{ of node }
	projection      struct{ of, item node }
	valueProjection struct{ of, item node }
	filter          struct{ of, item, condition node }
	or              struct{ left, right node }
	and             struct{ left, right node }
	not             struct{ of node }
	comparison      struct {
		operator    kind
		left, right node
	}
	multiList []node
	multiHash []pair
	pair      struct {
		key   string
		value node
	}
	function struct {
		name string
		args []node
	}
	expref struct{ of node } // evaluates to itself, for functions to call
)

func (n literal) eval(any) (any, error)        { return n.value, nil }
func (identity) eval(value any) (any, error)   { return value, nil }
func (n expref) eval(any) (any, error)         { return n, nil }
func (n chain) eval(value any) (any, error)    { return then(n.left, n.right, value) }
func (n indexed) eval(value any) (any, error)  { return then(n.left, n.right, value) }
func (n field) eval(value any) (any, error)    { return member(value, string(n)), nil }
func (n element) eval(value any) (any, error)  { return at(value, n.index), nil }
func (n slice) eval(value any) (any, error)    { return cut(value, n.parts) }
func (n function) eval(value any) (any, error) { return call(n, value) }

func then(first, second node, value any) (any, error) {
	v, err := first.eval(value)
	if err != nil {
		return nil, err
	}
	return second.eval(v)
}

func member(value any, name string) any {
	if o, ok := value.(*document.Object); ok {
		v, _ := o.Get(name)
		return v
	}
	return nil
}

func at(value, index any) any {
	l, ok := value.(*document.List)
	i, fits := index.(int64)
	if !ok || !fits {
		return nil
	}
	if i < 0 {
		i += int64(len(l.Items))
	}
	if i < 0 || i >= int64(len(l.Items)) {
		return nil
	}
	return l.Items[i]
}

func (n flatten) eval(value any) (any, error) {
	base, err := n.of.eval(value)
	l, ok := base.(*document.List)
	if !ok {
		return nil, err
	}
	flat := document.NewList()
	for _, item := range l.Items {
		if inner, ok := item.(*document.List); ok {
			flat.Items = append(flat.Items, inner.Items...)
		} else {
			flat.Items = append(flat.Items, item)
		}
	}
	return flat, nil
}

func (n projection) eval(value any) (any, error) {
	base, err := n.of.eval(value)
	l, ok := base.(*document.List)
	if !ok {
		return nil, err
	}
	return project(l.Items, n.item)
}

func (n valueProjection) eval(value any) (any, error) {
	base, err := n.of.eval(value)
	o, ok := base.(*document.Object)
	if !ok {
		return nil, err
	}
	return project(values(o), n.item)
}

func (n filter) eval(value any) (any, error) {
	base, err := n.of.eval(value)
	l, ok := base.(*document.List)
	if !ok {
		return nil, err
	}
	var kept []any
	for _, item := range l.Items {
		holds, err := n.condition.eval(item)
		if err != nil {
			return nil, err
		}
		if !isFalse(holds) {
			kept = append(kept, item)
		}
	}
	return project(kept, n.item)
}

// project applies a node to every item and leaves nulls out.
func project(items []any, item node) (any, error) {
	result := document.NewList()
	for _, v := range items {
		v, err := item.eval(v)
		if err != nil {
			return nil, err
		}
		if v != nil {
			result.Items = append(result.Items, v)
		}
	}
	return result, nil
}

func values(o *document.Object) []any {
	all := make([]any, 0, o.Len())
	for _, v := range o.All() {
		all = append(all, v)
	}
	return all
}

func (n or) eval(value any) (any, error) {
	left, err := n.left.eval(value)
	if err != nil || !isFalse(left) {
		return left, err
	}
	return n.right.eval(value)
}

func (n and) eval(value any) (any, error) {
	left, err := n.left.eval(value)
	if err != nil || isFalse(left) {
		return left, err
	}
	return n.right.eval(value)
}

func (n not) eval(value any) (any, error) {
	v, err := n.of.eval(value)
	return isFalse(v), err
}

// isFalse tells what the language takes for false; no number is.
func isFalse(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case *document.List:
		return len(v.Items) == 0
	case *document.Object:
		return v.Len() == 0
	}
	return false
}

func (n comparison) eval(value any) (any, error) {
	left, err := n.left.eval(value)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(value)
	if err != nil {
		return nil, err
	}
	switch n.operator {
	case tokenEQ:
		return equal(left, right), nil
	case tokenNE:
		return !equal(left, right), nil
	}
	order, ok, err := compare(string(n.operator), left, right)
	if !ok {
		return nil, err
	}
	switch n.operator {
	case tokenLT:
		return order < 0, nil
	case tokenLTE:
		return order <= 0, nil
	case tokenGT:
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

func (n multiList) eval(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	list := document.NewList()
	for _, item := range n {
		v, err := item.eval(value)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, v)
	}
	return list, nil
}

func (n multiHash) eval(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	object := document.NewObject()
	for _, p := range n {
		v, err := p.value.eval(value)
		if err != nil {
			return nil, err
		}
		object.Set(p.key, v)
	}
	return object, nil
}

// cut takes a slice of a list: from start to before stop, every step-th item, from the back if step is negative.
func cut(value any, parts [3]any) (any, error) {
	l, ok := value.(*document.List)
	if !ok {
		return nil, nil
	}
	n := len(l.Items)
	step, err := stepOf(parts[2])
	if err != nil {
		return nil, err
	}
	first, last := 0, n
	low, high := 0, n
	if step < 0 {
		first, last = n-1, -1
		low, high = -1, n-1
	}
	start, stop := bound(parts[0], first, n, low, high), bound(parts[1], last, n, low, high)
	result := document.NewList()
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		result.Items = append(result.Items, l.Items[i])
	}
	return result, nil
}

func stepOf(part any) (int, error) {
	switch step := part.(type) {
	case int64:
		if step == 0 {
			return 0, errZeroStep
		}
		// More than any list is long has the effect of that much, and cannot overflow.
		return int(max(-1<<31, min(step, 1<<31-1))), nil
	case *big.Int:
		return step.Sign() * (1<<31 - 1), nil
	}
	return 1, nil
}

// bound is one end of a slice as an index between low and high.
func bound(part any, open, length, low, high int) int {
	var i int64
	switch p := part.(type) {
	case int64:
		i = max(-1<<40, min(p, 1<<40))
	case *big.Int:
		i = int64(p.Sign()) << 40
	default:
		return open
	}
	if i < 0 {
		i += int64(length)
	}
	return int(max(int64(low), min(i, int64(high))))
}
