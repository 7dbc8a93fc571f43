package jmespath

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	library "github.com/jmespath/go-jmespath"

	"github.com/openecr/openecr/internal/awscli/document"
)

const sample = `{"a":{"b":[1,2,{"c":"x"}],"c":null,"d":1.5},"list":[{"n":"b","v":2,"t":["x","y"]},{"n":"a","v":1,"t":[]},{"n":"c","v":3.5}],
"s":"héllo","e":[],"o":{},"t":true,"z":0,"nest":[[1,2],[3,[4]],"q"],"nums":[3,1,2],"strs":["b","a","c"]}`

// expressions are right in the language; the library is asked for the result.
var expressions = []string{
	"a", "a.b", "a.b[0]", "a.b[-1].c", "a.b[5]", `"a"."b"`, "@", "a.nope.deeper", "list[*].n", "list[].t", "list[].t[]", "nest[]", "nest[][]",
	"list[?v>`1`].n", "list[?n=='a'].v | [0]", "list[?t]", "list[?!t].n", "nums[1:]", "nums[::-1]", "nums[:-1]", "nums[5:0:-2]", "list[-2:].n",
	"[a.b, s]", "list[*].{x: n, y: v}", "list[*].[n,v]", "s || e", "e || s", "s && nums", "!e", "!s", "z && s", "`1`", "`\"x\"`", "'raw\\'s'",
	"a.d >= `1.5`", "a.d < `1`", "s == 'héllo'", "e == `[]`", "a == a", "nums != strs", "abs(`-3`)", "avg(nums)",
	"ceil(`1.2`)", "floor(`-1.2`)", "contains(nums, `3`)", "contains(s, 'llo')", "starts_with(s, 'h')", "ends_with(s, 'x')", "join(',', strs)",
	"length(s)", "length(nums)", "length(o)", "map(&n, list)", "max(nums)", "min(strs)", "max_by(list, &v).n", "min_by(list, &n).n",
	"not_null(nope, e, s)", "reverse(nums)", "reverse('abc')", "sort(strs)", "sort(nums)", "sort_by(list, &v)[].n", "sort_by(list, &n)[0].v",
	"sum(nums)", "to_array(s)", "to_array(nums)", "to_number('1.5')", "to_number('x')", "to_string(nums)", "to_string(s)", "type(a)", "type(nope)",
	"merge(a, o).d", "(a | b) || s", "list[*].t[0]", "list[].n | sort(@) | [0]",
}

func TestResultsAreThoseOfTheLibrary(t *testing.T) {
	value, err := document.ParseJSON(sample)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal([]byte(sample), &plain); err != nil {
		t.Fatal(err)
	}
	for _, text := range expressions {
		e, err := Compile(text)
		if err != nil {
			t.Errorf("Compile(%s): %v", text, err)
			continue
		}
		result, err := e.Search(value)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want, err := library.Search(text, plain)
		if err != nil {
			t.Fatalf("the library refuses %s: %v", text, err)
		}
		var got any
		if err := json.Unmarshal(document.Token.Append(nil, result), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(normal(t, want), got) {
			t.Errorf("%s = %v, the library says %v", text, got, want)
		}
	}
}

// normal is a value of the library as JSON reads it.
func normal(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var again any
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

func TestOrderIsThatOfTheAnswerAndTheExpression(t *testing.T) {
	value, err := document.ParseJSON(`{"z": 1, "a": {"y": 2, "b": 3}}`)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"@":                              `{"z": 1, "a": {"y": 2, "b": 3}}`,
		"{q: z, p: a}":                   `{"q": 1, "p": {"y": 2, "b": 3}}`,
		"a.*":                            `[2, 3]`,
		"keys(a)":                        `["y", "b"]`,
		"merge(a, `{\"c\":1, \"y\":0}`)": `{"y": 0, "b": 3, "c": 1}`,
	} {
		e, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Search(value)
		if got := document.Token.String(v); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]string{
		"":                "Invalid JMESPath expression: cannot be empty.",
		"a[":              "Invalid jmespath expression: Incomplete expression:\n\"a[\"\n   ^",
		"a]":              "Unexpected token: ]: Parse error at column 1, token \"]\" (RBRACKET), for expression:\n\"a]\"\n  ^",
		"a..b":            "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace'], got: dot: Parse error at column 2, token \".\" (DOT), for expression:\n\"a..b\"\n   ^",
		"#":               "Bad jmespath expression: Unknown token #:\n#\n^",
		"\"a":             "Bad jmespath expression: Unclosed \" delimiter:\n\"a\n^",
		"a = b":           "Bad jmespath expression: Unknown token '=':\na = b\n  ^",
		"foo(@)":          "Unknown function: foo()",
		"length(`5`)":     "In function length(), invalid type for value: 5, expected one of: ['string', 'array', 'object'], received: \"number\"",
		"length()":        "Expected 1 argument for function length(), received 0",
		"not_null()":      "Expected at least 1 argument for function not_null(), received 0",
		"join('', `[1]`)": "In function join(), invalid type for value: 1, expected one of: ['array-string'], received: \"int\"",
		"`[1]`[::0]":      "slice step cannot be zero",
		"`1` < 'a'":       "'<' not supported between instances of 'int' and 'str'",
	}
	for text, want := range tests {
		e, err := Compile(text)
		if err == nil {
			_, err = e.Search(nil)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range expressions {
		f.Add(text)
	}
	value, err := document.ParseJSON(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "(")+strings.Count(text, "[") > 50 {
			return // nothing but depth
		}
		if e, err := Compile(text); err == nil {
			_, _ = e.Search(value) // must not panic
		}
	})
}
