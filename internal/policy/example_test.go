package policy_test

import (
	"fmt"

	"github.com/openecr/openecr/internal/policy"
)

// A neighbour's key, whose own policy allows everything, meets a repository that lets its account push but not delete.
func Example() {
	repository, err := policy.Parse(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "ecr-public:*"},
		{"Sid": "Keep", "Effect": "Deny", "Principal": "*", "Action": "ecr-public:*Delete*"}]}`, policy.RepositoryPolicy)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, action := range []string{"ecr-public:PutImage", "ecr-public:BatchDeleteImage"} {
		request := policy.Request{
			Principal:        "arn:aws:iam::444455556666:root",
			PrincipalAccount: "444455556666",
			Action:           action,
			Resource:         "arn:aws:ecr-public::111122223333:repository/team/app",
		}
		decision := policy.Evaluate(request, repository)
		fmt.Println(decision)
		fmt.Println(policy.Combine(request, policy.Decision{Effect: policy.Allow}, decision))
	}
	// Output:
	// allow by statement 1
	// <nil>
	// explicit deny by statement 2 (Sid "Keep")
	// User: arn:aws:iam::444455556666:root is not authorized to perform: ecr-public:BatchDeleteImage on resource: arn:aws:ecr-public::111122223333:repository/team/app with an explicit deny in a resource-based policy
}
