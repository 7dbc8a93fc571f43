package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAccepts(t *testing.T) {
	repositoryPolicies := map[string]string{
		"no version":                `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}`,
		"old version":               `{"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}`,
		"new version and id":        `{"Version": "2012-10-17", "Id": "any text", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}`,
		"version behind statement":  `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}, "Version": "2012-10-17"}`,
		"one statement, no list":    `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}}`,
		"sid with a space":          `{"Statement": {"Sid": "new statement", "Effect": "Allow", "Principal": "*", "Action": "*"}}`,
		"two empty sids":            `{"Statement": [{"Sid": "", "Effect": "Allow", "Principal": "*", "Action": "*"}, {"Sid": "", "Effect": "Allow", "Principal": "*", "Action": "*"}]}`,
		"all kinds of principal":    `{"Statement": {"Effect": "Allow", "Principal": {"AWS": ["*", "111122223333", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/a/b", "arn:aws:iam::111122223333:role/x+=,.@-_"]}, "Action": "*"}}`,
		"service principal":         `{"Statement": {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com", "AWS": "*"}, "Action": "*"}}`,
		"actions of other services": `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": ["ecr:PutImage", "s3:*", "ECR-Public:Put?mage"]}}`,
		"not action":                `{"Statement": {"Effect": "Allow", "Principal": "*", "NotAction": "ecr-public:Delete*"}}`,
		"empty condition":           `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {}}}`,
		"condition without values":  `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"StringEquals": {"a:b": []}}}}`,
		"unquoted values":           `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericEquals": {"a:b": [1, 2.5, -3e2]}}}}`,
		"a variable that is text":   `{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"StringEquals": {"a:b": "${"}}}}`,
		"unknown key":               `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"StringEquals": {"who:knows": "x"}}}}`,
	}
	for name, source := range repositoryPolicies {
		t.Run(name, func(t *testing.T) { mustParse(t, source, RepositoryPolicy) })
	}
	identityPolicies := map[string]string{
		"everything":             `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`,
		"one repository":         `{"Statement": {"Sid": "Push1", "Effect": "Allow", "Action": "ecr-public:*", "Resource": "arn:aws:ecr-public::111122223333:repository/team/app"}}`,
		"rest of the ARN":        `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:ecr-public:*", "arn:*"]}}`,
		"not resource":           `{"Statement": {"Effect": "Deny", "NotAction": "a:b", "NotResource": "arn:aws:ecr-public::*:repository/x"}}`,
		"variable in the name":   `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ecr-public::*:repository/${aws:PrincipalAccount}/*"}}`,
		"dollar in old versions": `{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:${x}::1:repository/y"}}`,
	}
	for name, source := range identityPolicies {
		t.Run(name, func(t *testing.T) { mustParse(t, source, IdentityPolicy) })
	}
}

func TestParseRefuses(t *testing.T) {
	// rule wraps elements of a statement that is else complete.
	rule := func(elements string) string {
		return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}, {"Sid": "two", ` + elements + `}]}`
	}
	condition := func(c string) string {
		return rule(`"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": ` + c)
	}
	principal := func(p string) string { return rule(`"Effect": "Allow", "Action": "*", "Principal": ` + p) }
	key := func(elements string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", ` + elements + `}}`
	}
	tests := []struct {
		name, source string
		kind         Kind
		element      string
		reason       string // a part of it
	}{
		{"nothing", ``, RepositoryPolicy, "", "not JSON"},
		{"not JSON", `{"Statement": `, RepositoryPolicy, "", "not JSON"},
		{"trailing bytes", `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}} {}`, RepositoryPolicy, "", "not JSON"},
		{"not UTF-8", "{\"Id\": \"\xff\"}", RepositoryPolicy, "", "not UTF-8"},
		{"a list", `[]`, RepositoryPolicy, "", "it is a list"},
		{"null", `null`, RepositoryPolicy, "", "it is null"},
		{"duplicate member", `{"Id": "a", "Id": "b"}`, RepositoryPolicy, "", `"Id" stands twice`},
		{"duplicate member, escaped", `{"Id": "a", "\u0049d": "b"}`, RepositoryPolicy, "", `"Id" stands twice`},
		{"deep duplicate", condition(`{"Bool": {"a:b": "true", "a:b": "true"}}`), RepositoryPolicy, "", `"a:b" stands twice`},
		{"unknown element", `{"statement": []}`, RepositoryPolicy, "statement", "no such element"},
		{"unknown version", `{"Version": "2015-01-01"}`, RepositoryPolicy, "Version", "2012-10-17"},
		{"version of wrong type", `{"Version": 2012}`, RepositoryPolicy, "Version", "2012-10-17"},
		{"id of wrong type", `{"Id": 1}`, RepositoryPolicy, "Id", "a number"},
		{"no statement", `{}`, RepositoryPolicy, "Statement", "missing"},
		{"empty list of statements", `{"Statement": []}`, RepositoryPolicy, "Statement", "missing"},
		{"statement of wrong type", `{"Statement": "Allow"}`, RepositoryPolicy, "", "a string"},
		{"unknown element of a statement", rule(`"effect": "Allow"`), RepositoryPolicy, "effect", "no such element"},
		{"sid of wrong type", `{"Statement": {"Sid": 1}}`, RepositoryPolicy, "Sid", "a number"},
		{"equal sids", `{"Statement": [{"Sid": "two", "Effect": "Allow", "Principal": "*", "Action": "*"}, {"Sid": "two", "Effect": "Allow", "Principal": "*", "Action": "*"}]}`, RepositoryPolicy, "Sid", "same Sid"},
		{"no effect", rule(`"Principal": "*", "Action": "*"`), RepositoryPolicy, "Effect", "missing"},
		{"unknown effect", rule(`"Effect": "allow", "Principal": "*", "Action": "*"`), RepositoryPolicy, "Effect", `"Allow"`},
		{"no action", rule(`"Effect": "Allow", "Principal": "*"`), RepositoryPolicy, "Action", "missing"},
		{"action and not action", rule(`"Effect": "Allow", "Principal": "*", "Action": "*", "NotAction": "*"`), RepositoryPolicy, "NotAction", "Action too"},
		{"empty action", rule(`"Effect": "Allow", "Principal": "*", "Action": ""`), RepositoryPolicy, "Action", "malformed"},
		{"no actions", rule(`"Effect": "Allow", "Principal": "*", "Action": []`), RepositoryPolicy, "Action", "empty"},
		{"action without service", rule(`"Effect": "Allow", "Principal": "*", "Action": "PutImage"`), RepositoryPolicy, "Action", "malformed"},
		{"wildcard in the service", rule(`"Effect": "Allow", "Principal": "*", "Action": "ecr*:PutImage"`), RepositoryPolicy, "Action", "malformed"},
		{"action of wrong type", rule(`"Effect": "Allow", "Principal": "*", "Action": [["a:b"]]`), RepositoryPolicy, "Action", "a list"},
		{"resource in a repository policy", rule(`"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"`), RepositoryPolicy, "Resource", "remove"},
		{"not resource in a repository policy", rule(`"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": "*"`), RepositoryPolicy, "NotResource", "remove"},
		{"no principal", rule(`"Effect": "Allow", "Action": "*"`), RepositoryPolicy, "Principal", "missing"},
		{"not principal", rule(`"Effect": "Deny", "Action": "*", "NotPrincipal": "*"`), RepositoryPolicy, "NotPrincipal", "not supported"},
		{"principal as a bare account", principal(`"111122223333"`), RepositoryPolicy, "Principal", `{"AWS"`},
		{"empty principal", principal(`{}`), RepositoryPolicy, "Principal", `{"AWS"`},
		{"no principals", principal(`{"AWS": []}`), RepositoryPolicy, "Principal/AWS", "empty"},
		{"account as a number", principal(`{"AWS": 111122223333}`), RepositoryPolicy, "Principal/AWS", "a number"},
		{"unknown kind of principal", principal(`{"aws": "*"}`), RepositoryPolicy, "Principal", "no kind"},
		{"condition of wrong type", condition(`[]`), RepositoryPolicy, "Condition", "a list"},
		{"unknown operator", condition(`{"stringEquals": {}}`), RepositoryPolicy, "Condition/stringEquals", "no such"},
		{"binary operator", condition(`{"BinaryEquals": {}}`), RepositoryPolicy, "Condition/BinaryEquals", "no such"},
		{"NullIfExists", condition(`{"NullIfExists": {}}`), RepositoryPolicy, "Condition/NullIfExists", "no such"},
		{"set operator on Null", condition(`{"ForAnyValue:Null": {}}`), RepositoryPolicy, "Condition/ForAnyValue:Null", "no such"},
		{"keys of wrong type", condition(`{"Bool": "true"}`), RepositoryPolicy, "Condition/Bool", "a string"},
		{"empty key", condition(`{"Bool": {"": "true"}}`), RepositoryPolicy, "Condition/Bool", "empty"},
		{"null as a value", condition(`{"Bool": {"a:b": null}}`), RepositoryPolicy, "Condition/Bool/a:b", "null"},
		{"object as a value", condition(`{"Bool": {"a:b": [{}]}}`), RepositoryPolicy, "Condition/Bool/a:b", "an object"},
		{"no boolean", condition(`{"Bool": {"a:b": "yes"}}`), RepositoryPolicy, "Condition/Bool/a:b", "no boolean"},
		{"no boolean for Null", condition(`{"Null": {"a:b": 1}}`), RepositoryPolicy, "Condition/Null/a:b", "no boolean"},
		{"no number", condition(`{"NumericEquals": {"a:b": "0x10"}}`), RepositoryPolicy, "Condition/NumericEquals/a:b", "no number"},
		{"number out of range", condition(`{"NumericEquals": {"a:b": 1e999}}`), RepositoryPolicy, "Condition/NumericEquals/a:b", "no number"},
		{"no date", condition(`{"DateEquals": {"a:b": "tomorrow"}}`), RepositoryPolicy, "Condition/DateEquals/a:b", "no date"},
		{"no network", condition(`{"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}`), RepositoryPolicy, "Condition/IpAddress/aws:SourceIp", "no network"},
		{"network with a zone", condition(`{"IpAddress": {"aws:SourceIp": "fe80::1%eth0"}}`), RepositoryPolicy, "Condition/IpAddress/aws:SourceIp", "no network"},
		{"no ARN", condition(`{"ArnLike": {"a:b": "arn:aws:iam::1"}}`), RepositoryPolicy, "Condition/ArnLike/a:b", "no ARN"},
		{"open variable", condition(`{"StringLike": {"a:b": "x${aws:b"}}`), RepositoryPolicy, "Condition/StringLike/a:b", "closing brace"},
		{"open variable in an ARN", condition(`{"ArnLike": {"a:b": "${"}}`), RepositoryPolicy, "Condition/ArnLike/a:b", "closing brace"},
		{"variable without a key", condition(`{"StringEquals": {"a:b": "${x}"}}`), RepositoryPolicy, "Condition/StringEquals/a:b", "no condition key"},
		{"default without quotes", condition(`{"StringEquals": {"a:b": "${a:b, c}"}}`), RepositoryPolicy, "Condition/StringEquals/a:b", "default"},

		{"id in an identity policy", `{"Id": "x"}`, IdentityPolicy, "Id", "remove"},
		{"sid with a space in an identity policy", key(`"Sid": "a b", "Action": "*", "Resource": "*"`), IdentityPolicy, "Sid", "letters and digits"},
		{"principal in an identity policy", key(`"Action": "*", "Resource": "*", "Principal": "*"`), IdentityPolicy, "Principal", "remove"},
		{"no resource", key(`"Action": "*"`), IdentityPolicy, "Resource", "missing"},
		{"no resources", key(`"Action": "*", "Resource": []`), IdentityPolicy, "Resource", "empty"},
		{"resource that is no ARN", key(`"Action": "*", "Resource": "team/app"`), IdentityPolicy, "Resource", "no ARN"},
		{"incomplete resource", key(`"Action": "*", "Resource": "arn:aws:ecr-public::111122223333"`), IdentityPolicy, "Resource", "incomplete"},
		{"variable in place of the account", key(`"Action": "*", "Resource": "arn:aws:ecr-public::${aws:PrincipalAccount}:repository/*"`), IdentityPolicy, "Resource", "fifth colon"},
		{"resource and not resource", key(`"Action": "*", "Resource": "*", "NotResource": "*"`), IdentityPolicy, "NotResource", "Resource too"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.source, test.kind)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse(%s) = %v, want an *Error", test.source, err)
			}
			if e.Element != test.element || !strings.Contains(e.Reason, test.reason) {
				t.Errorf("refused element %q because %q, want %q because %q", e.Element, e.Reason, test.element, test.reason)
			}
			if want := "Invalid repository policy provided"; e.Constraint != want {
				t.Errorf("Constraint = %q, want %q", e.Constraint, want)
			}
		})
	}
}

func TestParseNamesTheStatement(t *testing.T) {
	tests := []struct{ name, second, want string }{
		{"with a Sid", `{"Sid": "push", "Effect": "Allow", "Principal": "*", "Action": "x"}`, `policy statement 2 (Sid "push"), element Action: `},
		{"without a Sid", `{"Effect": "Allow", "Principal": "*", "Action": "x"}`, `policy statement 2, element Action: `},
		{"whose Sid comes last", `{"Effect": "x", "Sid": "push"}`, `policy statement 2 (Sid "push"), element Effect: `},
		{"that is no object", `1`, `policy statement 2: it is a number`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}, `+test.second+`]}`, RepositoryPolicy)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Parse = %v, want an error that begins with %s", err, test.want)
			}
		})
	}
	_, err := Parse(`{"Version": "x"}`, RepositoryPolicy)
	if want := `policy, element Version: write "2012-10-17" or "2008-10-17"`; err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}

// What the service says of these is another text than of other mistakes.
func TestParseRefusesUnknownPrincipals(t *testing.T) {
	for _, p := range []string{
		`{"AWS": ""}`,
		`{"AWS": "12345"}`,
		`{"AWS": "1111222233334"}`,
		`{"AWS": "robot"}`,
		`{"AWS": "arn:aws:iam::111122223333:*"}`,
		`{"AWS": "arn:aws:iam::111122223333:user/*"}`,
		`{"AWS": "arn:aws:iam::111122223333:user/"}`,
		`{"AWS": "arn:aws:iam::111122223333:group/x"}`,
		`{"AWS": "arn:aws:iam::111122223333:root/x"}`,
		`{"AWS": "arn:aws-cn:iam::111122223333:root"}`,
		`{"AWS": ["*", "arn:aws:sts::111122223333:assumed-role/r/s"]}`,
		`{"Service": "*"}`,
		`{"Service": "example.com"}`,
		`{"Federated": "accounts.google.com"}`,
		`{"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`,
	} {
		t.Run(p, func(t *testing.T) {
			_, err := Parse(`{"Statement": {"Effect": "Allow", "Principal": `+p+`, "Action": "*"}}`, RepositoryPolicy)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("Parse = %v, want an *Error", err)
			}
			e.Reason = ""
			want := &Error{Statement: 1, Element: "Principal", Constraint: "Principal not found"}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}
