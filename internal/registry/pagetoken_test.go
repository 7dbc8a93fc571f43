package registry

import "testing"

// A page token that was not issued for this list opens nothing.
func FuzzOpenPage(f *testing.F) {
	r := New(Config{PageKey: make([]byte, 32)})
	issued := r.sealPage("scope", "after\x00this")
	for _, token := range []string{issued, issued[1:], issued + "A", r.sealPage("other", "after"), "====", "AAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		after, err := r.openPage("scope", Page{Token: token})
		if err == nil && token != "" && r.sealPage("scope", after) != token {
			t.Errorf("%q was never issued and opens at %q", token, after)
		}
		if err != nil && after != "" {
			t.Errorf("%q is refused and opens at %q", token, after)
		}
	})
}
