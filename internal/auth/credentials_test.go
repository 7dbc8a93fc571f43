package auth

import (
	"regexp"
	"strings"
	"testing"
)

func TestDrawnNamesHaveTheirShape(t *testing.T) {
	tests := []struct {
		name  string
		draw  func() string
		shape string
	}{
		{"access key id", func() string { id, _ := NewAccessKey(); return id }, `^AKIA[A-Z2-7]{16}$`},
		{"secret", func() string { _, secret := NewAccessKey(); return secret }, `^[A-Za-z0-9+/]{40}$`},
		{"alias", NewAlias, `^([a-z][0-9]){4}$`},
		{"account id", NewAccountID, `^[1-9][0-9]{11}$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shape := regexp.MustCompile(tt.shape)
			seen := make(map[string]bool)
			for range 200 {
				got := tt.draw()
				if !shape.MatchString(got) {
					t.Fatalf("%q does not match %s", got, shape)
				}
				seen[got] = true
			}
			if len(seen) < 199 { // an alias comes twice in 200 draws once in 230,000 runs
				t.Errorf("200 draws gave %d different values", len(seen))
			}
		})
	}
}

// Of 10 digits and 10,000 draws each is expected 1,000 times, with a standard deviation of 30.
func TestPickIsEven(t *testing.T) {
	counts := make(map[byte]int)
	for range 10_000 {
		counts[pick(digits)]++
	}
	for _, c := range []byte(digits) {
		if counts[c] < 760 || counts[c] > 1240 {
			t.Errorf("%q was drawn %d times of 10,000", c, counts[c])
		}
	}
	if got := pick(strings.Repeat("x", 256)); got != 'x' {
		t.Errorf("of 256 equal characters %q was drawn", got)
	}
}
