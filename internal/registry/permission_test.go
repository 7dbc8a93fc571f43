package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// user is a key of an account that may do what the statements say.
func user(t *testing.T, account ref.AccountID, statements string) registry.Caller {
	t.Helper()
	p, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+statements+`]}`, policy.IdentityPolicy)
	if err != nil {
		t.Fatal(err)
	}
	return registry.Caller{Account: account, ARN: "arn:aws:iam::" + string(account) + ":user/robot", Policy: p}
}

func allow(action, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
}

// setPolicy gives app a policy.
func (f *fixture) setPolicy(statements string) {
	f.Helper()
	_, err := f.registry.SetPolicy(f.Context(), owner, app, `{"Version":"2012-10-17","Statement":[`+statements+`]}`, true)
	f.must(err)
}

// may says whether the caller may begin an upload in app and check for a layer, which must agree.
func (f *fixture) may(c registry.Caller) bool {
	f.Helper()
	_, err := f.registry.StartUpload(f.Context(), c, app)
	_, checkErr := f.registry.CheckLayers(f.Context(), c, app, []ref.Digest{sum("x")})
	if (err == nil) != (checkErr == nil) {
		f.Errorf("StartUpload: %v, but CheckLayers: %v", err, checkErr)
	}
	if err != nil {
		f.refused(err, registry.AccessDenied, "")
	}
	return err == nil
}

const appARN = "arn:aws:ecr-public::123456789012:repository/team/app"

// A robot may push to one repository and do nothing else.
func TestKeyForOneRepository(t *testing.T) {
	f := newFixture(t)
	robot := user(t, owner.Account, strings.Join([]string{
		allow("ecr-public:GetAuthorizationToken", "*"), allow("sts:GetServiceBearerToken", "*"),
		allow("ecr-public:BatchCheckLayerAvailability", appARN), allow("ecr-public:*Upload*", appARN), allow("ecr-public:PutImage", appARN),
	}, ","))
	f.createRepository(owner, "other")
	other := registry.Path{Registry: app.Registry, Name: "other"}
	f.must(f.registry.AuthorizeLogin(robot))

	up, err := f.registry.StartUpload(t.Context(), robot, app)
	f.must(err)
	_, err = f.registry.AppendUpload(t.Context(), robot, app, up.ID, part(0, "config"))
	f.must(err)
	_, err = f.registry.FinishUpload(t.Context(), robot, app, up.ID, []string{sum("config").String()}, registry.FinishRules{})
	f.must(err)
	_, err = f.registry.PutImage(t.Context(), robot, app, registry.NewImage{Manifest: []byte(imageOf(sum("config")))})
	f.must(err)

	because := func(action, resource string) string {
		return "User: arn:aws:iam::123456789012:user/robot is not authorized to perform: ecr-public:" + action + " on resource: " + resource +
			" because no identity-based policy allows the ecr-public:" + action + " action"
	}
	_, err = f.registry.StartUpload(t.Context(), robot, other)
	f.refused(err, registry.AccessDenied, because("InitiateLayerUpload", "arn:aws:ecr-public::123456789012:repository/other"))
	_, err = f.registry.DeleteRepository(t.Context(), robot, app, true)
	f.refused(err, registry.AccessDenied, because("DeleteRepository", appARN))
	_, err = f.registry.CreateRepository(t.Context(), robot, "new", registry.Catalog{}, nil)
	f.refused(err, registry.AccessDenied, because("CreateRepository", "arn:aws:ecr-public::123456789012:repository/new"))
	_, _, err = f.registry.ListRepositories(t.Context(), robot, "", registry.Page{Size: 1})
	f.refused(err, registry.AccessDenied, because("DescribeRepositories", "arn:aws:ecr-public::123456789012:repository/*"))
	_, err = f.registry.DisplayName(t.Context(), robot)
	f.refused(err, registry.AccessDenied, because("GetRegistryCatalogData", "arn:aws:ecr-public::123456789012:registry/123456789012"))
	f.refused(f.registry.AuthorizeLogin(user(t, owner.Account, allow("ecr-public:*", "*"))), registry.AccessDenied,
		"User: arn:aws:iam::123456789012:user/robot is not authorized to perform: sts:GetServiceBearerToken on resource: * because no identity-based policy allows the sts:GetServiceBearerToken action")
}

func TestWhoMayPush(t *testing.T) {
	everything := allow("*", "*")
	toStranger := `{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"ecr-public:*"}`
	toAll := `{"Effect":"Allow","Principal":"*","Action":"ecr-public:*"}`
	toRobot := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/robot"},"Action":"ecr-public:*"}`
	denyAll := `{"Effect":"Deny","Principal":"*","Action":"ecr-public:*Upload*"},{"Effect":"Deny","Principal":"*","Action":"ecr-public:BatchCheck*"}`
	robot := func(statements string) func(*testing.T) registry.Caller {
		return func(t *testing.T) registry.Caller { return user(t, owner.Account, statements) }
	}
	foreign := func(statements string) func(*testing.T) registry.Caller {
		return func(t *testing.T) registry.Caller { return user(t, stranger.Account, statements) }
	}
	root := func(c registry.Caller) func(*testing.T) registry.Caller {
		return func(*testing.T) registry.Caller { return c }
	}
	nothing := allow("ecr-public:DescribeImages", "*")
	for name, c := range map[string]struct {
		caller     func(*testing.T) registry.Caller
		repository string // statements of its policy
		want       bool
	}{
		"the owner":                                            {root(owner), "", true},
		"the owner, whatever others may":                       {root(owner), toStranger, true},
		"the owner under a deny":                               {root(owner), denyAll, false},
		"another account":                                      {root(stranger), "", false},
		"another account that the repository allows":           {root(stranger), toStranger, true},
		"another account that everybody includes":              {root(stranger), toAll, true},
		"another account under a deny":                         {root(stranger), toStranger + "," + denyAll, false},
		"nobody":                                               {root(nobody), "", false},
		"nobody, though everybody may":                         {root(nobody), toAll, false},
		"a key whose policy allows":                            {robot(everything), "", true},
		"a key whose policy is silent":                         {robot(nothing), "", false},
		"a key that the repository allows":                     {robot(nothing), toRobot, true},
		"a key whose policy denies":                            {robot(everything + `,{"Effect":"Deny","Action":"ecr-public:*","Resource":"*"}`), toRobot, false},
		"a key of another account, allowed by its own side":    {foreign(everything), "", false},
		"a key of another account, allowed by the other side":  {foreign(nothing), toStranger, false},
		"a key of another account, allowed by both":            {foreign(everything), toStranger, true},
		"a key of another account, allowed by both and denied": {foreign(everything), toStranger + "," + denyAll, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if c.repository != "" {
				f.setPolicy(c.repository)
			}
			caller := c.caller(t)
			for range 2 { // the second time from memory, where there is one
				equal(t, "may push", f.may(caller), c.want)
			}
			_, _, err := f.registry.ListTags(t.Context(), app, "", 10)
			f.must(err) // reading is open to all, whatever a policy says
		})
	}
}

// A changed policy holds at once in the process that changed it, and in another within two seconds.
func TestChangedPolicyHolds(t *testing.T) {
	f := newFixture(t)
	other := f.node()
	check := func(r *registry.Registry) error {
		_, err := r.CheckLayers(t.Context(), stranger, app, []ref.Digest{sum("x")})
		return err
	}
	f.setPolicy(`{"Effect":"Allow","Principal":"*","Action":"*"}`)
	f.must(check(f.registry))
	f.must(check(other))
	_, err := f.registry.DeletePolicy(t.Context(), owner, app)
	f.must(err)
	f.refused(check(f.registry), registry.AccessDenied, "")
	f.advance(2 * time.Second)
	f.refused(check(other), registry.AccessDenied, "")
}

func TestConditions(t *testing.T) {
	f := newFixture(t)
	resource := ref.Resource{Account: owner.Account, Repository: app.Name}
	from := func(c registry.Caller, address string) registry.Caller {
		c.Conditions = func() map[string][]string { return map[string][]string{"aws:SourceIp": {address}} }
		return c
	}
	f.setPolicy(`{"Effect":"Allow","Principal":"*","Action":"*","Condition":{
		"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},
		"StringEquals":{"aws:ResourceTag/stage":"open","ecr-public:ResourceTag/stage":"open"}}}`)
	inside, outside := from(stranger, "203.0.113.7"), from(stranger, "198.51.100.7")
	equal(t, "without the tag", f.may(inside), false)
	f.must(f.registry.TagResource(t.Context(), owner, resource, []registry.ResourceTag{{Key: "stage", Value: "open"}}))
	equal(t, "with the tag", f.may(inside), true) // at once, also from memory
	equal(t, "from another address", f.may(outside), false)
	equal(t, "from nowhere", f.may(stranger), false)
	f.must(f.registry.UntagResource(t.Context(), owner, resource, []string{"stage"}))
	equal(t, "when the tag is gone", f.may(inside), false)
}

func TestTagsOfARequest(t *testing.T) {
	f := newFixture(t)
	label := func(key, value string) []registry.ResourceTag {
		return []registry.ResourceTag{{Key: key, Value: value}}
	}
	onlyMine := user(t, owner.Account, `{"Effect":"Allow","Action":["ecr-public:CreateRepository","ecr-public:TagResource","ecr-public:UntagResource"],"Resource":"*",
		"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]},"StringEqualsIfExists":{"aws:RequestTag/team":"a"}}}`)
	create := func(name ref.RepositoryName, labels []registry.ResourceTag) error {
		_, err := f.registry.CreateRepository(t.Context(), onlyMine, name, registry.Catalog{}, labels)
		return err
	}
	f.must(create("mine", label("team", "a")))
	f.refused(create("theirs", label("team", "b")), registry.AccessDenied, "")
	f.refused(create("theirs", label("other", "a")), registry.AccessDenied, "")
	mine := ref.Resource{Account: owner.Account, Repository: "mine"}
	f.refused(f.registry.TagResource(t.Context(), onlyMine, mine, label("other", "x")), registry.AccessDenied, "")
	f.refused(f.registry.UntagResource(t.Context(), onlyMine, mine, []string{"other"}), registry.AccessDenied, "")
	f.must(f.registry.UntagResource(t.Context(), onlyMine, mine, []string{"team"}))

	untagged := user(t, owner.Account, allow("ecr-public:CreateRepository", "*"))
	_, err := f.registry.CreateRepository(t.Context(), untagged, "plain", registry.Catalog{}, nil)
	f.must(err)
	_, err = f.registry.CreateRepository(t.Context(), untagged, "tagged", registry.Catalog{}, label("team", "a"))
	f.refused(err, registry.AccessDenied, "User: arn:aws:iam::123456789012:user/robot is not authorized to perform: ecr-public:TagResource on resource: arn:aws:ecr-public::123456789012:repository/tagged because no identity-based policy allows the ecr-public:TagResource action")
}

func TestManyPoliciesStayParsedWithinBounds(t *testing.T) {
	f := newFixture(t)
	padding := strings.Repeat("x", 9000)
	for i := range 600 { // more than the bound
		f.setPolicy(fmt.Sprintf(`{"Sid":"%s %d","Effect":"Allow","Principal":{"AWS":"%s"},"Action":"*"}`, padding, i, stranger.Account))
		if i%100 == 0 {
			equal(t, "may push", f.may(stranger), true)
		}
	}
}
