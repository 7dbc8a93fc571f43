package gallery

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
)

func TestRoutes(t *testing.T) {
	digest := ref.DigestBytes(ref.SHA256, nil)
	for path, want := range map[string]route{
		"/":                     {Place: atHome},
		"/search":               {Place: atSearch},
		"/sitemap.xml":          {Place: atSitemap},
		"/robots.txt":           {Place: atRobots},
		"/-/assets/a.css":       {Place: atAsset, Asset: "a.css"},
		"/-/sign-in":            {Place: atSignIn},
		"/-/sign-out":           {Place: atSignOut},
		"/-/repositories":       {Place: atOwn},
		"/-/activity":           {Place: atActivity},
		"/-/registry":           {Place: atRegistry},
		"/-/repositories/te/ap": {Place: atManage, Name: "te/ap"},
		"/a1b2c3d4":             {Place: atPublisher, Alias: "a1b2c3d4"},
		"/a1b2c3d4/app":         {Place: atRepository, Alias: "a1b2c3d4", Name: "app"},
		"/a1b2c3d4/team/sub/ap": {Place: atRepository, Alias: "a1b2c3d4", Name: "team/sub/ap"},
		"/a1b2c3d4/team/ap:1.2": {Place: atImage, Alias: "a1b2c3d4", Name: "team/ap", Tag: "1.2"},
		"/a1b2c3d4/team/ap@" + digest.String(): {
			Place: atImage, Alias: "a1b2c3d4", Name: "team/ap", Digest: digest,
		},
	} {
		got := parseRoute(path)
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b ref.Digest) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
		if got.String() != path {
			t.Errorf("%s prints as %s", path, got)
		}
	}
}

func TestAddressesOfNothing(t *testing.T) {
	for _, path := range []string{
		"", "x", "//", "/-/", "/-/assets", "/v2x/", "/UPPER", "/token", "/123456789012/app", "/a1b2c3d4/", "/a1b2c3d4/app/", "/a1b2c3d4//app",
		"/a1b2c3d4/a", "/a1b2c3d4/app:", "/a1b2c3d4/app:.x", "/a1b2c3d4/app@sha256:12", "/a1b2c3d4/app@", "/a1b2c3d4/app:1@sha256:12",
		"/-/repositories/", "/-/repositories/a", "/-/repositories/UPPER", "/-/repositories/team/app:1", "/-/", "/-/sign-in/",
		"/a1b2c3d4/../etc", "/a1b2c3d4/app:1/2",
	} {
		if got := parseRoute(path); got != (route{Place: nowhere}) {
			t.Errorf("%q leads to %+v", path, got)
		}
	}
}

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"/", "/search", "/a1b2c3d4/team/app:1.2", "/a1b2c3d4/app@sha256:" + ref.DigestBytes(ref.SHA256, nil).Hex(), "/a:b@c", "/-/assets/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if q := parseRoute(path); q.Place != nowhere && q.String() != path {
			t.Errorf("%q is read as %+v, which prints as %q", path, q, q)
		}
	})
}
