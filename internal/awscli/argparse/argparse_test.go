package argparse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parser() *Parser {
	return &Parser{
		Options: []*Option{
			{Name: "--name", Required: true},
			{Name: "--names", Count: Any},
			{Name: "--number", Integer: true},
			{Name: "--force", Count: None},
			{Name: "--kind", Count: AtMost1, Default: "input", Choices: []string{"input", "output"}},
			{Name: "--version", Count: None, Last: true},
		},
		Positional: &Positional{Name: "operation", Choices: []string{"describe-images", "describe-image-tags", "put-image"}},
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args string
		want Result
		op   string
	}{
		{"put-image --name x", Result{Values: map[string][]string{"--name": {"x"}}, Given: []string{"--name"}}, "put-image"},
		{"--name=x --names a b put-image --force", Result{Values: map[string][]string{"--name": {"x"}, "--names": {"a", "b", "put-image"}, "--force": nil},
			Given: []string{"--name", "--names", "--force"}}, ""},
		{"put-image --nu 5 --name x --name y --fo", Result{Values: map[string][]string{"--number": {"5"}, "--name": {"y"}, "--force": nil},
			Given: []string{"--number", "--name", "--name", "--force"}}, "put-image"},
		{"put-image --kind --name x", Result{Values: map[string][]string{"--kind": {"input"}, "--name": {"x"}}, Given: []string{"--kind", "--name"}}, "put-image"},
		{"put-image rest --other v --name x -y --", Result{Values: map[string][]string{"--name": {"x"}}, Given: []string{"--name"},
			Rest: []string{"rest", "--other", "v", "-y", "--"}}, "put-image"},
		{"--name -1 put-image", Result{Values: map[string][]string{"--name": {"-1"}}, Given: []string{"--name"}}, "put-image"},
		{"--name x -- put-image --force", Result{Values: map[string][]string{"--name": {"x"}}, Given: []string{"--name"}, Rest: []string{"--force"}}, "put-image"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			p := parser()
			if test.op == "" {
				p.Positional = nil
			} else {
				test.want.Positional = &test.op
			}
			got, err := p.Parse(strings.Fields(test.args))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]string{
		"put-image":                       "the following arguments are required: --name",
		"--name x":                        "the following arguments are required: operation",
		"put-image --name":                "argument --name: expected one argument",
		"put-image --name --force":        "argument --name: expected one argument",
		"put-image --n x":                 "ambiguous option: --n could match --name, --names, --number",
		"put-image --name x --force=1":    "argument --force: ignored explicit argument '1'",
		"put-image --name x --number 1.5": "argument --number: invalid int value: '1.5'",
		"put-image --name x --kind third": "argument --kind: Invalid choice, valid choices are:\n\ninput                                    | output                                  ",
		"describe-image --name x":         "maybe you meant:\n\n  * describe-images\n  * describe-image-tags",
	}
	for args, want := range tests {
		if _, err := parser().Parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestALastOptionEndsTheParsing(t *testing.T) {
	r, err := parser().Parse([]string{"--version", "--number", "x"})
	if err != nil || r.Stopped != "--version" {
		t.Errorf("Parse = %+v, %v, want it to stop at --version", r, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("put-image --name x --names a -- b --kind")
	f.Add("--n=1 - -- --")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		r, err := parser().Parse(args)
		if err == nil && r.Stopped == "" && len(r.Rest) > len(args) {
			t.Errorf("%q leaves more than there is: %q", args, r.Rest)
		}
	})
}
