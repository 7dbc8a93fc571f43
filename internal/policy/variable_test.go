package policy

import (
	"fmt"
	"testing"
)

func TestVariables(t *testing.T) {
	context := map[string][]string{
		"test:key":             {"team-a*b"},
		"aws:PrincipalTag/one": {"a*b"},
		"aws:PrincipalTag/two": {"x", "y"},
		"test:arn":             {"arn:aws:iam::111122223333:user/ci/robot"},
	}
	tests := []struct {
		name, operator, key, policyValue string
		want                             bool
	}{
		{"stand for their value", "StringEquals", "test:key", "team-${aws:PrincipalTag/one}", true},
		{"in any case", "StringEquals", "test:key", "team-${AWS:principaltag/ONE}", true},
		{"of the caller", "StringEquals", "test:arn", "arn:aws:iam::${aws:PrincipalAccount}:user/ci/robot", true},
		{"several", "StringLike", "test:arn", "${aws:PrincipalArn}${aws:none, ''}*", true},
		{"are no wildcards", "StringLike", "test:key", "team-${test:star, '*'}", false},
		{"beside wildcards", "StringLike", "test:key", "?eam*${aws:PrincipalTag/one}", true},
		{"ignoring case", "StringEqualsIgnoreCase", "test:key", "TEAM-${aws:PrincipalTag/one}", true},
		{"with an unused default", "StringEquals", "test:key", "team-${aws:PrincipalTag/one, 'none'}", true},
		{"with a default", "StringEquals", "test:key", "team-${aws:PrincipalTag/x, 'a*b'}", true},
		{"with several values have none", "StringLike", "test:key", "*${aws:PrincipalTag/two, ''}*", false},
		{"without a value match nothing", "StringLike", "test:key", "*${aws:PrincipalTag/x}*", false},
		{"without a value are not equal", "StringNotEquals", "test:key", "team-${aws:PrincipalTag/x}", true},
		{"without a value are not like", "ArnNotLike", "test:arn", "arn:aws:iam::${aws:none}:*", true},
		{"without a value, ignoring case", "StringEqualsIgnoreCase", "test:key", "${aws:none}", false},
		{"over several fields", "ArnEquals", "test:arn", "${aws:PrincipalArn}", true},
		{"in one field", "ArnLike", "test:arn", "arn:aws:iam::${aws:PrincipalAccount}:user/*/robot", true},
		{"of too few fields", "ArnLike", "test:arn", "arn:${aws:PrincipalAccount}", false},
		{"that are characters", "StringLike", "test:key", "team-a${*}b", true},
		{"that are other characters", "StringLike", "test:key", "team-a${?}b", false},
		{"are not read again", "StringEquals", "test:key", "${$}{test:key}", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := fmt.Sprintf(`"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {%q: {%q: %q}}}}`,
				test.operator, test.key, test.policyValue)
			r := push()
			r.Context = context
			got := Evaluate(r, mustParse(t, `{"Version": "2012-10-17", `+source, RepositoryPolicy)).Effect == Allow
			if got != test.want {
				t.Errorf("%s %q = %v, want %v", test.operator, test.policyValue, got, test.want)
			}
		})
	}
}

func TestVariablesAreTextInTheOldVersion(t *testing.T) {
	for version, want := range map[string]Effect{`"Version": "2008-10-17", `: Allow, `"Version": "2012-10-17", `: NoMatch, ``: Allow} {
		p := mustParse(t, `{`+version+`"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
			"Condition": {"StringEquals": {"test:key": "${aws:PrincipalAccount}"}}}}`, RepositoryPolicy)
		r := push()
		r.Context = map[string][]string{"test:key": {"${aws:PrincipalAccount}"}}
		if got := Evaluate(r, p).Effect; got != want {
			t.Errorf("%s: %v, want %v", version, got, want)
		}
	}
}

func TestVariablesInResources(t *testing.T) {
	const source = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
		%q: "arn:aws:ecr-public::111122223333:repository/${aws:PrincipalTag/team}/*"}}`
	resource, notResource := mustParse(t, fmt.Sprintf(source, "Resource"), IdentityPolicy), mustParse(t, fmt.Sprintf(source, "NotResource"), IdentityPolicy)
	for team, want := range map[string]bool{"team": true, "other": false, "*": false, "": false} {
		r := push()
		if team != "" {
			r.Context = map[string][]string{"aws:PrincipalTag/team": {team}}
		}
		if got := Evaluate(r, resource).Effect == Allow; got != want {
			t.Errorf("Resource of team %q: %v, want %v", team, got, want)
		}
		if got := Evaluate(r, notResource).Effect == Allow; got == want {
			t.Errorf("NotResource of team %q: %v, want %v", team, got, !want)
		}
	}
}
