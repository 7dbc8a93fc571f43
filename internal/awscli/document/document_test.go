package document

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONKeepsOrderAndSize(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"order of keys", `{"b": 1, "a": 2}`, `{"b": 1, "a": 2}`},
		{"a key twice keeps its place and has the last value", `{"b": 1, "a": 2, "b": 3}`, `{"b": 3, "a": 2}`},
		{"large integers", `[12345678901234567890, -9223372036854775809]`, `[12345678901234567890, -9223372036854775809]`},
		{"floats", `[1.0, 1e20, 5E-7, -0.0, 0.0001, 1e16]`, `[1.0, 1e+20, 5e-07, -0.0, 0.0001, 1e+16]`},
		{"no numbers", `[NaN, Infinity, -Infinity]`, `[NaN, Infinity, -Infinity]`},
		{"escapes", `"\u00e9\ud83d\ude00\/\b\u007f"`, `"\u00e9\ud83d\ude00/\b\u007f"`},
		{"empty", ` { "a" : [ ] , "b" : { } } `, `{"a": [], "b": {}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := ParseJSON(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := Token.String(v); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestResultIsIndentedAndNotEscaped(t *testing.T) {
	o := NewObject()
	o.Set("a", NewList("é<", []byte("x"), Datetime("1970-01-01 00:00:00")))
	o.Set("b", NewObject())
	const want = "{\n    \"a\": [\n        \"é<\",\n        \"x\",\n        \"1970-01-01T00:00:00\"\n    ],\n    \"b\": {}\n}"
	if diff := cmp.Diff(want, Result.String(o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSyntaxErrorsSayWhere(t *testing.T) {
	tests := map[string]string{
		"":             "Expecting value: line 1 column 1 (char 0)",
		"[1,\n x]":     "Expecting value: line 2 column 2 (char 5)",
		`["a"`:         "Expecting ',' delimiter: line 1 column 5 (char 4)",
		`{"a" 1}`:      "Expecting ':' delimiter: line 1 column 6 (char 5)",
		`{a: 1}`:       "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{"a": 1,}`:    "Expecting property name enclosed in double quotes: line 1 column 9 (char 8)",
		`"é`:           "Unterminated string starting at: line 1 column 1 (char 0)",
		"\"a\nb\"":     "Invalid control character at: line 1 column 3 (char 2)",
		`"\x"`:         `Invalid \escape: line 1 column 2 (char 1)`,
		`"\u00g0"`:     `Invalid \uXXXX escape: line 1 column 3 (char 2)`,
		`1 2`:          "Extra data: line 1 column 3 (char 2)",
		`-`:            "Expecting value: line 1 column 1 (char 0)",
		"\ufeff1":      "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
		`{"a": nul}`:   "Expecting value: line 1 column 7 (char 6)",
		`[1] trailing`: "Extra data: line 1 column 5 (char 4)",
	}
	for in, want := range tests {
		if _, err := ParseJSON(in); err == nil || err.Error() != want {
			t.Errorf("ParseJSON(%q): %v, want %s", in, err, want)
		}
	}
}

func TestRepr(t *testing.T) {
	o := NewObject()
	o.Set("it's", "a\n")
	tests := []struct {
		v          any
		repr, kind string
	}{
		{nil, "None", "<class 'NoneType'>"},
		{true, "True", "<class 'bool'>"},
		{int64(-1), "-1", "<class 'int'>"},
		{new(big.Int).Lsh(big.NewInt(1), 70), "1180591620717411303424", "<class 'int'>"},
		{math.Inf(1), "inf", "<class 'float'>"},
		{"it's", `"it's"`, "<class 'str'>"},
		{`it's "x"`, `'it\'s "x"'`, "<class 'str'>"},
		{"é\x01\u200b😀\U000e0001", `'é\x01\u200b😀\U000e0001'`, "<class 'str'>"},
		{[]byte("vm\n\xff"), `b'vm\n\xff'`, "<class 'bytes'>"},
		{NewList(int64(1), "a", nil), "[1, 'a', None]", "<class 'list'>"},
		{o, `{"it's": 'a\n'}`, "<class 'dict'>"},
		{Datetime("2020-01-31"), "2020-01-31", "<class 'datetime.date'>"},
	}
	for _, test := range tests {
		if got := Repr(test.v); got != test.repr {
			t.Errorf("Repr = %s, want %s", got, test.repr)
		}
		if got := TypeName(test.v); got != test.kind {
			t.Errorf("TypeName(%s) = %s, want %s", test.repr, got, test.kind)
		}
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]string{" 1_0 ": "10", "+5": "5", "-07": "-7", "99999999999999999999": "99999999999999999999"} {
		if n, err := ParseInt(in); err != nil || Text(n) != want {
			t.Errorf("ParseInt(%q) = %v, %v, want %s", in, n, err, want)
		}
	}
	for _, in := range []string{"", "x", "1.5", "0x1", "1__0", "_1", "1_", "- 1"} {
		if n, err := ParseInt(in); err == nil {
			t.Errorf("ParseInt(%q) = %v, want an error", in, n)
		}
	}
}

// What encoding/json takes is read, and what is printed reads back as the same.
func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x",null,true]}`, `"\ud800"`, `[NaN]`, `{"a":1,"a":2}`, `-`, `[[[`, "\"\\u00e9\"", `1e999`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseJSON(text)
		if err != nil {
			if json.Valid([]byte(text)) && !errors.Is(err, errDepth) {
				t.Fatalf("ParseJSON(%q): %v, but it is JSON", text, err)
			}
			return
		}
		printed := Token.String(v)
		again, err := ParseJSON(printed)
		if err != nil || Token.String(again) != printed {
			t.Fatalf("%q is printed as %s, which reads as %s, %v", text, printed, Repr(again), err)
		}
	})
}
