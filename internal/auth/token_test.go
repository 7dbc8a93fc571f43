package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	oldTokenKey = TokenKey{ID: "old", Secret: [32]byte{1}}
	newTokenKey = TokenKey{ID: "new", Secret: [32]byte{2}}
)

// tokensAt issues and checks at one moment under the given keys.
func tokensAt(now time.Time, keys ...TokenKey) *Tokens {
	return &Tokens{
		Keys:     func(context.Context) ([]TokenKey, error) { return keys, nil },
		Registry: "registry-1",
		Now:      func() time.Time { return now },
	}
}

func issuePassword(t testing.TB, tokens *Tokens, id Identity) string {
	t.Helper()
	password, _, err := tokens.IssuePassword(t.Context(), id, MaxTokenTTL)
	if err != nil {
		t.Fatal(err)
	}
	return password
}

func issueBearer(t testing.TB, tokens *Tokens, id Identity) string {
	t.Helper()
	token, _, err := tokens.IssueBearer(t.Context(), id, nil, MaxTokenTTL)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestPasswordRoundTrip(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	password, expires, err := tokens.IssuePassword(t.Context(), testIdentity, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokens.ParsePassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	want := Claims{Identity: testIdentity, Issued: testTime, Expires: testTime.Add(time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if !expires.Equal(want.Expires) {
		t.Errorf("expires is %v, want %v", expires, want.Expires)
	}
}

func TestPasswordIsShapedAsTheRealOne(t *testing.T) {
	password := issuePassword(t, tokensAt(testTime, newTokenKey), testIdentity)
	if strings.Contains(password, ":") {
		t.Errorf("password holds a colon: %s", password)
	}
	raw, err := base64.StdEncoding.DecodeString(password)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"payload", "datakey"} {
		if _, err := base64.StdEncoding.DecodeString(got[name].(string)); err != nil || got[name] == "" {
			t.Errorf("%s is %q, want base64: %v", name, got[name], err)
		}
		delete(got, name)
	}
	want := map[string]any{"version": "3", "type": "DATA_KEY", "expiration": float64(testTime.Add(MaxTokenTTL).Unix())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("password (-want +got):\n%s", diff)
	}
}

func TestAuthorizationTokenRoundTrip(t *testing.T) {
	password := issuePassword(t, tokensAt(testTime, newTokenKey), testIdentity)
	got, err := ParseAuthorizationToken(AuthorizationToken(password))
	if err != nil || got != password {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{"", "AWS:x", base64.StdEncoding.EncodeToString([]byte("root:x")), AuthorizationToken(strings.Repeat("x", maxToken))} {
		if got, err := ParseAuthorizationToken(bad); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("%.20q gives %q, %v, want ErrTokenInvalid", bad, got, err)
		}
	}
}

// No scopes are no limits, and an empty list is good for nothing: the two must not be taken for one another.
func TestScopesRoundTrip(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	for _, scopes := range [][]string{nil, {}, {"repository:a1b2c3d4/hello:pull", "repository:a1b2c3d4/other:pull,push"}} {
		token, _, err := tokens.IssueBearer(t.Context(), testIdentity, scopes, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tokens.ParseBearer(t.Context(), token)
		if diff := cmp.Diff(scopes, got.Scopes); err != nil || diff != "" {
			t.Errorf("%v, scopes (-want +got):\n%s", err, diff)
		}
	}
}

func TestBearerRoundTrip(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	for _, id := range []Identity{testIdentity, {}} {
		token := issueBearer(t, tokens, id)
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("token is not safe in a URL: %s", token)
		}
		got, err := tokens.ParseBearer(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if got.Identity != id || got.Anonymous() != (id == Identity{}) {
			t.Errorf("claims are %+v, want those of %+v", got, id)
		}
	}
}

func TestTokenLifetime(t *testing.T) {
	issued := tokensAt(testTime, newTokenKey)
	password, bearer := issuePassword(t, issued, testIdentity), issueBearer(t, issued, testIdentity)
	check := func(now time.Time, want error) {
		t.Helper()
		later := tokensAt(now, newTokenKey)
		if _, err := later.ParsePassword(t.Context(), password); !errors.Is(err, want) {
			t.Errorf("password at %v: %v, want %v", now, err, want)
		}
		if _, err := later.ParseBearer(t.Context(), bearer); !errors.Is(err, want) {
			t.Errorf("bearer token at %v: %v, want %v", now, err, want)
		}
	}
	check(testTime.Add(MaxTokenTTL-time.Second), nil)
	check(testTime.Add(MaxTokenTTL), ErrTokenExpired)

	_, expires, err := issued.IssuePassword(t.Context(), testIdentity, 1000*time.Hour)
	if want := testTime.Add(MaxTokenTTL); err != nil || !expires.Equal(want) {
		t.Errorf("a longer lifetime gives %v, %v, want %v", expires, err, want)
	}
	for _, ttl := range []time.Duration{0, -time.Hour, time.Second - 1} {
		if token, _, err := issued.IssueBearer(t.Context(), testIdentity, nil, ttl); err == nil {
			t.Errorf("a lifetime of %v gives a token: %s", ttl, token)
		}
	}
}

func TestTokenKeyRotation(t *testing.T) {
	token := issueBearer(t, tokensAt(testTime, oldTokenKey), testIdentity)
	if _, err := tokensAt(testTime, newTokenKey, oldTokenKey).ParseBearer(t.Context(), token); err != nil {
		t.Errorf("while the old key is known: %v", err)
	}
	if _, err := tokensAt(testTime, newTokenKey).ParseBearer(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("after the old key is gone: %v, want ErrTokenInvalid", err)
	}
	token = issueBearer(t, tokensAt(testTime, newTokenKey, oldTokenKey), testIdentity)
	if _, err := tokensAt(testTime, newTokenKey).ParseBearer(t.Context(), token); err != nil {
		t.Errorf("the first key did not sign: %v", err)
	}
}

func TestTokensOfAnotherKindAreInvalid(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	password, bearer := issuePassword(t, tokens, testIdentity), issueBearer(t, tokens, testIdentity)

	elsewhere := tokensAt(testTime, newTokenKey)
	elsewhere.Registry = "registry-2"
	forged := tokensAt(testTime, TokenKey{ID: newTokenKey.ID, Secret: [32]byte{9}})

	huge := Identity{ARN: strings.Repeat("x", maxToken)} // genuine, and still not worth parsing

	// A password's own payload and signature, put together as a bearer token would be.
	var p struct{ Payload, DataKey string }
	raw, err := base64.StdEncoding.DecodeString(password)
	if err != nil || json.Unmarshal(raw, &p) != nil {
		t.Fatal("cannot take the password apart")
	}
	toURL := strings.NewReplacer("+", "-", "/", "_", "=", "")

	tests := []struct {
		name  string
		parse func(context.Context, string) (Claims, error)
		token string
	}{
		{"bearer as password", tokens.ParsePassword, bearer},
		{"password as bearer", tokens.ParseBearer, password},
		{"password remade into bearer", tokens.ParseBearer, toURL.Replace(p.Payload) + "." + toURL.Replace(p.DataKey)},
		{"password of another registry", tokens.ParsePassword, issuePassword(t, elsewhere, testIdentity)},
		{"bearer of another registry", tokens.ParseBearer, issueBearer(t, elsewhere, testIdentity)},
		{"password under another secret", tokens.ParsePassword, issuePassword(t, forged, testIdentity)},
		{"bearer under another secret", tokens.ParseBearer, issueBearer(t, forged, testIdentity)},
		{"empty password", tokens.ParsePassword, ""},
		{"empty bearer", tokens.ParseBearer, ""},
		{"unsigned bearer", tokens.ParseBearer, strings.SplitAfter(bearer, ".")[0]},
		{"huge password", tokens.ParsePassword, issuePassword(t, tokens, huge)},
		{"huge bearer", tokens.ParseBearer, issueBearer(t, tokens, huge)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := tt.parse(t.Context(), tt.token); !errors.Is(err, ErrTokenInvalid) || !reflect.DeepEqual(got, Claims{}) {
				t.Errorf("got %+v, %v, want ErrTokenInvalid", got, err)
			}
		})
	}
}

// The domains of the two MACs are told apart by the audience inside the payload alone, so it has to hold by itself.
func TestAudienceIsChecked(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	i, err := tokens.issue(t.Context(), audiencePassword, base64.RawURLEncoding, testIdentity, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens.ParseBearer(t.Context(), i.payload+"."+i.signature); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a password's claims pass as a bearer token: %+v, %v", got, err)
	}
}

func TestPasswordEnvelopeCannotBeAltered(t *testing.T) {
	tokens := tokensAt(testTime, newTokenKey)
	raw, err := base64.StdEncoding.DecodeString(issuePassword(t, tokens, testIdentity))
	if err != nil {
		t.Fatal(err)
	}
	for old, altered := range map[string]string{`"version":"3"`: `"version":"2"`, "DATA_KEY": "OTHER", `"expiration":1`: `"expiration":2`} {
		password := strings.Replace(string(raw), old, altered, 1)
		if password == string(raw) {
			t.Fatalf("the password has no %s", old)
		}
		if _, err := tokens.ParsePassword(t.Context(), base64.StdEncoding.EncodeToString([]byte(password))); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("with %s: %v, want ErrTokenInvalid", altered, err)
		}
	}
}

func TestTokenKeyFaults(t *testing.T) {
	broken := errors.New("disk on fire")
	good := tokensAt(testTime, newTokenKey)
	password, bearer := issuePassword(t, good, testIdentity), issueBearer(t, good, testIdentity)
	tokens := &Tokens{Keys: func(context.Context) ([]TokenKey, error) { return nil, broken }}
	_, _, issueErr := tokens.IssuePassword(t.Context(), testIdentity, time.Hour)
	_, passwordErr := tokens.ParsePassword(t.Context(), password)
	_, bearerErr := tokens.ParseBearer(t.Context(), bearer)
	for _, err := range []error{issueErr, passwordErr, bearerErr} {
		if !errors.Is(err, broken) || errors.Is(err, ErrTokenInvalid) {
			t.Errorf("error is %v, want that of Keys", err)
		}
	}
	if _, _, err := tokensAt(testTime).IssueBearer(t.Context(), testIdentity, nil, time.Hour); err == nil {
		t.Error("a token was issued without a key")
	}
}

// fuzzTokens seeds a parser with good and broken tokens and wants it to take none but those that were issued.
func fuzzTokens(f *testing.F, good string, parse func(context.Context, string) (Claims, error)) {
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("x" + good)
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"payload":"e30=","datakey":"","expiration":1e99}`)))
	f.Add("e30.e30")
	f.Add("")
	want := Claims{Identity: testIdentity, Issued: testTime, Expires: testTime.Add(MaxTokenTTL)}
	f.Fuzz(func(t *testing.T, token string) {
		switch got, err := parse(t.Context(), token); {
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("%q was never issued and says %+v", token, got)
		case err != nil && (!errors.Is(err, ErrTokenInvalid) || !reflect.DeepEqual(got, Claims{})):
			t.Errorf("%q gives %+v, %v, want ErrTokenInvalid", token, got, err)
		case err != nil && token == good:
			t.Errorf("the issued token is refused: %v", err)
		}
	})
}

func FuzzParsePassword(f *testing.F) {
	tokens := tokensAt(testTime, newTokenKey)
	fuzzTokens(f, issuePassword(f, tokens, testIdentity), tokens.ParsePassword)
}

func FuzzParseBearer(f *testing.F) {
	tokens := tokensAt(testTime, newTokenKey)
	fuzzTokens(f, issueBearer(f, tokens, testIdentity), tokens.ParseBearer)
}

func FuzzParseAuthorizationToken(f *testing.F) {
	f.Add(AuthorizationToken("secret"))
	f.Add("QVdTOg==")
	f.Add("QVdT")
	f.Fuzz(func(t *testing.T, token string) {
		password, err := ParseAuthorizationToken(token)
		if err != nil {
			return
		}
		if again, err := ParseAuthorizationToken(AuthorizationToken(password)); err != nil || again != password {
			t.Errorf("%q gives %q, and that %q, %v", token, password, again, err)
		}
	})
}

// Every pull is checked, so what a check allocates must not grow.
func TestAllocationsOfACheckedToken(t *testing.T) {
	const most = 32
	tokens := &Tokens{Keys: func(context.Context) ([]TokenKey, error) { return []TokenKey{{ID: "1"}}, nil }, Registry: "registry.example"}
	token, _, err := tokens.IssueBearer(t.Context(), Identity{AccountID: "123456789012", AccessKeyID: "AKIA", ARN: "arn"}, []string{"repository:a/b:pull"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(200, func() {
		if _, err := tokens.ParseBearer(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	})
	if got > most {
		t.Errorf("%.0f allocations, at most %d", got, most)
	}
}
