package output

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openecr/openecr/internal/awscli/document"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := document.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const answer = `{"layers": [{"layerDigest": "sha256:aa", "layerSize": 12, "tags": ["x", "1.0"]}, {"layerDigest": "sha256:bb"}], "failures": [], "nextToken": "t"}`

func TestFormats(t *testing.T) {
	tests := []struct{ name, format, value, want string }{
		{"json of nothing", "json", `{}`, ""},
		{"json scalar", "json", `"é"`, "\"é\"\n"},
		{"text", "text", answer, "t\nLAYERS\tsha256:aa\t12\nTAGS\tx\nTAGS\t1.0\nLAYERS\tsha256:bb\t\n"},
		{"text of a list", "text", `[1, true, null, "x"]`, "1\tTrue\tNone\tx\n"},
		{"text of lists", "text", `["a", [1, 2], [3]]`, "a\n1\t2\n3\n"},
		{"yaml", "yaml", answer, "failures: []\nlayers:\n- layerDigest: sha256:aa\n  layerSize: 12\n  tags:\n  - x\n  - '1.0'\n- layerDigest: sha256:bb\nnextToken: t\n"},
		{"yaml scalar is json", "yaml", `"a: b"`, "\"a: b\"\n"},
		{"yaml-stream", "yaml-stream", `{"a": [[1], {}]}`, "- a:\n  - - 1\n  - {}\n"},
		{"table", "table", `{"layers": [{"layerDigest": "sha256:aa", "layerSize": 12}, {"layerDigest": "b"}]}`, strings.TrimPrefix(`
--------------------------------
|          CheckLayers         |
+------------------------------+
||           layers           ||
|+--------------+-------------+|
||  layerDigest |  layerSize  ||
|+--------------+-------------+|
||  sha256:aa   |  12         ||
||  b           |             ||
|+--------------+-------------+|
`, "\n")},
		{"table of nothing", "table", `[]`, ""},
		{"off", "off", answer, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, test.format, Table{Title: "CheckLayers", Width: 80}, parse(t, test.value)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWideTableStandsOnItsSide(t *testing.T) {
	var b bytes.Buffer
	v := parse(t, `{"name": "`+strings.Repeat("x", 30)+`", "other": "y"}`)
	if err := Write(&b, "table", Table{Title: "T", Width: 20}, v); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "|  name |  xxx") {
		t.Errorf("the table has no row for name:\n%s", b.String())
	}
}

func TestWhatAppearsTwiceHasAName(t *testing.T) {
	item := document.NewObject()
	item.Set("k", "v")
	var b bytes.Buffer
	if err := Write(&b, "yaml", Table{}, document.NewList(item, document.NewList(item), item)); err != nil {
		t.Fatal(err)
	}
	const want = "- &id001\n  k: v\n- - *id001\n- *id001\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFailuresWriteNothing(t *testing.T) {
	tests := []struct{ format, value, want string }{
		{"xml", `{}`, "Unknown output type: xml"},
		{"table", `{"a": [[1, 2], [3]]}`, "Row should have 2 elements, instead it has 1"},
		{"text", `[{"a": 1}, 2]`, "a list of objects and of other values has no form as text; use another --output or --query"},
	}
	for _, test := range tests {
		var b bytes.Buffer
		err := Write(&b, test.format, Table{Title: "T", Width: 80}, parse(t, test.value))
		if err == nil || err.Error() != test.want || b.Len() > 0 {
			t.Errorf("Write(%s, %s): %v, wrote %q; want %s", test.format, test.value, err, b.String(), test.want)
		}
	}
	if err := Write(brokenWriter{}, "json", Table{}, int64(1)); !errors.Is(err, errBroken) {
		t.Errorf("Write to a broken writer: %v", err)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// Every text reads back from YAML as it was.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"", "a: b", "- x", "true", "1e3", "0o17", "a #b", "line\nline", " x", "x ", "\t", "é😀", "'", `"`, "\u2028",
		strings.Repeat("word ", 40), strings.Repeat("'q' ", 40), "a\r\nb", "2020-01-01", "<<", "=", "?", "---"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		o := document.NewObject()
		o.Set("key", document.NewList(text))
		var b bytes.Buffer
		if err := Write(&b, "yaml", Table{}, o); err != nil {
			t.Fatal(err)
		}
		var got any
		if err := yaml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%q is written as %q: %v", text, b.String(), err)
		}
		want := map[string]any{"key": []any{text}}
		if !reflect.DeepEqual(got, want) && !knownDifference(text) {
			t.Fatalf("%q is written as %q, which reads as %q", text, b.String(), got)
		}
	})
}

// knownDifference tells where the reader follows YAML 1.1: scalars such as 0b1 or 1:30, and breaks other than \n.
func knownDifference(text string) bool {
	return strings.ContainsAny(text, "\r\u0085\u2028\u2029\ufeff:_") || !strings.ContainsAny(text, " \n\t'\"")
}
