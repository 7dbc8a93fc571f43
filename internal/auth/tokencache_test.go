package auth

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A token that is known is checked as strictly as one that is not.
func TestKnownTokensAreStillChecked(t *testing.T) {
	now, keys := testTime, []TokenKey{newTokenKey, oldTokenKey}
	tokens := &Tokens{
		Keys:     func(context.Context) ([]TokenKey, error) { return keys, nil },
		Registry: "registry-1",
		Now:      func() time.Time { return now },
	}
	token := issueBearer(t, tokens, testIdentity)
	parse := func(what, token string, want error) {
		t.Helper()
		if _, err := tokens.ParseBearer(t.Context(), token); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
	}
	first, err := tokens.ParseBearer(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tokens.ParseBearer(t.Context(), token)
	if diff := cmp.Diff(first, again); err != nil || diff != "" || len(tokens.known.tokens) != 1 {
		t.Errorf("the second time: %v, %d known, %s", err, len(tokens.known.tokens), diff)
	}
	for i := range len(token) {
		changed := []byte(token)
		changed[i] ^= 1
		parse(fmt.Sprint("byte ", i, " changed"), string(changed), ErrTokenInvalid)
	}
	parse("longer", token+"A", ErrTokenInvalid)
	if _, err := tokens.ParsePassword(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("as a password: error %v", err)
	}
	keys = []TokenKey{oldTokenKey, newTokenKey}
	parse("another key signs now", token, nil)
	keys = []TokenKey{oldTokenKey}
	parse("its key is gone", token, ErrTokenInvalid)
	keys = []TokenKey{{ID: newTokenKey.ID, Secret: oldTokenKey.Secret}}
	parse("its key has another secret", token, ErrTokenInvalid)
	keys = []TokenKey{newTokenKey}
	parse("its key is back", token, nil)
	now = first.Expires.Add(-time.Second)
	parse("just before it expires", token, nil)
	now = first.Expires
	parse("when it expires", token, ErrTokenExpired)
}

func TestKnownTokensAreBounded(t *testing.T) {
	var c tokenCache
	expired := knownToken{claims: Claims{Expires: testTime}}
	current := knownToken{claims: Claims{Expires: testTime.Add(time.Hour)}}
	for n := range 3 * maxKnownTokens {
		known := current
		if n%2 == 0 {
			known = expired
		}
		c.add(hashToken("", fmt.Sprint(n), ""), known, testTime)
		if len(c.tokens) > maxKnownTokens {
			t.Fatalf("%d tokens are known", len(c.tokens))
		}
	}
	if _, ok := c.find(hashToken("", fmt.Sprint(3*maxKnownTokens-1), "")); !ok {
		t.Error("the last token was forgotten")
	}
}

// A client sends its token with every request, so what a check of it allocates must not grow.
func TestAllocationsOfAKnownToken(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	token := issueBearer(t, tokens, testIdentity)
	got := testing.AllocsPerRun(200, func() {
		if _, err := tokens.ParseBearer(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	})
	if got > 0 {
		t.Errorf("%.0f allocations, want none", got)
	}
}

func BenchmarkParseBearer(b *testing.B) {
	tokens := tokensAt(testTime, newTokenKey)
	token := issueBearer(b, tokens, testIdentity)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.ParseBearer(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
