package jmespath

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

// A definition is a function: the types each argument may have ("array-number" is an array of numbers, none is any type)
// and what it does. The last argument of a variadic one may be repeated.
type definition struct {
	params   [][]string
	variadic bool
	do       func(args []any) (any, error)
}

func takes(types ...string) []string { return types }

func defined(do func(args []any) (any, error), params ...[]string) definition {
	return definition{params: params, do: do}
}

// builtin returns the function of that name.
func builtin(name string) (definition, bool) {
	anything, numbers, object := takes(), takes("array-number"), takes("object")
	text, number, array, expression := takes("string"), takes("number"), takes("array"), takes("expref")
	switch name {
	case "abs":
		return defined(absolute, number), true
	case "avg":
		return defined(average, numbers), true
	case "ceil":
		return defined(rounder(math.Ceil), number), true
	case "contains":
		return defined(contains, takes("array", "string"), anything), true
	case "ends_with":
		return defined(func(a []any) (any, error) { return strings.HasSuffix(a[0].(string), a[1].(string)), nil }, text, text), true
	case "floor":
		return defined(rounder(math.Floor), number), true
	case "join":
		return defined(join, text, takes("array-string")), true
	case "keys":
		return defined(keys, object), true
	case "length":
		return defined(length, takes("string", "array", "object")), true
	case "map":
		return defined(mapped, expression, array), true
	case "max":
		return defined(extreme(1), takes("array-number", "array-string")), true
	case "max_by":
		return defined(extremeBy("max_by", 1), array, expression), true
	case "merge":
		return definition{[][]string{object}, true, merge}, true
	case "min":
		return defined(extreme(-1), takes("array-number", "array-string")), true
	case "min_by":
		return defined(extremeBy("min_by", -1), array, expression), true
	case "not_null":
		return definition{[][]string{anything}, true, notNull}, true
	case "reverse":
		return defined(reverse, takes("array", "string")), true
	case "sort":
		return defined(sorted, takes("array-string", "array-number")), true
	case "sort_by":
		return defined(sortBy, array, expression), true
	case "starts_with":
		return defined(func(a []any) (any, error) { return strings.HasPrefix(a[0].(string), a[1].(string)), nil }, text, text), true
	case "sum":
		return defined(sum, numbers), true
	case "to_array":
		return defined(toArray, anything), true
	case "to_number":
		return defined(toNumber, anything), true
	case "to_string":
		return defined(toString, anything), true
	case "type":
		return defined(func(a []any) (any, error) { return typeName(a[0]), nil }, anything), true
	case "values":
		return defined(func(a []any) (any, error) { return document.NewList(values(a[0].(*document.Object))...), nil }, object), true
	}
	return definition{}, false
}

func call(f function, value any) (any, error) {
	args := make([]any, len(f.args))
	for i, arg := range f.args {
		var err error
		if args[i], err = arg.eval(value); err != nil {
			return nil, err
		}
	}
	d, ok := builtin(f.name)
	if !ok {
		return nil, fmt.Errorf("Unknown function: %s()", f.name)
	}
	if err := d.check(f.name, args); err != nil {
		return nil, err
	}
	return d.do(args)
}

func (d definition) check(name string, args []any) error {
	want, least := len(d.params), ""
	if d.variadic {
		least = "at least "
	}
	if len(args) < want || len(args) > want && !d.variadic {
		noun := "arguments"
		if want == 1 {
			noun = "argument"
		}
		return fmt.Errorf("Expected %s%d %s for function %s(), received %d", least, want, noun, name, len(args))
	}
	for i, types := range d.params {
		if err := checkType(name, args[i], types); err != nil {
			return err
		}
	}
	return nil
}

func wrongType(name string, value any, types []string, received string) error {
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = "'" + t + "'"
	}
	return fmt.Errorf("In function %s(), invalid type for value: %s, expected one of: [%s], received: \"%s\"",
		name, document.Text(value), strings.Join(quoted, ", "), received)
}

func checkType(name string, value any, types []string) error {
	if len(types) == 0 {
		return nil
	}
	var items []string
	found := false
	for _, t := range types {
		t, item, of := strings.Cut(t, "-")
		found = found || t == typeName(value)
		if of {
			items = append(items, item)
		}
	}
	if !found {
		return wrongType(name, value, types, typeName(value))
	}
	l, ok := value.(*document.List)
	if !ok || len(items) == 0 || len(l.Items) == 0 {
		return nil
	}
	allowed := items[0]
	if len(items) > 1 {
		allowed = typeName(l.Items[0])
	}
	for _, item := range l.Items {
		if typeName(item) != allowed || !slices.Contains(items, allowed) {
			return wrongType(name, item, types, pythonType(item))
		}
	}
	return nil
}

func absolute(args []any) (any, error) {
	switch n := args[0].(type) {
	case int64:
		return document.Integer(new(big.Int).Abs(big.NewInt(n))), nil
	case *big.Int:
		return new(big.Int).Abs(n), nil
	default:
		return math.Abs(n.(float64)), nil
	}
}

func rounder(round func(float64) float64) func([]any) (any, error) {
	return func(args []any) (any, error) {
		f, ok := args[0].(float64)
		if !ok {
			return args[0], nil
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("cannot convert float %s to integer", map[bool]string{true: "NaN", false: "infinity"}[math.IsNaN(f)])
		}
		n, _ := big.NewFloat(round(f)).Int(nil)
		return document.Integer(n), nil
	}
}

func sum(args []any) (any, error) {
	total := new(big.Int)
	for i, item := range args[0].(*document.List).Items {
		switch n := item.(type) {
		case int64:
			total.Add(total, big.NewInt(n))
		case *big.Int:
			total.Add(total, n)
		default: // from the first float on, all are floats
			f, _ := number(total)
			for _, rest := range args[0].(*document.List).Items[i:] {
				n, _ := number(rest)
				f += n
			}
			return f, nil
		}
	}
	return document.Integer(total), nil
}

func average(args []any) (any, error) {
	n := len(args[0].(*document.List).Items)
	if n == 0 {
		return nil, nil
	}
	total, _ := sum(args)
	f, _ := number(total)
	return f / float64(n), nil
}

func contains(args []any) (any, error) {
	if text, ok := args[0].(string); ok {
		part, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("'in <string>' requires string as left operand, not %s", pythonType(args[1]))
		}
		return strings.Contains(text, part), nil
	}
	return slices.ContainsFunc(args[0].(*document.List).Items, func(item any) bool { return equal(item, args[1]) }), nil
}

func join(args []any) (any, error) {
	var parts []string
	for _, item := range args[1].(*document.List).Items {
		parts = append(parts, item.(string))
	}
	return strings.Join(parts, args[0].(string)), nil
}

func keys(args []any) (any, error) {
	list := document.NewList()
	for key := range args[0].(*document.Object).All() {
		list.Items = append(list.Items, key)
	}
	return list, nil
}

func length(args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return int64(document.Length(v)), nil
	case *document.List:
		return int64(len(v.Items)), nil
	default:
		return int64(v.(*document.Object).Len()), nil
	}
}

func merge(args []any) (any, error) {
	merged := document.NewObject()
	for _, arg := range args {
		o, ok := arg.(*document.Object)
		if !ok { // only the first argument is checked before
			return nil, fmt.Errorf("'%s' object is not iterable", pythonType(arg))
		}
		for k, v := range o.All() {
			merged.Set(k, v)
		}
	}
	return merged, nil
}

func notNull(args []any) (any, error) {
	for _, arg := range args {
		if arg != nil {
			return arg, nil
		}
	}
	return nil, nil
}

func reverse(args []any) (any, error) {
	if text, ok := args[0].(string); ok {
		runes := []rune(text)
		slices.Reverse(runes)
		return string(runes), nil
	}
	items := slices.Clone(args[0].(*document.List).Items)
	slices.Reverse(items)
	return document.NewList(items...), nil
}

func toArray(args []any) (any, error) {
	if _, ok := args[0].(*document.List); ok {
		return args[0], nil
	}
	return document.NewList(args[0]), nil
}

func toNumber(args []any) (any, error) {
	switch v := args[0].(type) {
	case int64, *big.Int, float64:
		return v, nil
	case string:
		if n, err := document.ParseInt(v); err == nil {
			return n, nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !strings.ContainsAny(v, "xXpP") {
			return f, nil
		}
	}
	return nil, nil
}

func toString(args []any) (any, error) {
	if text, ok := args[0].(string); ok {
		return text, nil
	}
	return document.Compact.String(args[0]), nil
}
