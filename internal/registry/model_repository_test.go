package registry_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// model is what the registry should be.
type model struct {
	now          func() time.Time
	limits       registry.Limits
	registries   map[string]ref.AccountID // by id and by alias
	repositories map[repositoryKey]*modelRepository
	uploads      map[string]*modelUpload
}

type repositoryKey struct {
	account ref.AccountID
	name    ref.RepositoryName
}

type modelRepository struct {
	registry.Repository // with ID zero and without Policy
	policy              []rule
	layers              map[ref.Digest]*modelLayer
	images              map[ref.Digest]*modelImage
	tags                map[ref.Tag]registry.Tag
}

// newModel begins as every fixture does.
func newModel(now func() time.Time, limits registry.Limits) *model {
	const unlimited = 1 << 30
	if limits == (registry.Limits{}) {
		limits = registry.Limits{Repositories: unlimited, ImagesPerRepository: unlimited, TagsPerImage: unlimited, LayerParts: unlimited, LayerBytes: unlimited, ResourceTags: unlimited}
	}
	m := &model{
		now:    now,
		limits: limits,
		registries: map[string]ref.AccountID{
			string(owner.Account): owner.Account, string(ownerAlias): owner.Account,
			string(stranger.Account): stranger.Account, string(strangerAlias): stranger.Account,
		},
		repositories: make(map[repositoryKey]*modelRepository),
		uploads:      make(map[string]*modelUpload),
	}
	m.insert(owner, app.Name, nil)
	return m
}

func (m *model) insert(c registry.Caller, name ref.RepositoryName, tags []registry.ResourceTag) *modelRepository {
	alias := map[ref.AccountID]ref.Alias{owner.Account: ownerAlias, stranger.Account: strangerAlias}[c.Account]
	repo := &modelRepository{
		Repository: registry.Repository{Account: c.Account, Alias: alias, Name: name, CreatedAt: m.now(), Tags: tags},
		layers:     make(map[ref.Digest]*modelLayer),
		images:     make(map[ref.Digest]*modelImage),
		tags:       make(map[ref.Tag]registry.Tag),
	}
	m.repositories[repositoryKey{c.Account, name}] = repo
	return repo
}

// find is what everybody may.
func (m *model) find(p registry.Path) (*modelRepository, error) {
	account, ok := m.registries[p.Registry]
	if !ok {
		return nil, refusal(registry.RegistryNotFound)
	}
	repo, ok := m.repositories[repositoryKey{account, p.Name}]
	if !ok {
		return nil, refusal(registry.RepositoryNotFound)
	}
	return repo, nil
}

// own names the registry of a caller who has named none.
func own(c registry.Caller, p registry.Path) registry.Path {
	if p.Registry == "" {
		p.Registry = string(c.Account)
	}
	return p
}

// open finds the repository for a caller who needs permission.
func (m *model) open(c registry.Caller, action string, p registry.Path) (*modelRepository, error) {
	repo, err := m.find(own(c, p))
	if err != nil {
		return nil, err
	}
	return repo, permitted(c, action, repo.Account, repo.policy)
}

// rule is a statement of a policy.
type rule struct {
	effect  string
	who     string // an account, or "*"
	actions []string
}

func (r rule) matches(c registry.Caller, action string) bool {
	return (r.who == "*" || r.who == string(c.Account)) && (slices.Contains(r.actions, action) || slices.Contains(r.actions, "*"))
}

// permitted: a deny wins, an account may do everything with what is its own, others need an allow, nobody may nothing.
func permitted(c registry.Caller, action string, account ref.AccountID, policy []rule) error {
	allowed := c.Account == account
	for _, r := range policy {
		if r.matches(c, action) && r.effect == "Deny" {
			return refusal(registry.AccessDenied)
		}
		allowed = allowed || r.matches(c, action)
	}
	if c.Anonymous() || !allowed {
		return refusal(registry.AccessDenied)
	}
	return nil
}

// policies that repositories may have.
var policies = map[string][]rule{
	"guest":         {{"Allow", string(stranger.Account), []string{"*"}}},
	"everybody":     {{"Allow", "*", []string{"*"}}},
	"uploads":       {{"Allow", "*", []string{"InitiateLayerUpload", "UploadLayerPart", "BatchCheckLayerAvailability"}}},
	"ends":          {{"Allow", "*", []string{"CompleteLayerUpload", "PutImage"}}},
	"no parts":      {{"Deny", "*", []string{"UploadLayerPart"}}},
	"no ends":       {{"Deny", string(owner.Account), []string{"CompleteLayerUpload"}}},
	"no images":     {{"Deny", "*", []string{"PutImage"}}},
	"careful guest": {{"Allow", string(stranger.Account), []string{"*"}}, {"Deny", string(stranger.Account), []string{"BatchDeleteImage", "DeleteRepository"}}},
	"sealed":        {{"Deny", "*", []string{"SetRepositoryPolicy", "DescribeImages"}}},
}

func policyText(rules []rule) string {
	type statement struct {
		Effect    string
		Principal any
		Action    []string
	}
	var statements []statement
	for _, r := range rules {
		s := statement{Effect: r.effect, Principal: r.who}
		if r.who != "*" {
			s.Principal = map[string]string{"AWS": r.who}
		}
		for _, a := range r.actions {
			s.Action = append(s.Action, "ecr-public:"+a)
		}
		statements = append(statements, s)
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements}) // strings cannot fail
	return string(text)
}

func (m *model) setPolicy(c registry.Caller, p registry.Path, rules []rule, force bool) (registry.Repository, error) {
	repo, err := m.open(c, "SetRepositoryPolicy", p)
	if err != nil {
		return registry.Repository{}, err
	}
	if permitted(c, "SetRepositoryPolicy", repo.Account, rules) != nil && !force {
		return registry.Repository{}, refusal(registry.InvalidParameter)
	}
	repo.policy = rules
	return repo.Repository, nil
}

// SetPolicy gives a repository a policy. How policies are printed is package policy's to test.
func (m *machine) SetPolicy(t *rapid.T) {
	c, p := m.call(t)
	force := rapid.Bool().Draw(t, "force")
	rules := policies[pick(t, "policy", "guest", "everybody", "uploads", "ends", "no parts", "no ends", "no images", "careful guest", "sealed")]
	got, gotErr := m.registry.SetPolicy(t.Context(), c, p, policyText(rules), force)
	want, wantErr := m.model.setPolicy(c, p, rules, force)
	agree(t, "SetPolicy", plain(got), gotErr, want, wantErr)
}

func (m *model) policy(c registry.Caller, action string, p registry.Path) (*modelRepository, error) {
	repo, err := m.open(c, action, p)
	if err == nil && repo.policy == nil {
		err = refusal(registry.PolicyNotFound)
	}
	return repo, err
}

// DeletePolicy takes the policy away, after a look at it.
func (m *machine) DeletePolicy(t *rapid.T) {
	c, p := m.call(t)
	found, gotErr := m.registry.RepositoryPolicy(t.Context(), c, p)
	_, wantErr := m.model.policy(c, "GetRepositoryPolicy", p)
	agree(t, "RepositoryPolicy", found.Policy != "", gotErr, true, wantErr)
	deleted, gotErr := m.registry.DeletePolicy(t.Context(), c, p)
	repo, wantErr := m.model.policy(c, "DeleteRepositoryPolicy", p)
	if wantErr == nil {
		repo.policy = nil
	}
	agree(t, "DeletePolicy", deleted.Policy, gotErr, found.Policy, wantErr)
}

// plain is a repository without what the model does not know.
func plain(r registry.Repository) registry.Repository {
	r.ID, r.Policy = 0, ""
	return r
}

func (m *model) createRepository(c registry.Caller, name ref.RepositoryName, tags []registry.ResourceTag) (registry.Repository, error) {
	if err := m.checkTags(tags); err != nil {
		return registry.Repository{}, err
	}
	if c.Anonymous() {
		return registry.Repository{}, refusal(registry.AccessDenied)
	}
	if m.repositories[repositoryKey{c.Account, name}] != nil {
		return registry.Repository{}, refusal(registry.RepositoryAlreadyExists)
	}
	if len(m.ownedBy(c.Account)) >= m.limits.Repositories {
		return registry.Repository{}, refusal(registry.LimitExceeded)
	}
	return m.insert(c, name, tags).Repository, nil
}

// CreateRepository makes one of few, so that names are used again.
func (m *machine) CreateRepository(t *rapid.T) {
	c, name, tags := anyCaller(t), pick(t, "name", names...), resourceTags(t)
	got, gotErr := m.registry.CreateRepository(t.Context(), c, name, registry.Catalog{}, tags)
	want, wantErr := m.model.createRepository(c, name, tags)
	agree(t, "CreateRepository", plain(got), gotErr, want, wantErr)
}

func (m *model) deleteRepository(c registry.Caller, p registry.Path, force bool) (registry.Repository, error) {
	repo, err := m.open(c, "DeleteRepository", p)
	if err != nil {
		return registry.Repository{}, err
	}
	if len(repo.images) > 0 && !force {
		return registry.Repository{}, refusal(registry.RepositoryNotEmpty)
	}
	delete(m.repositories, repositoryKey{repo.Account, repo.Name})
	for id, up := range m.uploads {
		if up.repository == repo {
			delete(m.uploads, id)
		}
	}
	return repo.Repository, nil
}

// DeleteRepository rarely forces, so that sequences get somewhere.
func (m *machine) DeleteRepository(t *rapid.T) {
	c, p := m.call(t)
	force := chance(t, "force", 10)
	got, gotErr := m.registry.DeleteRepository(t.Context(), c, p, force)
	want, wantErr := m.model.deleteRepository(c, p, force)
	agree(t, "DeleteRepository", plain(got), gotErr, want, wantErr)
}

// DescribeRepositories asks for named ones.
func (m *machine) DescribeRepositories(t *rapid.T) {
	c, p := m.call(t)
	reg, asked := p.Registry, append(rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, "names"), p.Name)
	got, gotErr := m.registry.DescribeRepositories(t.Context(), c, reg, asked)
	var want []registry.Repository
	var wantErr error
	for _, name := range asked {
		repo, err := m.model.open(c, "DescribeRepositories", registry.Path{Registry: reg, Name: name})
		if wantErr = err; err != nil {
			break
		}
		want = append(want, repo.Repository)
	}
	for i := range got {
		got[i] = plain(got[i])
	}
	agree(t, "DescribeRepositories", got, gotErr, want, wantErr)
}

// ownedBy are the repositories of an account, by name.
func (m *model) ownedBy(account ref.AccountID) []*modelRepository {
	var repos []*modelRepository
	for key, repo := range m.repositories {
		if key.account == account {
			repos = append(repos, repo)
		}
	}
	slices.SortFunc(repos, func(a, b *modelRepository) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return repos
}
