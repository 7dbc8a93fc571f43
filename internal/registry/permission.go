package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
)

// access is one thing that a caller wants to do.
type access struct {
	action   string        // as in IAM: "ecr-public:PutImage"
	account  ref.AccountID // whose resource it is
	resource string        // its ARN, or "*"
	policy   string        // of the repository; empty for none
	tags     []ResourceTag // that the resource has

	requestTags []ResourceTag // that the request would set
	tagKeys     []string      // that the request names
}

const servicePrefix = "ecr-public:"

func repositoryAccess(action string, repo Repository) access {
	return access{
		action:   servicePrefix + action,
		account:  repo.Account,
		resource: ref.RepositoryARN(repo.Account, repo.Name),
		policy:   repo.Policy,
		tags:     repo.Tags,
	}
}

func registryAccess(action string, account ref.AccountID) access {
	return access{action: servicePrefix + action, account: account, resource: ref.RegistryARN(account)}
}

// withRequestTags adds the tags that a request would set.
func (a access) withRequestTags(tags []ResourceTag) access {
	a.requestTags, a.tagKeys = tags, nil
	for _, t := range tags {
		a.tagKeys = append(a.tagKeys, t.Key)
	}
	return a
}

// authorize decides whether the caller may do it. A key without a policy of its own may do everything in its account.
// What else holds is package policy's to say: in one account either the key's policy or the repository's allows, across
// accounts both must, and a deny on either side wins.
//
// Nobody may do what needs permission at all, whatever a policy says: what is open to everybody never comes here.
func (r *Registry) authorize(c Caller, a access) error {
	if c.Anonymous() {
		return errorf(AccessDenied, "An anonymous caller is not authorized to perform: %s on resource: %s because it needs a signed-in account", a.action, a.resource)
	}
	if c.mayAll(a.account, a.policy) {
		return nil // the common case costs nothing
	}
	repository, err := r.policies.parse(a.policy)
	if err != nil {
		return fmt.Errorf("stored policy of %s: %w", a.resource, err)
	}
	request := a.request(c)
	return refusal(policy.Combine(request, identityDecision(c, request), policy.Evaluate(request, repository)))
}

// mayAll says that the caller's own key stands for everything in the account, because no policy has a say.
func (c Caller) mayAll(account ref.AccountID, policy string) bool {
	return !c.Anonymous() && c.Policy == nil && policy == "" && c.Account == account
}

// refusal is what package policy says, as an error of this package.
func refusal(err error) error {
	var denied *policy.Denied
	if errors.As(err, &denied) {
		return errorf(AccessDenied, "%s", denied.Error())
	}
	return err
}

// identityDecision is the caller's own side.
func identityDecision(c Caller, r policy.Request) policy.Decision {
	if c.Policy == nil {
		return policy.Decision{Effect: policy.Allow}
	}
	return policy.Evaluate(r, c.Policy)
}

// request is the access in the words of package policy.
func (a access) request(c Caller) policy.Request {
	context := make(map[string][]string)
	if c.Conditions != nil {
		context = c.Conditions()
	}
	for _, t := range a.tags {
		context["aws:ResourceTag/"+t.Key] = []string{t.Value}
		context["ecr-public:ResourceTag/"+t.Key] = []string{t.Value}
	}
	for _, t := range a.requestTags {
		context["aws:RequestTag/"+t.Key] = []string{t.Value}
	}
	if len(a.tagKeys) > 0 {
		context["aws:TagKeys"] = slices.Clone(a.tagKeys)
	}
	return policy.Request{Principal: c.ARN, PrincipalAccount: string(c.Account), Action: a.action, Resource: a.resource, Context: context}
}

// Authorize decides whether the caller may perform the action, "PutImage", on the repository.
func (r *Registry) Authorize(ctx context.Context, c Caller, action string, p Path) error {
	return r.viewRepository(ctx, c, action, p.own(c), func(Tx, Repository) error { return nil })
}

// authorizeCreation decides whether the caller may make the repository. Its tags need a permission of their own.
func (r *Registry) authorizeCreation(c Caller, repo Repository) error {
	a := repositoryAccess("CreateRepository", repo).withRequestTags(repo.Tags)
	a.tags = nil // it has none yet
	if err := r.authorize(c, a); err != nil || len(repo.Tags) == 0 {
		return err
	}
	a.action = servicePrefix + "TagResource"
	return r.authorize(c, a)
}

// AuthorizeLogin decides whether the caller may have a password for docker login. Like the real service it asks for two
// permissions, of which neither is for a resource.
func (r *Registry) AuthorizeLogin(c Caller) error {
	for _, action := range []string{servicePrefix + "GetAuthorizationToken", "sts:GetServiceBearerToken"} {
		if err := r.authorize(c, access{action: action, account: c.Account, resource: "*"}); err != nil {
			return err
		}
	}
	return nil
}

// maxPolicyCache bounds the policies that are kept parsed, in bytes of their texts.
const maxPolicyCache = 4 << 20

// policyCache keeps policies parsed. A text means the same whoever has it and whenever, so nothing here grows old.
type policyCache struct {
	mu     sync.Mutex
	parsed map[string]*policy.Policy // by text
	bytes  int
}

// parse is nil for the empty text: no policy. When there are too many, all go at once.
func (c *policyCache) parse(text string) (*policy.Policy, error) {
	if text == "" {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.parsed[text]; ok {
		return p, nil
	}
	p, err := policy.Parse(text, policy.RepositoryPolicy)
	if err != nil {
		return nil, err
	}
	if c.parsed == nil || c.bytes+len(text) > maxPolicyCache {
		c.parsed, c.bytes = make(map[string]*policy.Policy), 0
	}
	c.parsed[text] = p
	c.bytes += len(text)
	return p, nil
}
