package registry_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (m *model) checkTags(tags []registry.ResourceTag) error {
	seen := make(map[string]bool)
	for _, t := range tags {
		if t.Key == reservedKey || seen[t.Key] {
			return refusal(registry.InvalidResourceTag)
		}
		seen[t.Key] = true
	}
	if len(tags) > m.limits.ResourceTags {
		return refusal(registry.TooManyResourceTags)
	}
	return nil
}

// setTag keeps the order in which tags were first set.
func setTag(have []registry.ResourceTag, t registry.ResourceTag) []registry.ResourceTag {
	have = slices.Clone(have)
	for i := range have {
		if have[i].Key == t.Key {
			have[i] = t
			return have
		}
	}
	return append(have, t)
}

// onARN is the repository of an ARN.
func (m *model) onARN(c registry.Caller, action string, on ref.Resource) (*modelRepository, error) {
	return m.open(c, action, registry.Path{Registry: string(on.Account), Name: on.Repository})
}

func (m *model) tagResource(c registry.Caller, on ref.Resource, tags []registry.ResourceTag) error {
	if err := m.checkTags(tags); err != nil {
		return err
	}
	repo, err := m.onARN(c, "TagResource", on)
	if err != nil {
		return err
	}
	next := repo.Tags
	for _, t := range tags {
		next = setTag(next, t)
	}
	if len(next) > m.limits.ResourceTags {
		return refusal(registry.TooManyResourceTags)
	}
	repo.Tags = next
	return nil
}

// arn is of a repository, which ARNs name by account and never by alias.
func (m *machine) arn(t *rapid.T) (registry.Caller, ref.Resource) {
	c, p := m.call(t)
	account, ok := m.model.registries[own(c, p).Registry]
	if !ok {
		account = "111111111111"
	}
	return c, ref.Resource{Account: account, Repository: p.Name}
}

// TagResource sets tags of a repository.
func (m *machine) TagResource(t *rapid.T) {
	c, on := m.arn(t)
	tags := resourceTags(t)
	gotErr := m.registry.TagResource(t.Context(), c, on, tags)
	agree(t, "TagResource", 0, gotErr, 0, m.model.tagResource(c, on, tags))
	m.listTags(t, c, on)
}

func (m *model) untagResource(c registry.Caller, on ref.Resource, keys []string) error {
	if slices.Contains(keys, reservedKey) {
		return refusal(registry.InvalidResourceTag)
	}
	repo, err := m.onARN(c, "UntagResource", on)
	if err != nil {
		return err
	}
	repo.Tags = slices.DeleteFunc(slices.Clone(repo.Tags), func(t registry.ResourceTag) bool { return slices.Contains(keys, t.Key) })
	return nil
}

// UntagResource removes tags of a repository.
func (m *machine) UntagResource(t *rapid.T) {
	c, on := m.arn(t)
	keys := []string{pick(t, "key", "team", "cost", "stage", "absent", reservedKey), pick(t, "key", "team", "cost", "stage")}
	gotErr := m.registry.UntagResource(t.Context(), c, on, keys)
	agree(t, "UntagResource", 0, gotErr, 0, m.model.untagResource(c, on, keys))
	m.listTags(t, c, on)
}

func (m *machine) listTags(t *rapid.T, c registry.Caller, on ref.Resource) {
	got, gotErr := m.registry.ResourceTags(t.Context(), c, on)
	var want []registry.ResourceTag
	repo, wantErr := m.model.onARN(c, "ListTagsForResource", on)
	if wantErr == nil {
		want = repo.Tags
	}
	agree(t, "ResourceTags", got, gotErr, want, wantErr)
}
