package policy

import (
	"fmt"
	"testing"
)

// holds asks whether a condition, written as in a policy, is true for a request whose context has these values of the
// key "test:key". Nil values: the key is absent.
func holds(t *testing.T, operator, policyValue string, values []string) bool {
	t.Helper()
	p := mustParse(t, fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*",
		"Condition": {%q: {"test:key": %s}}}}`, operator, policyValue), RepositoryPolicy)
	r := push()
	r.Context = map[string][]string{"test:other": {"x"}}
	if values != nil {
		r.Context["test:key"] = values
	}
	return Evaluate(r, p).Effect == Allow
}

// Each operator with one value that matches and some that do not. What follows from these (absent keys, several values,
// IfExists) is the same for all, and asked of all.
func TestConditionOperators(t *testing.T) {
	tests := []struct {
		operator, negation, policyValue string
		matching, others                []string
	}{
		{"StringEquals", "StringNotEquals", `"a*?"`, []string{"a*?"}, []string{"", "abc", "A*?"}},
		{"StringEquals", "StringNotEquals", `""`, []string{""}, []string{"x"}},
		{"StringEquals", "StringNotEquals", `17`, []string{"17"}, []string{"17.0"}},
		{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", `"Größe"`, []string{"größe", "GRÖßE"}, []string{"", "grosse"}},
		{"StringLike", "StringNotLike", `"team/*-?"`, []string{"team/-x", "team/a/b-é"}, []string{"", "Team/a-x", "team/a-", "team/a-xy-"}},
		{"ArnEquals", "ArnNotEquals", `"arn:aws:iam::111122223333:user/*"`, []string{"arn:aws:iam::111122223333:user/a:b"}, []string{"", "arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333"}},
		{"ArnLike", "ArnNotLike", `"arn:aws:iam:*:11112222333?:user/x"`, []string{"arn:aws:iam::111122223333:user/x", "arn:aws:iam:eu:111122223339:user/x"}, []string{"arn:aws:iam:a:b:111122223333:user/x", "arn:aws:iam::111122223333:user/xy", "x"}},
		{"ArnLike", "ArnNotLike", `"arn:aws:x:::a:*:c"`, []string{"arn:aws:x:::a:b:c", "arn:aws:x:::a::b:c"}, []string{"arn:aws:x:::a:c", "arn:aws:x:::a:b:c:d"}},
		{"ArnLike", "ArnNotLike", `"*"`, []string{"arn:aws:iam::111122223333:user/x", "x"}, nil},
		{"IpAddress", "NotIpAddress", `"203.0.113.77/24"`, []string{"203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9"}, []string{"", "203.0.114.0", "2001:db8::1", "203.0.113.0/24"}},
		{"IpAddress", "NotIpAddress", `"203.0.113.7"`, []string{"203.0.113.7"}, []string{"203.0.113.8"}},
		{"IpAddress", "NotIpAddress", `"2001:db8::/32"`, []string{"2001:DB8:1::1", "2001:db8::1%eth0"}, []string{"2001:db9::", "32.1.13.184"}},
		{"IpAddress", "NotIpAddress", `"::ffff:10.0.0.0/104"`, []string{"10.1.2.3", "::ffff:10.1.2.3"}, []string{"11.0.0.0"}},
		{"IpAddress", "NotIpAddress", `"0.0.0.0/0"`, []string{"198.51.100.1"}, []string{"::1"}},
		{"NumericEquals", "NumericNotEquals", `"10"`, []string{"10", "10.0", "1e1", "+10"}, []string{"", "11", "ten", "0xA"}},
		{"NumericLessThan", "", `"10"`, []string{"9.99", "-5"}, []string{"10", "11", "x"}},
		{"NumericLessThanEquals", "", `10`, []string{"9", "10"}, []string{"10.01"}},
		{"NumericGreaterThan", "", `-1`, []string{"0"}, []string{"-1", "-2", "Inf", "0x1p4", "1_0", "1e999"}},
		{"NumericGreaterThanEquals", "", `"0.5"`, []string{"0.5", "1"}, []string{"0.49", "NaN"}},
		{"DateEquals", "DateNotEquals", `"2026-01-31"`, []string{"2026-01-31T00:00:00Z", "2026-01-31T01:00+01:00", "1769817600"}, []string{"", "2026-01-31T00:00:00.5Z", "never"}},
		{"DateEquals", "DateNotEquals", `"2026"`, []string{"2026-01-01T00:00:00Z", "2026-01"}, []string{"1970-01-01T00:33:46Z"}},
		{"DateLessThan", "", `"2026-01-31T12:00:00Z"`, []string{"2026-01-31T11:59:59.999Z"}, []string{"2026-01-31T12:00:00Z", "x"}},
		{"DateLessThanEquals", "", `1769860800`, []string{"2026-01-31T12:00:00Z"}, []string{"2026-01-31T12:00:01Z"}},
		{"DateGreaterThan", "", `"2026-01-31T12:00:00+02:00"`, []string{"2026-01-31T10:00:01Z"}, []string{"2026-01-31T10:00:00Z"}},
		{"DateGreaterThanEquals", "", `"2026-01-31T12:00Z"`, []string{"2026-01-31T12:00:00Z"}, []string{"2026-01-31T11:59:59Z"}},
		{"Bool", "", `"true"`, []string{"true", "True"}, []string{"", "false", "1"}},
		{"Bool", "", `false`, []string{"false"}, []string{"true", "no"}},
	}
	for _, test := range tests {
		t.Run(test.operator+" "+test.policyValue, func(t *testing.T) {
			check := func(operator string, values []string, want bool) {
				t.Helper()
				if got := holds(t, operator, test.policyValue, values); got != want {
					t.Errorf("%s of %q = %v, want %v", operator, values, got, want)
				}
			}
			for _, value := range test.matching {
				check(test.operator, []string{value}, true)
				check(test.operator+"IfExists", []string{value}, true)
				if test.negation != "" {
					check(test.negation, []string{value}, false)
					check(test.negation+"IfExists", []string{value}, false)
				}
			}
			for _, value := range test.others {
				check(test.operator, []string{value}, false)
				check(test.operator+"IfExists", []string{value}, false)
				check(test.operator, []string{value, test.matching[0]}, true)
				if test.negation != "" {
					check(test.negation, []string{value}, true)
					check(test.negation, []string{value, test.matching[0]}, false)
				}
			}
			check(test.operator, nil, false)
			check(test.operator, []string{}, false)
			check(test.operator+"IfExists", nil, true)
			if test.negation != "" {
				check(test.negation, nil, true)
				check(test.negation+"IfExists", nil, true)
			}
		})
	}
}

func TestConditionNull(t *testing.T) {
	tests := []struct {
		policyValue string
		values      []string
		want        bool
	}{
		{`"true"`, nil, true},
		{`"true"`, []string{}, true},
		{`"true"`, []string{""}, false},
		{`"false"`, nil, false},
		{`false`, []string{"x"}, true},
		{`[true, false]`, nil, true},
		{`[]`, nil, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s of %q", test.policyValue, test.values), func(t *testing.T) {
			if got := holds(t, "Null", test.policyValue, test.values); got != test.want {
				t.Errorf("holds = %v, want %v", got, test.want)
			}
		})
	}
}

func TestConditionSetsOfValues(t *testing.T) {
	const ab = `["a", "b"]`
	tests := []struct {
		name, operator string
		policyValue    string
		values         []string
		want           bool
	}{
		{"any of several", "StringEquals", ab, []string{"b"}, true},
		{"none of several", "StringEquals", ab, []string{"c"}, false},
		{"not one of several", "StringNotEquals", ab, []string{"b"}, false},
		{"not any of several", "StringNotEquals", ab, []string{"c"}, true},
		{"nothing to match", "StringEquals", `[]`, []string{"a"}, false},
		{"nothing to avoid", "StringNotEquals", `[]`, []string{"a"}, true},

		{"any: one matches", "ForAnyValue:StringEquals", ab, []string{"x", "a"}, true},
		{"any: none matches", "ForAnyValue:StringEquals", ab, []string{"x", "y"}, false},
		{"any: absent", "ForAnyValue:StringEquals", ab, nil, false},
		{"any: absent, if exists", "ForAnyValue:StringEqualsIfExists", ab, nil, true},
		{"any: one differs", "ForAnyValue:StringNotEquals", ab, []string{"a", "x"}, true},
		{"any: none differs", "ForAnyValue:StringNotEquals", ab, []string{"a", "b"}, false},
		{"any: absent, negated", "ForAnyValue:StringNotEquals", ab, nil, false},

		{"all: all match", "ForAllValues:StringLike", `["a*"]`, []string{"a", "ab"}, true},
		{"all: one does not", "ForAllValues:StringLike", `["a*"]`, []string{"a", "b"}, false},
		{"all: absent", "ForAllValues:StringLike", `["a*"]`, nil, true},
		{"all: empty", "ForAllValues:StringLike", `["a*"]`, []string{}, true},
		{"all: all differ", "ForAllValues:StringNotLike", `["a*"]`, []string{"b", "c"}, true},
		{"all: one matches", "ForAllValues:StringNotLike", `["a*"]`, []string{"b", "a"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := holds(t, test.operator, test.policyValue, test.values); got != test.want {
				t.Errorf("%s %s of %q = %v, want %v", test.operator, test.policyValue, test.values, got, test.want)
			}
		})
	}
}

func TestConditionsMustAllHold(t *testing.T) {
	p := mustParse(t, `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {
		"IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
		"Bool": {"aws:SecureTransport": "true", "a:b": "true"}}}}`, RepositoryPolicy)
	context := func(ip, secure, ab string) map[string][]string {
		return map[string][]string{"aws:SourceIp": {ip}, "aws:SecureTransport": {secure}, "a:b": {ab}}
	}
	tests := []struct {
		name    string
		context map[string][]string
		want    Effect
	}{
		{"all hold", context("10.1.1.1", "true", "true"), Allow},
		{"one operator does not", context("11.1.1.1", "true", "true"), NoMatch},
		{"one key does not", context("10.1.1.1", "true", "false"), NoMatch},
		{"nothing is known", nil, NoMatch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := push()
			r.Context = test.context
			if got := Evaluate(r, p).Effect; got != test.want {
				t.Errorf("Evaluate = %v, want %v", got, test.want)
			}
		})
	}
}

func TestConditionKeys(t *testing.T) {
	tests := []struct {
		name, key string
		context   map[string][]string
		want      Effect
	}{
		{"in any case", "AWS:sourceip", map[string][]string{"aws:SourceIp": {"v"}}, Allow},
		{"of tags in any case", "aws:ResourceTag/TEAM", map[string][]string{"aws:ResourceTag/Team": {"v"}}, Allow},
		{"of two tags the one spelled alike", "aws:ResourceTag/team", map[string][]string{"aws:ResourceTag/Team": {"x"}, "aws:ResourceTag/team": {"v"}}, Allow},
		{"of two tags never the other one", "aws:ResourceTag/team", map[string][]string{"aws:ResourceTag/Team": {"v"}, "aws:ResourceTag/team": {"x"}}, NoMatch},
		{"of two tags, neither spelled alike, always the same one", "aws:ResourceTag/tEAM", map[string][]string{"aws:ResourceTag/team": {"x"}, "aws:ResourceTag/Team": {"v"}}, Allow},
		{"that are unknown", "who:knows", map[string][]string{"aws:SourceIp": {"v"}}, NoMatch},
		{"that are never empty", "who:knows", map[string][]string{"": {"v"}}, NoMatch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustParse(t, fmt.Sprintf(`{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"StringEquals": {%q: "v"}}}}`, test.key), RepositoryPolicy)
			r := push()
			r.Context = test.context
			if got := Evaluate(r, p).Effect; got != test.want {
				t.Errorf("Evaluate = %v, want %v", got, test.want)
			}
		})
	}
}

// These come from the caller, so a context that says otherwise must not count.
func TestConditionKeysOfTheCaller(t *testing.T) {
	p := mustParse(t, `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {
		"ArnLike": {"aws:principalarn": "arn:aws:iam::*:user/ci/*"}, "StringEquals": {"aws:PrincipalAccount": "111122223333"}}}}`, RepositoryPolicy)
	if got := Evaluate(push(), p).Effect; got != Allow {
		t.Errorf("the robot: %v, want allow", got)
	}
	r := push()
	r.Principal, r.PrincipalAccount = "", ""
	r.Context = map[string][]string{"aws:PrincipalArn": {robot}, "aws:PrincipalAccount": {owner}}
	if got := Evaluate(r, p).Effect; got != NoMatch {
		t.Errorf("an anonymous caller: %v, want no match", got)
	}
}
