package auth

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const keyAge = 30 * 24 * time.Hour

// firstKeys is the set of a registry that has one key since testTime.
func firstKeys() TokenKeys { return TokenKeys{{TokenKey{ID: "first"}, testTime}} }

func idsOf(keys []TokenKey) []string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}

func TestLifeOfATokenKey(t *testing.T) {
	made := testTime.Add(keyAge)
	if firstKeys().Due(made.Add(-time.Second), keyAge) || !firstKeys().Due(made, keyAge) {
		t.Fatal("a key is not due exactly when it is old enough")
	}
	keys := firstKeys().Rotate(made, MaxTokenTTL)
	if keys.Due(made.Add(keyAge), keyAge) {
		t.Error("age counts from the making of a key and not from its first signature")
	}
	second, signs := keys[1].ID, made.Add(MaxTokenTTL)
	for name, c := range map[string]struct {
		at   time.Time
		want []string // the first signs
	}{
		"made":                       {made, []string{"first", second}},
		"about to sign":              {signs.Add(-time.Second), []string{"first", second}},
		"signing":                    {signs, []string{second, "first"}},
		"while tokens may be left":   {signs.Add(MaxTokenTTL + tokenKeyGrace - time.Second), []string{second, "first"}},
		"when they have all expired": {signs.Add(MaxTokenTTL + tokenKeyGrace), []string{second}},
		"years later":                {signs.AddDate(20, 0, 0), []string{second}},
		"before the first":           {testTime.Add(-time.Hour), []string{"first", second}},
	} {
		if diff := cmp.Diff(c.want, idsOf(keys.InUse(c.at))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRotatingDropsWhatHasEnded(t *testing.T) {
	keys := firstKeys()
	for range 5 {
		keys = keys.Rotate(keys[len(keys)-1].Signs.Add(keyAge), MaxTokenTTL)
	}
	if len(keys) != 2 {
		t.Errorf("%d keys are left, want the one that signs and the one that comes", len(keys))
	}
	now := keys[1].Signs.Add(time.Hour)
	if again := keys.Rotate(now, 0); len(again) != 3 || again[0].ID != keys[0].ID {
		t.Error("a key was dropped whose tokens have not expired")
	}
}

// Whoever rotates at once may fear for the key that is about to sign as well.
func TestRotatingReplacesAKeyThatDoesNotSignYet(t *testing.T) {
	waiting := firstKeys().Rotate(testTime, MaxTokenTTL)
	keys := waiting.Rotate(testTime.Add(time.Hour), 0)
	if len(keys) != 2 || keys[0].ID != "first" || keys[1].ID == waiting[1].ID {
		t.Errorf("keys are %v", keys)
	}
	behind := firstKeys().Rotate(testTime.Add(-time.Hour), 0)
	if behind[0].ID != "first" {
		t.Error("a clock that is behind drops the only key")
	}
}

// Every token holds for its whole life, whichever node of a fleet issued or checks it, with clocks that differ.
func TestTokensOutliveTheRotationOfTheirKey(t *testing.T) {
	keys := firstKeys()
	for hour := range 100 * 24 {
		now := testTime.Add(time.Duration(hour) * time.Hour)
		if keys.Due(now, keyAge) {
			keys = keys.Rotate(now, MaxTokenTTL)
		}
		issuer := tokensAt(now, keys.InUse(now.Add(-tokenKeyGrace/2))...)
		bearer := issueBearer(t, issuer, testIdentity)
		for _, later := range []time.Duration{0, time.Hour, MaxTokenTTL - time.Second} {
			at, known := now.Add(later), keys
			if known.Due(at, keyAge) {
				known = known.Rotate(at, MaxTokenTTL)
			}
			if _, err := tokensAt(at, known.InUse(at)...).ParseBearer(t.Context(), bearer); err != nil {
				t.Fatalf("a token of hour %d, %s later: %v", hour, later, err)
			}
		}
	}
}

func TestTokensDieWithTheirKey(t *testing.T) {
	keys := firstKeys()
	now := testTime
	tokens := &Tokens{
		Keys:     func(context.Context) ([]TokenKey, error) { return keys.InUse(now), nil },
		Registry: "registry-1",
		Now:      func() time.Time { return now },
	}
	bearer := issueBearer(t, tokens, testIdentity)
	if _, err := tokens.ParseBearer(t.Context(), bearer); err != nil {
		t.Fatal(err)
	}
	keys = TokenKeys{NewTokenKey(now)} // as if the old one had leaked
	if _, err := tokens.ParseBearer(t.Context(), bearer); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("error is %v, want ErrTokenInvalid", err)
	}
}

func TestTokenKeysRoundTrip(t *testing.T) {
	want := firstKeys().Rotate(testTime, time.Hour)
	text, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseTokenKeys(text)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func FuzzParseTokenKeys(f *testing.F) {
	good, err := firstKeys().Rotate(testTime, time.Hour).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, text := range []string{"", "[]", "[{}]", "null", `[{"id":"1","secret":"AA==","signs":1}]`} {
		f.Add([]byte(text))
	}
	f.Add(bytes.ReplaceAll(good, []byte("first"), []byte("")))
	f.Add(append(append(bytes.TrimSuffix(good, []byte("]")), ','), good[1:]...)) // the same keys twice
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseTokenKeys(text)
		if err != nil {
			return
		}
		if len(keys) == 0 {
			t.Fatal("no error and no key")
		}
		seen := map[string]bool{}
		for _, k := range keys.InUse(testTime) {
			if seen[k.ID] {
				t.Errorf("key %q is there twice", k.ID)
			}
			seen[k.ID] = true
		}
		text, err = keys.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseTokenKeys(text)
		if diff := cmp.Diff(keys, again); err != nil || diff != "" {
			t.Errorf("%v, read again (-want +got):\n%s", err, diff)
		}
	})
}
