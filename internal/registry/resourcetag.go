package registry

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openecr/openecr/internal/ref"
)

// TagResource sets tags of a repository or registry and leaves its others as they are.
func (r *Registry) TagResource(ctx context.Context, c Caller, on ref.Resource, tags []ResourceTag) error {
	if err := r.checkResourceTags(tags); err != nil {
		return err
	}
	request := func(a access) access { return a.withRequestTags(tags) }
	return r.changeTags(ctx, c, "TagResource", on, request, func(have []ResourceTag) ([]ResourceTag, error) {
		have = slices.Clone(have)
		for _, t := range tags {
			if i := indexTag(have, t.Key); i >= 0 {
				have[i] = t
			} else {
				have = append(have, t)
			}
		}
		return have, r.checkTagCount(len(have))
	})
}

// UntagResource removes tags of a repository or registry. Keys that it does not have are no error.
func (r *Registry) UntagResource(ctx context.Context, c Caller, on ref.Resource, keys []string) error {
	for _, key := range keys {
		if err := checkTagKey(key); err != nil {
			return err
		}
	}
	request := func(a access) access { a.tagKeys = keys; return a }
	return r.changeTags(ctx, c, "UntagResource", on, request, func(have []ResourceTag) ([]ResourceTag, error) {
		return slices.DeleteFunc(slices.Clone(have), func(t ResourceTag) bool { return slices.Contains(keys, t.Key) }), nil
	})
}

// changeTags replaces the tags of a resource by what change makes of them. request adds to the access what policies may
// ask about the call.
func (r *Registry) changeTags(ctx context.Context, c Caller, action string, on ref.Resource, request func(access) access, change func([]ResourceTag) ([]ResourceTag, error)) error {
	err := r.meta.Update(ctx, func(tx Tx) error {
		t, err := openTagged(tx, on)
		if err != nil {
			return err
		}
		if err := r.authorize(c, request(t.access(action))); err != nil {
			return err
		}
		tags, err := change(t.tags())
		if err != nil {
			return err
		}
		return t.replaceTags(tx, tags)
	})
	r.cache.dropRepositories() // policies may depend on tags; also after an error, which may come after the commit
	return err
}

// ResourceTags are the tags of a repository or registry, in the order in which they were set.
func (r *Registry) ResourceTags(ctx context.Context, c Caller, on ref.Resource) ([]ResourceTag, error) {
	var tags []ResourceTag
	err := r.meta.View(ctx, func(tx Tx) error {
		t, err := openTagged(tx, on)
		if err != nil {
			return err
		}
		if err := r.authorize(c, t.access("ListTagsForResource")); err != nil {
			return err
		}
		tags = t.tags()
		return nil
	})
	return tags, err
}

// tagged is a resource with its tags: a repository, or a registry when repository is nil.
type tagged struct {
	account    ref.AccountID
	repository *Repository
	registry   Profile
}

func openTagged(tx Tx, on ref.Resource) (tagged, error) {
	p := Path{string(on.Account), on.Repository}
	if on.Repository != "" {
		repo, err := openPublic(tx, p)
		return tagged{account: on.Account, repository: &repo}, err
	}
	account, err := findRegistry(tx, p)
	if err != nil {
		return tagged{}, err
	}
	data, err := tx.Profile(account)
	return tagged{account: account, registry: data}, err
}

func (t tagged) access(action string) access {
	if t.repository != nil {
		return repositoryAccess(action, *t.repository)
	}
	a := registryAccess(action, t.account)
	a.tags = t.registry.Tags
	return a
}

func (t tagged) tags() []ResourceTag {
	if t.repository != nil {
		return t.repository.Tags
	}
	return t.registry.Tags
}

func (t tagged) replaceTags(tx Tx, tags []ResourceTag) error {
	if t.repository != nil {
		t.repository.Tags = tags
		if err := tx.UpdateRepository(*t.repository); err != nil {
			return err
		}
		return list(tx, *t.repository)
	}
	t.registry.Tags = tags
	return tx.PutProfile(t.account, t.registry)
}

// checkResourceTags holds the rules that the API model does not state.
func (r *Registry) checkResourceTags(tags []ResourceTag) error {
	for i, t := range tags {
		if err := checkTagKey(t.Key); err != nil {
			return err
		}
		if indexTag(tags[:i], t.Key) >= 0 {
			return errorf(InvalidResourceTag, "Tag key '%s' is given more than once", t.Key)
		}
		if !utf8.ValidString(t.Value) {
			return errorf(InvalidResourceTag, "The value of tag key '%s' is not valid UTF-8", t.Key)
		}
	}
	return r.checkTagCount(len(tags))
}

func checkTagKey(key string) error {
	switch {
	case key == "":
		return errorf(InvalidResourceTag, "A tag has no key")
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return errorf(InvalidResourceTag, "Tag key '%s' begins with 'aws:', which is reserved", key)
	case !utf8.ValidString(key):
		return errorf(InvalidResourceTag, "Tag key %q is not valid UTF-8", key)
	}
	return nil
}

func indexTag(tags []ResourceTag, key string) int {
	return slices.IndexFunc(tags, func(t ResourceTag) bool { return t.Key == key })
}
