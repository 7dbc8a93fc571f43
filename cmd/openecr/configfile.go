package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

const configFlag = "config"

// BeforeResolve reads the file of --config, for the commands that have that option. Kong calls it when flags and
// environment are known and before they are put together; flags are stronger than the environment, and that is stronger
// than the file.
func (*commands) BeforeResolve(ctx *kong.Context) error {
	selected := ctx.Selected()
	if selected == nil {
		return nil
	}
	flag := findFlag(selected.Flags, configFlag)
	if flag == nil {
		return nil
	}
	path, _ := ctx.FlagValue(flag).(string)
	if path == "" {
		return nil
	}
	serve := ctx.Model.Children[slices.IndexFunc(ctx.Model.Children, func(n *kong.Node) bool { return n.Name == "serve" })]
	values, err := readConfigFile(path, serve.Flags)
	if err != nil {
		return fmt.Errorf("config file %s: %w", path, err)
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if isInEnvironment(flag) {
			return nil, nil
		}
		return values[flag.Name], nil
	}))
	return nil
}

func findFlag(flags []*kong.Flag, name string) *kong.Flag {
	i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return flags[i]
}

func isInEnvironment(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool {
		_, ok := os.LookupEnv(name)
		return ok
	})
}

// readConfigFile reads options of `openecr serve`, under the names of the flags. Other commands take those that they have
// too. Everything in it must be an option with a value that the option can have: a mistake that is passed over would be
// found by what the server does.
func readConfigFile(path string, options []*kong.Flag) (map[string]any, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is said already
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	values := make(map[string]any)
	if len(document.Content) == 0 {
		return values, nil // only comments
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: write one option: value a line", root.Line)
	}
	for i := 0; i < len(root.Content); i += 2 {
		name, value := root.Content[i], root.Content[i+1]
		flag := findFlag(options, name.Value)
		if flag == nil || name.Value == configFlag || name.Value == "help" {
			return nil, fmt.Errorf("line %d: openecr serve has no option %q", name.Line, name.Value)
		}
		if _, twice := values[name.Value]; twice {
			return nil, fmt.Errorf("line %d: option %s is set twice", name.Line, name.Value)
		}
		if values[name.Value], err = optionValue(flag, value); err != nil {
			return nil, fmt.Errorf("line %d: option %s: %w", name.Line, name.Value, err)
		}
	}
	return values, nil
}

// optionValue is a text or a list of texts, as kong has them of a command line, that the option has been tried with.
func optionValue(flag *kong.Flag, node *yaml.Node) (any, error) {
	value, err := texts(node)
	if err != nil {
		return nil, err
	}
	if list, ok := value.([]any); ok && flag.Target.Kind() != reflect.Slice {
		return nil, fmt.Errorf("it takes one value, not %d", len(list))
	}
	trial := reflect.New(flag.Target.Type()).Elem()
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, trial); err != nil {
		return nil, err
	}
	return value, nil
}

func texts(node *yaml.Node) (any, error) {
	switch {
	case node.Kind == yaml.AliasNode:
		return texts(node.Alias)
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		return node.Value, nil
	case node.Kind == yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, n := range node.Content {
			if n.Kind != yaml.ScalarNode {
				return nil, errors.New("its list must have plain values")
			}
			list[i] = n.Value
		}
		return list, nil
	}
	return nil, errors.New("it needs a value or a list of values")
}
