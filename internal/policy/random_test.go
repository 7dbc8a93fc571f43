package policy

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// dice makes random policies and requests out of few words, so that they meet.
type dice struct{ *rand.Rand }

func (d dice) one(words []string) string { return words[d.IntN(len(words))] }

// some is one word, or a list of up to three.
func (d dice) some(words []string) any {
	if d.IntN(2) == 0 {
		return d.one(words)
	}
	list := make([]string, 1+d.IntN(3))
	for i := range list {
		list[i] = d.one(words)
	}
	return list
}

var (
	accounts   = []string{owner, neighbour}
	callers    = []string{"root", "user/ci/robot", "role/deploy"}
	actions    = []string{"ecr-public:PutImage", "ecr-public:PutRegistryCatalogData", "ecr-public:DescribeImages"}
	wanted     = []string{"*", "ecr-public:*", "ecr-public:Put*", "ECR-public:putimage", "ecr-public:*Image?", "ecr:PutImage"}
	resources  = []string{repository, "arn:aws:ecr-public::111122223333:repository/team/a*b", "arn:aws:ecr-public::444455556666:registry/444455556666"}
	selected   = []string{"*", "arn:aws:ecr-public:*", "arn:aws:ecr-public::111122223333:repository/team/*", repository, "arn:aws:ecr-public::*:re*y/team/a?b", "arn:aws:ecr-public::111122223333:repository/${t:name}/app", "arn:aws:ecr-public::*:r*/*a${*}b"}
	principals = []string{"*", owner, neighbour, "arn:aws:iam::111122223333:root", robot, "arn:aws:iam::444455556666:role/deploy"}
)

// families are operators with the keys, values of policies and values of requests that go with them.
var families = []struct {
	operators, keys, wanted, got []string
}{
	{[]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"},
		[]string{"t:name", "T:NAME", "t:names"},
		[]string{"team", "TEAM", "te?m", "te*", "", "${t:names}", "${aws:PrincipalAccount}", "x${*}", "*${T:Name}*"},
		[]string{"team", "Team", "tea", "", "x*", owner}},
	{[]string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
		[]string{"aws:PrincipalArn", "t:arn"},
		[]string{robot, "arn:aws:iam::*:user/*", "arn:aws:iam::*:root", "arn:*:iam::${aws:PrincipalAccount}:r*", "arn:aws:iam:*:111122223333:role/?eploy"},
		[]string{robot, "arn:aws:iam::444455556666:role/deploy", "arn:aws:iam:a:b:111122223333:role/deploy", "x"}},
	{[]string{"IpAddress", "NotIpAddress"},
		[]string{"aws:SourceIp"},
		[]string{"10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "0.0.0.0/0"},
		[]string{"10.1.2.3", "10.9.9.9", "192.0.2.1", "2001:db8::7"}},
	{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		[]string{"t:number"}, []string{"3", "10", "200"}, []string{"3", "9", "10", "11", "200"}},
	{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		[]string{"aws:CurrentTime"}, []string{"2026-01-31T00:00:00Z", "2026-02-01T12:00:00Z"},
		[]string{"2026-01-30T23:59:59Z", "2026-01-31T00:00:00Z", "2026-02-01T12:00:00Z", "2027-01-01T00:00:00Z"}},
	{[]string{"Bool"}, []string{"aws:SecureTransport"}, []string{"true", "false"}, []string{"true", "false"}},
}

func (d dice) policy(kind Kind) string {
	statements := make([]map[string]any, 1+d.IntN(3))
	for i := range statements {
		s := map[string]any{"Effect": "Allow", d.one([]string{"Action", "Action", "Action", "NotAction"}): d.some(wanted)}
		if d.IntN(4) == 0 {
			s["Effect"] = "Deny"
		}
		if kind == IdentityPolicy {
			s[d.one([]string{"Resource", "Resource", "Resource", "NotResource"})] = d.some(selected)
		} else {
			s["Principal"] = map[string]any{"AWS": d.some(principals)}
		}
		if d.IntN(2) == 0 {
			s["Condition"] = d.conditions()
		}
		statements[i] = s
	}
	source, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err) // maps of strings
	}
	return string(source)
}

func (d dice) conditions() map[string]any {
	all := map[string]any{}
	for range 1 + d.IntN(2) {
		f := families[d.IntN(len(families))]
		operator := d.one([]string{"", "", "", "ForAnyValue:", "ForAllValues:"}) + d.one(f.operators) + d.one([]string{"", "", "IfExists"})
		keys := map[string]any{d.one(f.keys): d.some(f.wanted)}
		if d.IntN(8) == 0 {
			operator, keys = "Null", map[string]any{d.one(f.keys): d.some([]string{"true", "false"})}
		}
		all[operator] = keys
	}
	return all
}

func (d dice) request() Request {
	account := d.one(accounts)
	r := Request{
		Principal:        "arn:aws:iam::" + account + ":" + d.one(callers),
		PrincipalAccount: account,
		Action:           d.one(actions),
		Resource:         d.one(resources),
		Context:          map[string][]string{},
	}
	for _, f := range families {
		for _, key := range f.keys {
			if key == "T:NAME" || d.IntN(3) == 0 {
				continue
			}
			values := []string{}
			for range []int{0, 1, 1, 1, 2}[d.IntN(5)] {
				values = append(values, d.one(f.got))
			}
			r.Context[key] = values
		}
	}
	return r
}

func TestEvaluateAgreesWithTheOracle(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 2))}
	const rounds = 1500
	seen := map[Effect]int{}
	for range rounds {
		kind := Kind(d.IntN(2))
		sources := []string{d.policy(kind)}
		if kind == IdentityPolicy && d.IntN(2) == 0 {
			sources = append(sources, d.policy(kind))
		}
		var policies []*Policy
		for _, source := range sources {
			policies = append(policies, mustParse(t, source, kind))
		}
		for range 5 {
			r := d.request()
			want, got := oracle(t, r, kind, sources), Evaluate(r, policies...).Effect
			if got != want {
				t.Fatalf("Evaluate = %v, the oracle says %v, of\n%+v\nunder %s", got, want, r, sources)
			}
			seen[want]++
		}
	}
	for _, effect := range []Effect{NoMatch, Allow, ExplicitDeny} {
		if seen[effect] < rounds/4 {
			t.Errorf("only %d of %d answers were %v: the test has gone blind", seen[effect], 5*rounds, effect)
		}
	}
}
