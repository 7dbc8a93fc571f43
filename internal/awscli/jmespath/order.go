package jmespath

import (
	"slices"

	"github.com/openecr/openecr/internal/awscli/document"
)

// The functions that order a list. What checkType has let through are numbers or strings alone, so compare always has
// an answer for max, min and sort.

// extreme is max for sign 1 and min for -1. Of equal items the first is taken.
func extreme(sign int) func([]any) (any, error) {
	return func(args []any) (any, error) {
		var best any
		for i, item := range args[0].(*document.List).Items {
			if order, _, _ := compare("gt", item, best); i == 0 || order*sign > 0 {
				best = item
			}
		}
		return best, nil
	}
}

func sorted(args []any) (any, error) {
	items := slices.Clone(args[0].(*document.List).Items)
	slices.SortStableFunc(items, func(a, b any) int {
		order, _, _ := compare("lt", a, b)
		return order
	})
	return document.NewList(items...), nil
}

// keyed are the items of a list with what an expression makes of each.
type keyed struct{ key, item any }

func keysOf(name string, args []any, types []string) ([]keyed, error) {
	items := args[0].(*document.List).Items
	by := args[1].(expref).of
	all := make([]keyed, len(items))
	for i, item := range items {
		key, err := by.eval(item)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(types, typeName(key)) {
			return nil, wrongType(name, key, types, typeName(key))
		}
		all[i] = keyed{key, item}
	}
	return all, nil
}

func extremeBy(name string, sign int) func([]any) (any, error) {
	return func(args []any) (any, error) {
		all, err := keysOf(name, args, []string{"number", "string"})
		if err != nil || len(all) == 0 {
			return nil, err
		}
		operator := map[int]string{1: "gt", -1: "lt"}[sign]
		best := all[0]
		for _, k := range all[1:] {
			order, _, err := compare(operator, k.key, best.key)
			if err != nil {
				return nil, err
			}
			if order*sign > 0 {
				best = k
			}
		}
		return best.item, nil
	}
}

func sortBy(args []any) (any, error) {
	items := args[0].(*document.List).Items
	if len(items) == 0 {
		return args[0], nil
	}
	first, err := args[1].(expref).of.eval(items[0])
	if err != nil {
		return nil, err
	}
	kind := typeName(first)
	if kind != "number" && kind != "string" {
		return nil, wrongType("sort_by", items[0], []string{"string", "number"}, kind)
	}
	all, err := keysOf("sort_by", args, []string{kind})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		order, _, _ := compare("lt", a.key, b.key)
		return order
	})
	result := document.NewList()
	for _, k := range all {
		result.Items = append(result.Items, k.item)
	}
	return result, nil
}

func mapped(args []any) (any, error) {
	result := document.NewList()
	for _, item := range args[1].(*document.List).Items {
		v, err := args[0].(expref).of.eval(item)
		if err != nil {
			return nil, err
		}
		result.Items = append(result.Items, v)
	}
	return result, nil
}
