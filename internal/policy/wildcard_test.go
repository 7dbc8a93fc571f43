package policy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWildcards(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"abc", "abc", true},
		{"abc", "abcd", false},
		{"abc", "ABC", false},
		{"*", "", true},
		{"*", "a:b/c", true},
		{"**", "", true},
		{"**a**", "a", true},
		{"?", "", false},
		{"?", "a", true},
		{"?", "é", true},
		{"?", "\xff", true},
		{"??", "é", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a*", "a", true},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*b", "ab", true},
		{"a*b", "acb-b", true},
		{"a*b", "acbc", false},
		{"*ab", "aab", true},
		{"*aab", "aaab", true},
		{"a*b*c", "abbc", true},
		{"a*bc*d", "abcbcd", true},
		{"a*bc*d", "abcbc", false},
		{"*?", "", false},
		{"*?", "é", true},
		{"?*?", "é", false},
		{"*é?", "aéé", true},
		{"[a-z]*", "b", false},
		{"a.c", "abc", false},
		{"ecr-public:*", "ecr-public:", true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s against %s", test.pattern, test.s), func(t *testing.T) {
			if got := pattern(nil).addWildcards(test.pattern).matches(test.s); got != test.want {
				t.Errorf("matches = %v, want %v", got, test.want)
			}
		})
	}
}

// A matcher that tries every place for every "*" would not come back from this.
func TestWildcardsTakeNoExponentialTime(t *testing.T) {
	p := pattern(nil).addWildcards(strings.Repeat("a*", 500) + "b")
	if p.matches(strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
}

func FuzzWildcards(f *testing.F) {
	for _, seed := range []struct{ pattern, s string }{
		{"a*b*c", "aXbXc"}, {"*é?", "éé"}, {"?", "\xff"}, {"**", ""}, {"\n*", "\n"}, {"*aab", "aaaab"}, {"(*", "(("},
	} {
		f.Add(seed.pattern, seed.s)
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		if strings.ContainsRune(p, utf8.RuneError) || len(p) > 200 || len(s) > 1000 {
			return // regexp takes no pattern that is not UTF-8, lets U+FFFD match any broken byte, and is slow
		}
		want := wildcardRegexp(p).MatchString(s)
		if got := pattern(nil).addWildcards(p).matches(s); got != want {
			t.Errorf("%q matches %q = %v, want %v", p, s, got, want)
		}
	})
}

func wildcardRegexp(p string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(p)
	quoted = strings.ReplaceAll(quoted, `\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\?`, `.`)
	return regexp.MustCompile(`(?s)\A(?:` + quoted + `)\z`)
}
