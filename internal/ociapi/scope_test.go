package ociapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
)

func TestTokensAreForWhatTheirCallerMayDo(t *testing.T) {
	core := newCore(t, registrytest.NewMemBlobs(t))
	mayOnly := func(actions string) registry.Caller {
		p, err := policy.Parse(`{"Statement":{"Effect":"Allow","Action":`+actions+`,"Resource":"*"}}`, policy.IdentityPolicy)
		if err != nil {
			t.Fatal(err)
		}
		return registry.Caller{Account: owner.Account, ARN: "arn:aws:iam::111111111111:user/robot", Policy: p}
	}
	const hello, theirs = "repository:a1b2c3d4/hello:", "repository:z9y8x7w6/theirs:"
	for name, c := range map[string]struct {
		caller registry.Caller
		asked  []string
		want   ociapi.Scopes
	}{
		"nothing is asked":                   {owner, nil, nil},
		"everything is asked":                {owner, []string{"aws"}, nil},
		"everything and more":                {owner, []string{hello + "pull", "aws"}, nil},
		"everything, for nobody":             {registry.Caller{}, []string{"aws"}, nil},
		"an owner pulls":                     {owner, []string{hello + "pull"}, ociapi.Scopes{hello + "pull"}},
		"an owner pushes":                    {owner, []string{hello + "push,pull"}, ociapi.Scopes{hello + "delete,pull,push"}},
		"an owner does anything":             {owner, []string{hello + "*"}, ociapi.Scopes{hello + "delete,pull,push"}},
		"an owner deletes":                   {owner, []string{hello + "delete"}, ociapi.Scopes{hello + "delete"}},
		"a mount from a stranger":            {owner, []string{hello + "push", theirs + "pull,push"}, ociapi.Scopes{hello + "delete,push", theirs + "pull"}},
		"nobody pushes":                      {registry.Caller{}, []string{hello + "pull,push"}, ociapi.Scopes{hello + "pull"}},
		"nobody pushes what is not there":    {registry.Caller{}, []string{"repository:a1b2c3d4/absent:push"}, ociapi.Scopes{}},
		"what is not there":                  {owner, []string{"repository:a1b2c3d4/absent:push"}, ociapi.Scopes{"repository:a1b2c3d4/absent:delete,push"}},
		"an alias that is not there":         {owner, []string{"repository:nobody/hello:delete"}, ociapi.Scopes{"repository:nobody/hello:delete"}},
		"a key that may push alone":          {mayOnly(`"ecr-public:InitiateLayerUpload"`), []string{hello + "*"}, ociapi.Scopes{hello + "pull,push"}},
		"a key that may tag alone":           {mayOnly(`"ecr-public:PutImage"`), []string{hello + "*"}, ociapi.Scopes{hello + "pull,push"}},
		"a key that may delete alone":        {mayOnly(`"ecr-public:BatchDeleteImage"`), []string{hello + "pull,push"}, ociapi.Scopes{hello + "delete,pull"}},
		"a key that may do something else":   {mayOnly(`"ecr-public:DescribeImages"`), []string{hello + "push"}, ociapi.Scopes{}},
		"scopes of other things":             {owner, []string{"registry:catalog:*", "repository", "repository:hello", "repository:hello:pull", "repository:A/b:pull", ""}, ociapi.Scopes{}},
		"actions that nobody has heard of":   {owner, []string{hello, hello + "fly,,PUSH"}, ociapi.Scopes{}},
		"a plugin is not a repository":       {owner, []string{"repository(plugin):a1b2c3d4/hello:pull"}, ociapi.Scopes{}},
		"a name with a colon is not a scope": {owner, []string{"repository:a1b2c3d4/hello:1:pull"}, ociapi.Scopes{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ociapi.Narrow(t.Context(), core, c.caller, c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		})
	}
	var refused *ociapi.Error
	if scopes, err := ociapi.Narrow(t.Context(), core, owner, make([]string, 17)); !errors.As(err, &refused) || scopes != nil {
		t.Errorf("17 scopes: %v, %v", scopes, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if scopes, err := ociapi.Narrow(ended, core, owner, []string{hello + "push"}); !errors.Is(err, context.Canceled) || scopes != nil {
		t.Errorf("when permissions cannot be read: %v, %v", scopes, err)
	}
}

// Whatever nobody asks for, the token is for pulls, and asking for what was granted grants it again.
func FuzzNarrow(f *testing.F) {
	for _, seed := range []string{"aws", "repository:a1b2c3d4/hello:pull,push", "repository:a1b2c3d4/hello:*", "repository:hello:pull", "repository::", "registry:catalog:*", ":"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, asked string) {
		granted, err := ociapi.Narrow(t.Context(), nil, registry.Caller{}, []string{asked})
		if err != nil || (granted == nil) != (asked == "aws") || len(granted) > 1 {
			t.Fatalf("%q: %v, %v", asked, granted, err)
		}
		if len(granted) == 0 {
			return
		}
		if !strings.HasPrefix(granted[0], "repository:") || !strings.HasSuffix(granted[0], ":pull") {
			t.Errorf("%q gives nobody %q", asked, granted[0])
		}
		again, err := ociapi.Narrow(t.Context(), nil, registry.Caller{}, granted)
		if diff := cmp.Diff(granted, again); err != nil || diff != "" {
			t.Errorf("%q again: %v\n%s", granted, err, diff)
		}
	})
}
