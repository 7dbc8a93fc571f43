package auth

import (
	"errors"
	"testing"
	"time"
)

func issueSession(t testing.TB, tokens *Tokens, s Session) string {
	t.Helper()
	token, err := tokens.IssueSession(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSessionRoundTrip(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	s := tokens.BeginSession(testIdentity, time.Time{})
	got, err := tokens.ParseSession(t.Context(), issueSession(t, tokens, s))
	if s.issued = testTime; err != nil || got != s {
		t.Errorf("%+v, %v, want %+v", got, err, s)
	}
	if other := tokens.BeginSession(testIdentity, time.Time{}); len(s.FormKey) < 26 || other.FormKey == s.FormKey {
		t.Errorf("form keys %q and %q", s.FormKey, other.FormKey)
	}
}

func TestSessionLifetime(t *testing.T) {
	at := func(after time.Duration) *Tokens { return tokensAt(testTime.Add(after), newTokenKey) }
	s := at(0).BeginSession(testIdentity, time.Time{})
	if want := testTime.Add(MaxSession); !s.Ends.Equal(want) {
		t.Errorf("it ends at %v, want %v", s.Ends, want)
	}
	short := at(0).BeginSession(testIdentity, testTime.Add(10*time.Minute))
	for _, c := range []struct {
		what        string
		session     Session
		issued, now time.Duration
		want        error
	}{
		{"used in time", s, 0, SessionIdle - time.Second, nil},
		{"idle", s, 0, SessionIdle, ErrTokenExpired},
		{"renewed", s, 7 * time.Hour, 8*time.Hour - time.Second, nil},
		{"renewed for too long", s, 7*time.Hour + 30*time.Minute, 8 * time.Hour, ErrTokenExpired},
		{"begun by a password", short, 0, 10*time.Minute - time.Second, nil},
		{"that password is over", short, 0, 10 * time.Minute, ErrTokenExpired},
	} {
		token := issueSession(t, at(c.issued), c.session)
		if _, err := at(c.now).ParseSession(t.Context(), token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

func TestSessionIsRenewedNowAndThen(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	s, err := tokens.ParseSession(t.Context(), issueSession(t, tokens, tokens.BeginSession(testIdentity, time.Time{})))
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: false, sessionRenewal - time.Second: false, sessionRenewal: true} {
		if got := tokensAt(testTime.Add(after), newTokenKey).NeedsRenewal(s); got != want {
			t.Errorf("after %v: %v", after, got)
		}
	}
}

// Tokens of one kind, registry or key are worth nothing as those of another.
func TestOtherTokensAreNoSessions(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	session := issueSession(t, tokens, tokens.BeginSession(testIdentity, time.Time{}))
	elsewhere := tokensAt(testTime, newTokenKey)
	elsewhere.Registry = "registry-2"
	forged := tokensAt(testTime, TokenKey{ID: newTokenKey.ID, Secret: [32]byte{9}})
	for what, token := range map[string]string{
		"a bearer token":            issueBearer(t, tokens, testIdentity),
		"a password":                issuePassword(t, tokens, testIdentity),
		"one of another registry":   issueSession(t, elsewhere, elsewhere.BeginSession(testIdentity, time.Time{})),
		"one under another key":     issueSession(t, forged, forged.BeginSession(testIdentity, time.Time{})),
		"one with something behind": session + ".x",
		"nothing":                   "",
	} {
		if s, err := tokens.ParseSession(t.Context(), token); !errors.Is(err, ErrTokenInvalid) || s != (Session{}) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	if _, err := tokens.ParseBearer(t.Context(), session); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a session as a bearer token: %v", err)
	}
	if _, err := tokensAt(testTime).IssueSession(t.Context(), Session{}); err == nil {
		t.Error("a session without a key")
	}
}

func FuzzParseSession(f *testing.F) {
	tokens := tokensAt(testTime, newTokenKey)
	// Nothing is drawn: the fuzzer works in other processes, which make the same token again.
	want := Session{Identity: testIdentity, FormKey: "form key", Ends: testTime.Add(MaxSession)}
	good := issueSession(f, tokens, want)
	want.issued = testTime
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("x" + good)
	f.Add("e30.e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		switch got, err := tokens.ParseSession(t.Context(), token); {
		case err == nil && got != want:
			t.Errorf("%q was never issued and says %+v", token, got)
		case err != nil && (!errors.Is(err, ErrTokenInvalid) || got != Session{}):
			t.Errorf("%q gives %+v, %v, want ErrTokenInvalid", token, got, err)
		case err != nil && token == good:
			t.Errorf("the issued token is refused: %v", err)
		}
	})
}
