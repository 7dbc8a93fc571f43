package ref

import (
	"fmt"
	"strings"
)

// Resource is what an ARN of this service names: a repository, or the registry of the account when Repository is empty.
type Resource struct {
	Account    AccountID
	Repository RepositoryName
}

const arnPrefix = "arn:aws:ecr-public::"

// ParseARN accepts what RepositoryARN and RegistryARN print.
func ParseARN(s string) (Resource, error) {
	rest, ok := strings.CutPrefix(s, arnPrefix)
	account, path, colon := strings.Cut(rest, ":")
	kind, name, slash := strings.Cut(path, "/")
	id, err := ParseAccountID(account)
	if !ok || !colon || !slash || err != nil {
		return Resource{}, malformedARN(s)
	}
	switch {
	case kind == "repository":
		repository, err := ParseRepositoryName(name)
		if err != nil {
			return Resource{}, fmt.Errorf("%w: %w", malformedARN(s), err)
		}
		return Resource{id, repository}, nil
	case kind == "registry" && name == account:
		return Resource{Account: id}, nil
	}
	return Resource{}, malformedARN(s)
}

func malformedARN(s string) error {
	return fmt.Errorf("ARN %q is malformed: write %sACCOUNT:repository/NAME or %sACCOUNT:registry/ACCOUNT", clip(s), arnPrefix, arnPrefix)
}

// String is the ARN.
func (r Resource) String() string {
	if r.Repository == "" {
		return RegistryARN(r.Account)
	}
	return RepositoryARN(r.Account, r.Repository)
}

// RepositoryARN names a repository as IAM does. The region is empty: public registries have none.
func RepositoryARN(account AccountID, name RepositoryName) string {
	return arnPrefix + string(account) + ":repository/" + string(name)
}

// RegistryARN names the registry of an account as IAM does.
func RegistryARN(account AccountID) string {
	return arnPrefix + string(account) + ":registry/" + string(account)
}

// UserARN names a user of an account, who owns access keys that may have a policy.
func UserARN(account AccountID, user string) string {
	return "arn:aws:iam::" + string(account) + ":user/" + user
}
