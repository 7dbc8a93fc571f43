package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestCreateRepository(t *testing.T) {
	f := newFixture(t)
	description := "what it is for"
	catalog := registry.Catalog{Description: &description, Architectures: []string{"ARM 64"}}
	labels := []registry.ResourceTag{{Key: "team", Value: "a"}, {Key: "Team", Value: ""}}
	repo, err := f.registry.CreateRepository(t.Context(), owner, "new", catalog, labels)
	f.must(err)
	want := registry.Repository{ID: repo.ID, Account: owner.Account, Alias: ownerAlias, Name: "new", CreatedAt: f.now(), Catalog: catalog, Tags: labels}
	equal(t, "repository", repo, want)
	equal(t, "address", f.registry.URI(repo), "registry.test/a1b2c3d4/new")
	described, err := f.registry.DescribeRepositories(t.Context(), owner, "", []ref.RepositoryName{"new"})
	f.must(err)
	equal(t, "repository as described", described, []registry.Repository{want})

	_, err = f.registry.CreateRepository(t.Context(), owner, "new", registry.Catalog{}, nil)
	f.refused(err, registry.RepositoryAlreadyExists, "The repository with name 'new' already exists in the registry with id '123456789012'")
	_, err = f.registry.CreateRepository(t.Context(), stranger, "new", registry.Catalog{}, nil)
	f.must(err) // names are per registry
}

func TestCreateRepositoryChecksItsTags(t *testing.T) {
	f := newFixture(t)
	many := make([]registry.ResourceTag, 51)
	for i := range many {
		many[i].Key = fmt.Sprint("key ", i)
	}
	for _, c := range []struct {
		labels []registry.ResourceTag
		kind   registry.Kind
		text   string
	}{
		{many, registry.TooManyResourceTags, "The resource would have 51 tags and may have at most 50"},
		{[]registry.ResourceTag{{Key: "aws:team"}}, registry.InvalidResourceTag, "Tag key 'aws:team' begins with 'aws:', which is reserved"},
		{[]registry.ResourceTag{{Key: "AWS:team"}}, registry.InvalidResourceTag, "Tag key 'AWS:team' begins with 'aws:', which is reserved"},
		{[]registry.ResourceTag{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}, registry.InvalidResourceTag, "Tag key 'a' is given more than once"},
		{[]registry.ResourceTag{{Key: "a", Value: "\xff"}}, registry.InvalidResourceTag, ""},
	} {
		_, err := f.registry.CreateRepository(t.Context(), owner, "new", registry.Catalog{}, c.labels)
		f.refused(err, c.kind, c.text)
	}
	_, err := f.registry.DescribeRepositories(t.Context(), owner, "", []ref.RepositoryName{"new"})
	f.refused(err, registry.RepositoryNotFound, "")
	_, err = f.registry.CreateRepository(t.Context(), owner, "new", registry.Catalog{}, many[:50])
	f.must(err)
}

func TestDescribeRepositoriesKeepsTheOrderAsked(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	for _, reg := range []string{"", "123456789012", "a1b2c3d4"} {
		repos, err := f.registry.DescribeRepositories(t.Context(), owner, reg, []ref.RepositoryName{app.Name, "other", app.Name})
		f.must(err)
		var names []ref.RepositoryName
		for _, r := range repos {
			names = append(names, r.Name)
		}
		equal(t, "names in registry "+reg, names, []ref.RepositoryName{app.Name, "other", app.Name})
	}
	_, err := f.registry.DescribeRepositories(t.Context(), owner, "", []ref.RepositoryName{app.Name, "none"})
	f.refused(err, registry.RepositoryNotFound, "The repository with name 'none' does not exist in the registry with id '123456789012'")
	_, _, err = f.registry.ListRepositories(t.Context(), owner, "999999999999", registry.Page{Size: 1})
	f.refused(err, registry.RegistryNotFound, "The registry with id '999999999999' does not exist")
}

func TestDeleteRepository(t *testing.T) {
	f := newFixture(t)
	nest(f)
	before := f.images()
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, false)
	f.refused(err, registry.RepositoryNotEmpty, "The repository with name 'team/app' in registry with id '123456789012' cannot be deleted because it still contains images")
	equal(t, "images", f.images(), before)

	up := f.start("in flight")
	deleted, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	equal(t, "name", deleted.Name, app.Name)
	_, err = f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.refused(err, registry.RepositoryNotFound, "The repository with name 'team/app' does not exist in the registry with id '123456789012'")
	_, err = f.append(up, part(-1, "more"))
	f.refused(err, registry.RepositoryNotFound, "")

	again := f.createRepository(owner, app.Name)
	if again.ID == deleted.ID {
		t.Error("the id was used again")
	}
	equal(t, "images of the new repository", f.images(), nil)
	_, err = f.finish(up, sum("in flight"))
	f.refused(err, registry.UploadNotFound, "")
	f.putImage("x", "x") // its bytes are still stored
}

func TestRepositoryWithoutImagesIsEmpty(t *testing.T) {
	f := newFixture(t)
	f.push("layer")
	f.start("upload")
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, false)
	f.must(err)
}

// Every verb that needs a caller refuses another account and nobody, and says what it refused.
func TestOthersMayOnlyPull(t *testing.T) {
	f := newFixture(t)
	config := f.push("config")
	f.put(imageOf(config), "tag")
	up := f.start("abc")
	ctx := t.Context()
	const ofRepository, ofAll = "repository/team/app", "repository/*"
	for _, c := range []struct {
		action, resource string
		call             func(c registry.Caller) error
	}{
		{"BatchCheckLayerAvailability", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.CheckLayers(ctx, c, app, []ref.Digest{config})
			return err
		}},
		{"InitiateLayerUpload", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.StartUpload(ctx, c, app)
			return err
		}},
		{"UploadLayerPart", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.AppendUpload(ctx, c, app, up.ID, part(-1, "def"))
			return err
		}},
		{"PutImage", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.PutImage(ctx, c, app, registry.NewImage{Manifest: []byte(imageOf(config)), Tags: []string{"moved"}})
			return err
		}},
		{"DescribeImages", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.DescribeImages(ctx, c, app, nil)
			return err
		}},
		{"DescribeImages", ofRepository, func(c registry.Caller) error {
			_, _, err := f.registry.ListImages(ctx, c, app, registry.Page{Size: 1})
			return err
		}},
		{"DescribeImageTags", ofRepository, func(c registry.Caller) error {
			_, _, err := f.registry.DescribeTags(ctx, c, app, registry.Page{Size: 1})
			return err
		}},
		{"BatchDeleteImage", ofRepository, func(c registry.Caller) error {
			_, _, err := f.registry.DeleteImages(ctx, c, app, tagged("tag"))
			return err
		}},
		{"DeleteRepository", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.DeleteRepository(ctx, c, app, true)
			return err
		}},
		{"DescribeRepositories", ofRepository, func(c registry.Caller) error {
			_, err := f.registry.DescribeRepositories(ctx, c, app.Registry, []ref.RepositoryName{app.Name})
			return err
		}},
		{"DescribeRepositories", ofAll, func(c registry.Caller) error {
			_, _, err := f.registry.ListRepositories(ctx, c, app.Registry, registry.Page{Size: 1})
			return err
		}},
	} {
		for range 2 { // the second time from memory, where there is one
			f.available(config)
			f.refused(c.call(stranger), registry.AccessDenied, "User: arn:aws:iam::210987654321:root is not authorized to perform: ecr-public:"+c.action+
				" on resource: arn:aws:ecr-public::123456789012:"+c.resource+" because no resource-based policy allows the ecr-public:"+c.action+" action")
			f.refused(c.call(nobody), registry.AccessDenied, "An anonymous caller is not authorized to perform: ecr-public:"+c.action+
				" on resource: arn:aws:ecr-public::123456789012:"+c.resource+" because it needs a signed-in account")
		}
	}
	for _, c := range []registry.Caller{stranger, nobody} {
		_, err := f.finishAs(c, up, sum("abc"))
		f.refused(err, registry.AccessDenied, "")
		_, err = f.finishAs(c, registry.Upload{ID: "gone"}, config)
		f.refused(err, registry.AccessDenied, "")
		f.refused(f.registry.CancelUpload(ctx, c, app, up.ID), registry.AccessDenied, "")
	}
	equal(t, "upload", f.find(up), up)
	equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": sum(imageOf(config))})

	_, err := f.registry.StatLayer(ctx, app, config)
	f.must(err)
	content, err := f.registry.OpenLayer(ctx, app, config)
	f.must(err)
	f.must(content.Close())
}

func (f *fixture) finishAs(c registry.Caller, up registry.Upload, d ref.Digest) (registry.Layer, error) {
	return f.registry.FinishUpload(f.Context(), c, app, up.ID, []string{d.String()}, registry.FinishRules{})
}

func TestNobodyHasNoRegistry(t *testing.T) {
	f := newFixture(t)
	_, err := f.registry.CreateRepository(t.Context(), nobody, "new", registry.Catalog{}, nil)
	f.refused(err, registry.AccessDenied, "")
	if err != nil && !strings.HasPrefix(err.Error(), "An anonymous caller is not authorized to perform: ecr-public:CreateRepository") {
		t.Error(err)
	}
	_, err = f.registry.DescribeRegistry(t.Context(), nobody)
	f.refused(err, registry.RegistryNotFound, "")
	_, err = f.registry.StartUpload(t.Context(), nobody, registry.Path{Name: app.Name})
	f.refused(err, registry.RegistryNotFound, "")
}
