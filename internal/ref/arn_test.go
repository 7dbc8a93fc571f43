package ref

import (
	"strings"
	"testing"
)

func TestParseARN(t *testing.T) {
	for arn, want := range map[string]Resource{
		"arn:aws:ecr-public::123456789012:repository/team/app":   {"123456789012", "team/app"},
		"arn:aws:ecr-public::123456789012:registry/123456789012": {"123456789012", ""},
		"":                                 {},
		"arn:aws:ecr-public::123456789012": {},
		"arn:aws:ecr-public::123456789012:repository":               {},
		"arn:aws:ecr-public::123456789012:repository/":              {},
		"arn:aws:ecr-public::123456789012:repository/Team":          {},
		"arn:aws:ecr-public::123456789012:repository/team/app:tag":  {},
		"arn:aws:ecr-public::12345678901:repository/team/app":       {},
		"arn:aws:ecr-public::123456789012:registry/210987654321":    {},
		"arn:aws:ecr-public::123456789012:registry/":                {},
		"arn:aws:ecr-public::123456789012:layer/team/app":           {},
		"arn:aws:ecr-public:us-east-1:123456789012:repository/app":  {},
		"arn:aws:ecr:us-east-1:123456789012:repository/app":         {},
		"ARN:aws:ecr-public::123456789012:repository/team/app":      {},
		"arn:aws:ecr-public::123456789012:repository/team/app\n":    {},
		" arn:aws:ecr-public::123456789012:repository/team/app":     {},
		"arn:aws:ecr-public::123456789012:repository/team/app/../b": {},
	} {
		got, err := ParseARN(arn)
		if got != want || (err == nil) != (want != Resource{}) {
			t.Errorf("%q: %+v, %v, want %+v", arn, got, err, want)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:ecr-public::123456789012:repository/team/app")
	f.Add("arn:aws:ecr-public::123456789012:registry/123456789012")
	f.Add("arn:aws:ecr-public:::/")
	f.Fuzz(func(t *testing.T, arn string) {
		if r, err := ParseARN(arn); err == nil && r.String() != arn {
			t.Errorf("%q is printed as %q", arn, r)
		}
	})
}

func TestUserName(t *testing.T) {
	for _, good := range []string{"a", "ci-robot", "A.B_c+d=e,f@g", strings.Repeat("x", 64)} {
		if name, err := ParseUserName(good); err != nil || UserARN("123456789012", name) != "arn:aws:iam::123456789012:user/"+good {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a/b", "a b", "é", "a\n", strings.Repeat("x", 65)} {
		if _, err := ParseUserName(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
