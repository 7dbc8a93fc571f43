package shorthand

import (
	"testing"

	"github.com/openecr/openecr/internal/awscli/document"
)

func TestParse(t *testing.T) {
	tests := map[string]string{
		"Key=a,Value=b":                   `{"Key": "a", "Value": "b"}`,
		"a=":                              `{"a": ""}`,
		"a=b,c,d=e":                       `{"a": ["b", "c"], "d": "e"}`,
		"a=b,c":                           `{"a": ["b", "c"]}`,
		"a=[b,c],d=[]":                    `{"a": ["b", "c"], "d": []}`,
		"a={b=c,d=[e,{f=g}]}":             `{"a": {"b": "c", "d": ["e", {"f": "g"}]}}`,
		"a='b,c',d=\"e=f\"":               `{"a": "b,c", "d": "e=f"}`,
		`a=b\,c`:                          `{"a": "b,c"}`,
		`a='it\'s'`:                       `{"a": "it's"}`,
		" a = b , c = d ":                 "",
		"a= b , c= d ":                    `{"a": "b", "c": "d"}`,
		"description=x=y,aboutText=b c":   `{"description": "x=y", "aboutText": "b c"}`,
		"arn:aws/x.y_z#1-2=v":             `{"arn:aws/x.y_z#1-2": "v"}`,
		"architectures=ARM,x86-64,os='L'": `{"architectures": ["ARM", "x86-64"], "os": "L"}`,
	}
	for in, want := range tests {
		o, err := Parse(in)
		if want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %s, want an error", in, document.Repr(o))
			}
			continue
		}
		if err != nil || document.Token.String(o) != want {
			t.Errorf("Parse(%q) = %s, %v, want %s", in, document.Repr(o), err, want)
		}
	}
}

func TestErrorsPointAtThePlace(t *testing.T) {
	tests := map[string]string{
		"":          "Expected: '=', received: 'EOF' for input:\n\n^",
		"Key":       "Expected: '=', received: 'EOF' for input:\nKey\n   ^",
		"Key=[a":    "Expected: ',', received: 'EOF' for input:\nKey=[a\n      ^",
		"a=1,\nb==": "Expected: ',', received: '=' for input:\na=1,\nb==\n  ^",
		"a='b":      "Expected: '<singled quoted>', received: '<none>' for input:\na='b\n  ^",
		"Key=a,Key=b": "Second instance of key \"Key\" encountered for input:\nKey=a,Key=b\n      ^\n" +
			"This is often because there is a preceding \",\" instead of a space.",
	}
	for in, want := range tests {
		if _, err := Parse(in); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v\nwant %s", in, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a=b", "a=b,c=d", "a=[b,{c=d}]", "a='", `a="\"`, "a=b,c,d=e", "=", "a={b=[", `a=\,`, "a=b,=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if o, err := Parse(text); err == nil && o.Len() == 0 {
			t.Errorf("Parse(%q) is empty", text)
		}
	})
}
