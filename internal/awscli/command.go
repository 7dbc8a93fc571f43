package awscli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
)

// The options that every operation has beside those of its input.
const (
	inputJSON     = "--cli-input-json"
	inputYAML     = "--cli-input-yaml"
	skeleton      = "--generate-cli-skeleton"
	startingToken = "--starting-token"
	pageSize      = "--page-size"
	maxItems      = "--max-items"
)

// A command is an operation as words of the command line.
type command struct {
	op   *ecrpublic.Operation
	name string
}

func newCommand(name string) (*command, error) {
	for _, op := range ecrpublic.Operations() {
		if kebab(op.Name) == name {
			return &command{op, name}, nil
		}
	}
	return nil, fmt.Errorf("there is no operation %q", name)
}

// option is the option that sets a member; off is the one that sets a boolean to false.
func option(m *ecrpublic.Member) string { return "--" + kebab(m.Name) }
func off(m *ecrpublic.Member) string    { return "--no-" + kebab(m.Name) }

// options are the operation's, in the order of the AWS CLI.
func (c *command) options(needed bool) []*argparse.Option {
	var options []*argparse.Option
	for _, m := range c.op.Input.Members {
		o := &argparse.Option{Name: option(m), Required: m.Required && needed}
		switch m.Shape.Kind {
		case ecrpublic.KindList:
			o.Count = argparse.Any
		case ecrpublic.KindLong:
			o.Integer = true
		case ecrpublic.KindBoolean:
			o.Count, o.Required = argparse.None, false
			options = append(options, o)
			o = &argparse.Option{Name: off(m), Count: argparse.None}
		}
		options = append(options, o)
	}
	options = append(options, &argparse.Option{Name: inputJSON}, &argparse.Option{Name: inputYAML})
	if c.op.Pages != nil {
		options = append(options, &argparse.Option{Name: startingToken},
			&argparse.Option{Name: pageSize, Integer: true}, &argparse.Option{Name: maxItems, Integer: true})
	}
	return append(options, &argparse.Option{Name: skeleton, Count: argparse.AtMost1, Default: "input",
		Choices: []string{"input", "output", "yaml-input"}})
}

// needsAll tells whether the required options must be given. A whole input or a request for a skeleton takes their place, but
// only under its full name, as in the AWS CLI.
func needsAll(args []string) bool {
	if slices.Contains(args, inputJSON) || slices.Contains(args, inputYAML) {
		return false
	}
	i := slices.Index(args, skeleton)
	return i < 0 || i+1 < len(args) && args[i+1] == "output"
}

// parse reads the operation's options; the result is nil if help is asked for.
func (c *command) parse(args []string) (*argparse.Result, error) {
	if slices.Equal(args, []string{"help"}) {
		return nil, nil
	}
	parser := argparse.Parser{Options: c.options(needsAll(args)), Positional: &argparse.Positional{Name: "help", Optional: true}}
	r, err := parser.Parse(args)
	switch {
	case err != nil:
		return nil, usageError(err)
	case r.Positional != nil && *r.Positional == "help":
		return nil, nil
	case r.Positional != nil && *r.Positional != "":
		r.Rest = append(r.Rest, *r.Positional)
	}
	if len(r.Rest) > 0 {
		return nil, unknownOptions(strings.Join(r.Rest, ", "))
	}
	return r, nil
}

// operation runs one operation.
func (s *session) operation(ctx context.Context, c *command, args []string) error {
	r, err := c.parse(args)
	if err != nil {
		return err
	}
	if r == nil {
		return s.helpFor([]string{c.name})
	}
	p, err := c.paging(r, s.paginate)
	if err != nil {
		return err
	}
	parameters, err := c.parameters(r)
	if err != nil {
		return err
	}
	if err := addInput(r, parameters, s.Stdin); err != nil {
		return err
	}
	if kind, ok := r.One(skeleton); ok && kind != "output" {
		return s.inputSkeleton(c, kind)
	} else if ok {
		return s.outputSkeleton(ctx, c, parameters)
	}
	return s.call(ctx, c, parameters, p)
}

// call calls the service and prints what it answers, page by page where the format can.
func (s *session) call(ctx context.Context, c *command, parameters *document.Object, p paging) error {
	caller, err := s.newCaller(ctx)
	if err != nil {
		return err
	}
	if !c.pages(p, parameters) {
		answer, err := caller.call(ctx, c.op, parameters)
		if err != nil {
			return err
		}
		return s.print(ctx, c, answer)
	}
	it := &pageIterator{op: c.op, parameters: parameters, paging: p,
		fetch: func(parameters *document.Object) (*document.Object, error) {
			return caller.call(ctx, c.op, parameters)
		}}
	return s.printPages(ctx, c, it)
}
