package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicyStringIsTheServicesLayout(t *testing.T) {
	const source = `{"Version":"2008-10-17","Statement":[{"Sid":"AllowPush","Effect":"Allow",
		"Principal":{"AWS":["arn:aws:iam::123456789012:user/a","arn:aws:iam::123456789012:user/b"]},
		"Action":["ecr-public:PutImage","ecr-public:InitiateLayerUpload"]}]}`
	const want = `{
  "Version" : "2008-10-17",
  "Statement" : [ {
    "Sid" : "AllowPush",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : [ "arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:user/b" ]
    },
    "Action" : [ "ecr-public:PutImage", "ecr-public:InitiateLayerUpload" ]
  } ]
}`
	if diff := cmp.Diff(want, mustParse(t, source, RepositoryPolicy).String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

func TestPolicyStringKeepsOrderAndSpelling(t *testing.T) {
	const source = `{"Statement":{"Condition":{"NumericEquals":{"b:x":[1.50,-2E+3],"a:y":[]},"Bool":{"c:z":true}},
		"Action":"*","Principal":"*","Effect":"Deny"},"Id":"<é\u00e9&\u2028>","Version":"2012-10-17"}`
	const want = `{
  "Statement" : {
    "Condition" : {
      "NumericEquals" : {
        "b:x" : [ 1.50, -2E+3 ],
        "a:y" : [ ]
      },
      "Bool" : {
        "c:z" : true
      }
    },
    "Action" : "*",
    "Principal" : "*",
    "Effect" : "Deny"
  },
  "Id" : "<éé&` + "\u2028" + `>",
  "Version" : "2012-10-17"
}`
	if diff := cmp.Diff(want, mustParse(t, source, RepositoryPolicy).String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

func TestPrintNode(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"empty object", `{}`, `{ }`},
		{"empty list", `[]`, `[ ]`},
		{"empty string", `""`, `""`},
		{"literals as written", `[null,true,false,1E5,0.10]`, `[ null, true, false, 1E5, 0.10 ]`},
		{"lists in lists", `[[1],[]]`, `[ [ 1 ], [ ] ]`},
		{"objects in a list", `[{"a":1},{},{"b":2}]`, "[ {\n  \"a\" : 1\n}, { }, {\n  \"b\" : 2\n} ]"},
		{"list of objects deeper down", `{"a":[{"b":{"c":[]}}]}`, "{\n  \"a\" : [ {\n    \"b\" : {\n      \"c\" : [ ]\n    }\n  } ]\n}"},
		{"two members", `{"a":"x","b":"y"}`, "{\n  \"a\" : \"x\",\n  \"b\" : \"y\"\n}"},
		{"escapes", `"\"\\\/\b\t\n\f\r\u0000\u001f\u007f"`, `"\"\\/\b\t\n\f\r\u0000\u001F` + "\x7f" + `"`},
		{"escapes in names", `{"\"\n":1}`, "{\n  \"\\\"\\n\" : 1\n}"},
		{"characters beyond the first plane", `"\ud83d\ude00"`, `"😀"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, err := readJSON(test.source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, printNode(n)); diff != "" {
				t.Errorf("printNode (-want +got):\n%s", diff)
			}
		})
	}
}
