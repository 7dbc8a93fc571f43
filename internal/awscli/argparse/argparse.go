// Package argparse reads command lines by the rules of the AWS CLI v2, which are those of Python's module of that name.
//
// It is not a general command line library: it has what `aws` needs, above all several parsers that each take the
// options they know from one list of arguments and leave the rest, abbreviations of options, and the texts of errors.
package argparse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/awscli/document"
)

// Count is how many values an option takes.
type Count int

// How many.
const (
	One     Count = iota // exactly one
	None                 // none: the option is a switch
	AtMost1              // one, or the option's Default
	Any                  // all that follow up to the next option
)

// An Option is an argument that begins with two dashes.
type Option struct {
	Name     string // with its dashes
	Count    Count
	Required bool
	Integer  bool     // the value must be an integer
	Choices  []string // all values that are allowed; none is any
	Default  string   // of an AtMost1 option without a value
	Last     bool     // a switch that ends the parsing, such as --version
}

// A Positional is an argument without dashes.
type Positional struct {
	Name     string
	Optional bool
	Choices  []string // see Option
}

// A Parser takes its options and its positional, if it has one, from a list of arguments.
type Parser struct {
	Options    []*Option
	Positional *Positional
}

// A Result is what a parser has found.
type Result struct {
	// Values has an entry for every option that was given: the last one counts. A switch has none, an integer option its
	// text.
	Values map[string][]string
	// Given are the options in order of appearance.
	Given      []string
	Positional *string  // nil if it was not given
	Rest       []string // what the parser does not know, in order
	// Stopped is the name of the Last option that ended the parsing. The other fields then are incomplete.
	Stopped string
}

// One returns the value of an option, and whether it was given.
func (r *Result) One(name string) (string, bool) {
	values, ok := r.Values[name]
	if len(values) == 0 {
		return "", ok
	}
	return values[0], ok
}

// Has tells whether an option was given.
func (r *Result) Has(name string) bool {
	_, ok := r.Values[name]
	return ok
}

// parsing is one run of a parser.
type parsing struct {
	parser  *Parser
	args    []string
	kinds   []byte // of args: O an option, A an argument, - the first "--"
	matches []match
	result  Result
	waiting *Positional // not taken yet
}

// match is what an argument of kind O was recognised as; without an option it is unknown.
type match struct {
	option   *Option
	explicit *string // what stood behind =
}

// Parse takes from args what the parser knows. The error is the text to print after "error: ".
func (p *Parser) Parse(args []string) (*Result, error) {
	run := parsing{parser: p, args: args, waiting: p.Positional, result: Result{Values: map[string][]string{}}}
	if err := run.classify(); err != nil {
		return nil, err
	}
	if err := run.consume(); err != nil || run.result.Stopped != "" {
		return &run.result, err
	}
	if missing := run.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("the following arguments are required: %s", strings.Join(missing, ", "))
	}
	return &run.result, nil
}

func (r *parsing) classify() error {
	r.matches = make([]match, len(r.args))
	for i, arg := range r.args {
		kind := byte('A')
		switch {
		case slices.Contains(r.kinds, '-'):
		case arg == "--":
			kind = '-'
		default:
			m, isOption, err := r.recognise(arg)
			if err != nil {
				return err
			}
			if isOption {
				kind, r.matches[i] = 'O', m
			}
		}
		r.kinds = append(r.kinds, kind)
	}
	return nil
}

var negativeNumber = regexp.MustCompile(`^-\d+$|^-\d*\.\d+$`)

// recognise tells whether an argument is an option, and which.
func (r *parsing) recognise(arg string) (m match, isOption bool, err error) {
	if len(arg) < 2 || arg[0] != '-' {
		return match{}, false, nil
	}
	if o := r.option(arg); o != nil {
		return match{option: o}, true, nil
	}
	name, value, hasValue := strings.Cut(arg, "=")
	if hasValue {
		m.explicit = &value
		if o := r.option(name); o != nil {
			m.option = o
			return m, true, nil
		}
	}
	var candidates []string
	for _, o := range r.parser.Options {
		if strings.HasPrefix(arg, "--") && strings.HasPrefix(o.Name, name) {
			candidates = append(candidates, o.Name)
			m.option = o
		}
	}
	switch {
	case len(candidates) > 1:
		return match{}, false, fmt.Errorf("ambiguous option: %s could match %s", arg, strings.Join(candidates, ", "))
	case len(candidates) == 1:
		return m, true, nil
	case negativeNumber.MatchString(arg) || strings.Contains(arg, " "):
		return match{}, false, nil
	}
	return match{}, true, nil
}

func (r *parsing) option(name string) *Option {
	for _, o := range r.parser.Options {
		if o.Name == name {
			return o
		}
	}
	return nil
}

func (r *parsing) consume() error {
	last := strings.LastIndexByte(string(r.kinds), 'O')
	for i := 0; i <= last; {
		next := i + strings.IndexByte(string(r.kinds[i:]), 'O')
		if i != next {
			n, err := r.takePositional(i)
			if err != nil {
				return err
			}
			if n > 0 {
				i += n
				continue
			}
			r.result.Rest = append(r.result.Rest, r.args[i:next]...)
			i = next
		}
		n, err := r.takeOption(i)
		if err != nil || r.result.Stopped != "" {
			return err
		}
		i += n
		if i > last {
			last = i - 1 // the option has taken what follows it
			break
		}
	}
	n, err := r.takePositional(last + 1)
	if err == nil {
		r.result.Rest = append(r.result.Rest, r.args[last+1+n:]...)
	}
	return err
}

var (
	onePositional = regexp.MustCompile(`^-*A-*`)
	anyPositional = regexp.MustCompile(`^-*A?-*`)
)

// takePositional takes the positional from place i on if it is there, and returns how many arguments that were.
func (r *parsing) takePositional(i int) (int, error) {
	if r.waiting == nil {
		return 0, nil
	}
	pattern := onePositional
	if r.waiting.Optional {
		pattern = anyPositional
	}
	found := pattern.FindIndex(r.kinds[i:])
	if found == nil {
		return 0, nil
	}
	positional := r.waiting
	r.waiting = nil
	n := found[1]
	for k, arg := range r.args[i : i+n] {
		if r.kinds[i+k] == 'A' {
			if err := checkChoice(positional.Name, positional.Choices, arg); err != nil {
				return 0, err
			}
			r.result.Positional = &arg
		}
	}
	return n, nil
}

// takeOption takes the option at place i and its values.
func (r *parsing) takeOption(i int) (int, error) {
	m := r.matches[i]
	o := m.option
	if o == nil {
		r.result.Rest = append(r.result.Rest, r.args[i])
		return 1, nil
	}
	var values []string
	switch follow := r.argumentsFrom(i + 1); {
	case m.explicit != nil && o.Count == None:
		return 0, fmt.Errorf("argument %s: ignored explicit argument %s", o.Name, document.Repr(*m.explicit))
	case m.explicit != nil:
		values = []string{*m.explicit}
	case o.Count == One && follow == 0:
		return 0, fmt.Errorf("argument %s: expected one argument", o.Name)
	case o.Count == One || o.Count == AtMost1:
		values = r.args[i+1 : i+1+min(follow, 1)]
	case o.Count == Any:
		values = r.args[i+1 : i+1+follow]
	}
	taken := len(values) + 1
	if m.explicit != nil {
		taken = 1
	}
	if o.Count == AtMost1 && len(values) == 0 {
		values = []string{o.Default}
	}
	for _, v := range values {
		if err := o.check(v); err != nil {
			return 0, err
		}
	}
	if o.Last {
		r.result.Stopped = o.Name
	}
	r.result.Values[o.Name] = values
	r.result.Given = append(r.result.Given, o.Name)
	return taken, nil
}

// argumentsFrom is how many arguments from place i on are no options.
func (r *parsing) argumentsFrom(i int) int {
	n := 0
	for i+n < len(r.kinds) && r.kinds[i+n] == 'A' {
		n++
	}
	return n
}

func (o *Option) check(value string) error {
	if o.Integer {
		if _, err := document.ParseInt(value); err != nil {
			return fmt.Errorf("argument %s: invalid int value: %s", o.Name, document.Repr(value))
		}
	}
	return checkChoice(o.Name, o.Choices, value)
}

func (r *parsing) missing() []string {
	var names []string
	for _, o := range r.parser.Options {
		if o.Required && !r.result.Has(o.Name) {
			names = append(names, o.Name)
		}
	}
	if r.waiting != nil && !r.waiting.Optional {
		names = append(names, r.waiting.Name)
	}
	return names
}
