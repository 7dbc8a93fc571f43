package policy

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCombine(t *testing.T) {
	const (
		allowed            = ""
		noIdentity         = "because no identity-based policy allows the ecr-public:PutImage action"
		noRepository       = "because no resource-based policy allows the ecr-public:PutImage action"
		identityDenies     = "with an explicit deny in an identity-based policy"
		repositoryDenies   = "with an explicit deny in a resource-based policy"
		sameAccount, other = owner, neighbour
	)
	tests := []struct {
		account              string
		identity, repository Effect
		want                 string
	}{
		{sameAccount, NoMatch, NoMatch, noIdentity},
		{sameAccount, NoMatch, Allow, allowed},
		{sameAccount, NoMatch, ExplicitDeny, repositoryDenies},
		{sameAccount, Allow, NoMatch, allowed},
		{sameAccount, Allow, Allow, allowed},
		{sameAccount, Allow, ExplicitDeny, repositoryDenies},
		{sameAccount, ExplicitDeny, NoMatch, identityDenies},
		{sameAccount, ExplicitDeny, Allow, identityDenies},
		{sameAccount, ExplicitDeny, ExplicitDeny, identityDenies},
		{other, NoMatch, NoMatch, noIdentity},
		{other, NoMatch, Allow, noIdentity},
		{other, NoMatch, ExplicitDeny, repositoryDenies},
		{other, Allow, NoMatch, noRepository},
		{other, Allow, Allow, allowed},
		{other, Allow, ExplicitDeny, repositoryDenies},
		{other, ExplicitDeny, NoMatch, identityDenies},
		{other, ExplicitDeny, Allow, identityDenies},
		{other, ExplicitDeny, ExplicitDeny, identityDenies},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("caller of %s, identity %v, repository %v", test.account, test.identity, test.repository), func(t *testing.T) {
			r := push()
			r.Principal, r.PrincipalAccount = "arn:aws:iam::"+test.account+":user/x", test.account
			var got string
			if err := Combine(r, Decision{Effect: test.identity}, Decision{Effect: test.repository}); err != nil {
				got = err.Error()
			}
			want := test.want
			if want != allowed {
				want = "User: " + r.Principal + " is not authorized to perform: ecr-public:PutImage on resource: " + repository + " " + want
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Combine (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCombineCallerWithoutAccount(t *testing.T) {
	r := Request{Action: "ecr-public:PutImage", Resource: "arn:aws:ecr-public:::repository/x"}
	err := Combine(r, Decision{}, Decision{Effect: Allow})
	want := "User: anonymous is not authorized to perform: ecr-public:PutImage on resource: arn:aws:ecr-public:::repository/x because no identity-based policy allows the ecr-public:PutImage action"
	if err == nil || err.Error() != want {
		t.Errorf("Combine = %v, want %s", err, want)
	}
}

func TestCombineActionWithoutResource(t *testing.T) {
	r := push()
	r.Action, r.Resource = "ecr-public:GetAuthorizationToken", "*"
	if err := Combine(r, Decision{Effect: Allow}, Decision{}); err != nil {
		t.Errorf("Combine = %v, want nil", err)
	}
}

func TestDeniedTellsTheStatementToLogs(t *testing.T) {
	deny := Decision{Effect: ExplicitDeny, Statement: 3, Sid: "NoPush"}
	var got *Denied
	if err := Combine(push(), Decision{Effect: Allow}, deny); !errors.As(err, &got) {
		t.Fatalf("Combine = %v, want a *Denied", err)
	}
	if diff := cmp.Diff(&Denied{Request: push(), By: RepositoryPolicy, Decision: deny}, got); diff != "" {
		t.Errorf("Combine (-want +got):\n%s", diff)
	}
}

func TestLocksOut(t *testing.T) {
	root := Request{Principal: "arn:aws:iam::111122223333:root", PrincipalAccount: owner, Action: "ecr-public:SetRepositoryPolicy", Resource: repository}
	user, stranger := root, root
	user.Principal = robot
	stranger.Principal, stranger.PrincipalAccount = "arn:aws:iam::444455556666:root", neighbour
	full, none := Decision{Effect: Allow}, Decision{}
	const (
		denyAll   = `{"Effect": "Deny", "Principal": "*", "Action": "ecr-public:*"}`
		denyPush  = `{"Effect": "Deny", "Principal": "*", "Action": "ecr-public:PutImage"}`
		denyOther = `{"Effect": "Deny", "Principal": {"AWS": "444455556666"}, "Action": "*"}`
		allowUser = `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ci/robot"}, "Action": "ecr-public:SetRepositoryPolicy"}`
		allowAll  = `{"Effect": "Allow", "Principal": "*", "Action": "*"}`
	)
	tests := []struct {
		name     string
		caller   Request
		identity Decision
		next     string
		want     bool
	}{
		{"the owner by a deny for everybody", root, full, denyAll, true},
		{"not the owner by a deny of something else", root, full, denyPush, false},
		{"not the owner by a deny for others", root, full, denyOther, false},
		{"not the owner by a policy that allows nobody", root, full, allowUser, false},
		{"a user who was allowed by the old policy only", user, none, denyOther, true},
		{"not a user whom the next policy allows too", user, none, allowUser, false},
		{"another account that the next policy leaves out", stranger, full, allowUser, true},
		{"not another account that the next policy allows", stranger, full, allowAll, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := mustParse(t, `{"Statement": `+test.next+`}`, RepositoryPolicy)
			if got := LocksOut(test.caller, test.identity, next); got != test.want {
				t.Errorf("LocksOut = %v, want %v", got, test.want)
			}
		})
	}
}
