package policy

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvaluatePrincipals(t *testing.T) {
	type caller struct{ arn, account string }
	var (
		root           = caller{"arn:aws:iam::111122223333:root", owner}
		user           = caller{robot, owner}
		neighbourRoot  = caller{"arn:aws:iam::444455556666:root", neighbour}
		neighbourRobot = caller{"arn:aws:iam::444455556666:user/ci/robot", neighbour}
		anonymous      = caller{}
	)
	all := []caller{root, user, neighbourRoot, neighbourRobot, anonymous}
	tests := []struct {
		name, principal string
		allow, deny     []caller // for whom a statement of that effect is
	}{
		{"everybody", `"*"`, all, all},
		{"everybody in AWS", `{"AWS": "*"}`, all, all},
		{"the owner's account delegates to identity policies", `{"AWS": "111122223333"}`, []caller{root}, []caller{root, user}},
		{"the owner's root is the account", `{"AWS": "arn:aws:iam::111122223333:root"}`, []caller{root}, []caller{root, user}},
		{"another account", `{"AWS": "444455556666"}`, []caller{neighbourRoot, neighbourRobot}, []caller{neighbourRoot, neighbourRobot}},
		{"a user", `{"AWS": "arn:aws:iam::111122223333:user/ci/robot"}`, []caller{user}, []caller{user}},
		{"a user in another case", `{"AWS": "arn:aws:iam::111122223333:user/CI/robot"}`, nil, nil},
		{"a role of that name", `{"AWS": "arn:aws:iam::111122223333:role/ci/robot"}`, nil, nil},
		{"several", `{"AWS": ["arn:aws:iam::111122223333:user/ci/robot", "444455556666"]}`, []caller{user, neighbourRoot, neighbourRobot}, []caller{user, neighbourRoot, neighbourRobot}},
		{"a service", `{"Service": "codebuild.amazonaws.com"}`, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for effect, want := range map[string][]caller{"Allow": test.allow, "Deny": test.deny} {
				p := mustParse(t, fmt.Sprintf(`{"Statement": {"Effect": %q, "Principal": %s, "Action": "*"}}`, effect, test.principal), RepositoryPolicy)
				var got []caller
				for _, c := range all {
					r := Request{Principal: c.arn, PrincipalAccount: c.account, Action: "ecr-public:PutImage", Resource: repository}
					if Evaluate(r, p).Effect != NoMatch {
						got = append(got, c)
					}
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(caller{})); diff != "" {
					t.Errorf("%s is for (-want +got):\n%s", effect, diff)
				}
			}
		})
	}
}

func TestEvaluateActionsAndResources(t *testing.T) {
	tests := []struct {
		name, elements string
		want           bool
	}{
		{"action", `"Action": "ecr-public:PutImage", "Resource": "*"`, true},
		{"action in another case", `"Action": "ECR-public:putimage", "Resource": "*"`, true},
		{"action with wildcards", `"Action": "ecr-public:*t?mage", "Resource": "*"`, true},
		{"one of several actions", `"Action": ["ecr-public:TagResource", "ecr-public:Put*"], "Resource": "*"`, true},
		{"another action", `"Action": "ecr-public:PutImages", "Resource": "*"`, false},
		{"action of another service", `"Action": ["ecr:*", "ecr:PutImage"], "Resource": "*"`, false},
		{"not another action", `"NotAction": "ecr-public:TagResource", "Resource": "*"`, true},
		{"not this action", `"NotAction": ["ecr-public:Put*", "a:b"], "Resource": "*"`, false},
		{"resource", `"Action": "*", "Resource": "arn:aws:ecr-public::111122223333:repository/team/app"`, true},
		{"resource in another case", `"Action": "*", "Resource": "arn:aws:ecr-public::111122223333:repository/Team/app"`, false},
		{"resource with wildcards", `"Action": "*", "Resource": "arn:aws:ecr-public::*:repository/t*/a?p"`, true},
		{"rest of the ARN", `"Action": "*", "Resource": "arn:aws:ecr-public:*"`, true},
		{"prefix of the name only", `"Action": "*", "Resource": "arn:aws:ecr-public::111122223333:repository/team"`, false},
		{"another account", `"Action": "*", "Resource": "arn:aws:ecr-public::444455556666:*"`, false},
		{"not another resource", `"Action": "*", "NotResource": "arn:aws:ecr-public::111122223333:repository/x"`, true},
		{"not this resource", `"Action": "*", "NotResource": ["arn:aws:ecr-public::111122223333:repository/team/*"]`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustParse(t, `{"Statement": {"Effect": "Allow", `+test.elements+`}}`, IdentityPolicy)
			if got := Evaluate(push(), p).Effect == Allow; got != test.want {
				t.Errorf("allowed = %v, want %v", got, test.want)
			}
		})
	}
}

func TestEvaluateActionsWithoutResource(t *testing.T) {
	r := push()
	r.Action, r.Resource = "ecr-public:GetAuthorizationToken", "*"
	for resource, want := range map[string]Effect{"*": Allow, "arn:*": NoMatch} {
		p := mustParse(t, `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "`+resource+`"}}`, IdentityPolicy)
		if got := Evaluate(r, p).Effect; got != want {
			t.Errorf("%s: %v, want %v", resource, got, want)
		}
	}
}

func TestEvaluatePrecedence(t *testing.T) {
	parse := func(statements string) *Policy {
		return mustParse(t, `{"Statement": [`+statements+`]}`, IdentityPolicy)
	}
	const (
		allow = `{"Sid": "yes", "Effect": "Allow", "Action": "*", "Resource": "*"}`
		deny  = `{"Effect": "Deny", "Action": "ecr-public:Put*", "Resource": "*"}`
		other = `{"Sid": "other", "Effect": "Deny", "Action": "ecr-public:Delete*", "Resource": "*"}`
	)
	tests := []struct {
		name     string
		policies []*Policy
		want     Decision
		text     string
	}{
		{"no policy", nil, Decision{}, "no match"},
		{"nil policy", []*Policy{nil}, Decision{}, "no match"},
		{"only a deny of something else", []*Policy{parse(other)}, Decision{}, "no match"},
		{"allow", []*Policy{parse(other + "," + allow)}, Decision{Allow, 2, "yes"}, `allow by statement 2 (Sid "yes")`},
		{"allow before deny", []*Policy{parse(allow + "," + deny)}, Decision{ExplicitDeny, 2, ""}, "explicit deny by statement 2"},
		{"deny before allow", []*Policy{parse(deny + "," + allow)}, Decision{ExplicitDeny, 1, ""}, "explicit deny by statement 1"},
		{"deny in a later policy", []*Policy{nil, parse(allow), parse(other + "," + deny)}, Decision{ExplicitDeny, 2, ""}, "explicit deny by statement 2"},
		{"the first allow is named", []*Policy{parse(allow), parse(other + `, {"Effect": "Allow", "Action": "*", "Resource": "*"}`)}, Decision{Allow, 1, "yes"}, `allow by statement 1 (Sid "yes")`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Evaluate(push(), test.policies...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Evaluate (-want +got):\n%s", diff)
			}
			if got.String() != test.text {
				t.Errorf("String = %s, want %s", got, test.text)
			}
		})
	}
}
