package ref

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The grammars as their documents write them. The program reads by hand what every request names, and compiles none of
// them at its start.
var grammars = map[string]struct {
	pattern  *regexp.Regexp
	min, max int
	parse    func(string) error
}{
	"repository name": {regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`), 2, 205, with(ParseRepositoryName)},
	"alias":           {regexp.MustCompile(`^[a-z][a-z0-9]+(?:[._-][a-z0-9]+)*$`), 2, 50, with(ParseAlias)},
	"account id":      {regexp.MustCompile(`^[0-9]{12}$`), 12, 12, with(ParseAccountID)},
	"user name":       {regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]+$`), 1, 64, with(ParseUserName)},
	"tag":             {regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`), 1, 128, with(ParseTag)},
}

func with[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error { _, err := parse(s); return err }
}

func FuzzNamesFollowTheirGrammars(f *testing.F) {
	for _, name := range []string{
		"", "a", "a1", "a/b", "a//b", "a._b", "a.b", "-a", "a-", "a/", "/a", "A1", "a b", "a.b_c-d/e", "aé", "1a", ".a", "_a", "a+b@c",
		"123456789012", "1234567890123", "12345678901a", strings.Repeat("a", 50), strings.Repeat("a", 51), strings.Repeat("a", 128), strings.Repeat("a", 129),
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for what, g := range grammars {
			want := len(name) >= g.min && len(name) <= g.max && g.pattern.MatchString(name)
			if what == "alias" && slices.Contains(reservedAliases, name) {
				want = false
			}
			if err := g.parse(name); want != (err == nil) {
				t.Errorf("%s %q: %v, want accepted: %v", what, name, err, want)
			}
		}
	})
}
