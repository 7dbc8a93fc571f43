package policy

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// Whatever comes in: no panic, refusals are *Error, what is printed is the same policy and prints the same, and
// evaluating it comes to an end.
func FuzzParse(f *testing.F) {
	d := dice{rand.New(rand.NewPCG(3, 4))}
	for range 20 {
		f.Add(d.policy(RepositoryPolicy), false)
		f.Add(d.policy(IdentityPolicy), true)
	}
	f.Add(`{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Condition":{"StringLike":{"a:b":["\ud800","${"]}}},"Id":"\u0000<"}`, false)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:?","Resource":"arn:::::${a:b, ''}${*}${$}"}}`, true)
	f.Add(`[[[[{}]]]]`, false)
	f.Fuzz(func(t *testing.T, source string, identity bool) {
		kind := RepositoryPolicy
		if identity {
			kind = IdentityPolicy
		}
		p, err := Parse(source, kind)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Reason == "" || e.Constraint == "" {
				t.Fatalf("Parse(%q) = %#v, want a complete *Error", source, err)
			}
			return
		}
		again, err := Parse(p.String(), kind)
		if err != nil {
			t.Fatalf("Parse(%q) accepted, printed as %q: %v", source, p, err)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("Parse(%q) is another policy than the one printed, %q", source, p)
		}
		Evaluate(push(), p)
	})
}
