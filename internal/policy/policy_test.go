package policy

import "testing"

// The cast of the tests: a repository of account 111122223333, its owner, two of its robots, and a neighbour.
const (
	owner      = "111122223333"
	neighbour  = "444455556666"
	repository = "arn:aws:ecr-public::111122223333:repository/team/app"
	robot      = "arn:aws:iam::111122223333:user/ci/robot"
)

func mustParse(t testing.TB, source string, kind Kind) *Policy {
	t.Helper()
	p, err := Parse(source, kind)
	if err != nil {
		t.Fatalf("Parse(%s): %v", source, err)
	}
	return p
}

// push is a request of the robot to its own account's repository.
func push() Request {
	return Request{Principal: robot, PrincipalAccount: owner, Action: "ecr-public:PutImage", Resource: repository}
}
