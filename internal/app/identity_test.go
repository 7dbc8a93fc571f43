package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const testAccount = "123456789012"

// identityRig is an identity over a store with one key that stands and one that was disabled.
type identityRig struct {
	*identity
	stores stores
	now    time.Time // of the tokens
}

func newIdentityRig(t *testing.T) *identityRig {
	t.Helper()
	c := newConfig(t)
	must(t, os.MkdirAll(c.Data, 0o700))
	a := &App{log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { must(t, a.Close()) })
	opened, err := a.openStores(context.Background(), c.Stores, capacity{})
	must(t, err)
	must(t, opened.meta.Update(context.Background(), func(tx registry.Tx) error {
		keys := []registry.AccessKey{{ID: "GOOD"}, {ID: "DISABLED", Disabled: true}}
		err := tx.InsertAccount(registry.Account{ID: testAccount})
		for _, key := range keys {
			key.Account, key.SealedSecret = testAccount, opened.sealer.Seal([]byte(someSecret), []byte(key.ID))
			err = errors.Join(err, tx.InsertAccessKey(key))
		}
		return err
	}))
	r := &identityRig{stores: opened, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	reg := registry.New(registry.Config{Meta: opened.meta, Blobs: opened.blobs})
	keys, err := openTokenKeys(context.Background(), opened.tokenKeys(reg), 0)
	must(t, err)
	r.identity = newIdentity(reg, opened, keys, "registry.example")
	r.tokens.Now = func() time.Time { return r.now }
	return r
}

func callerOf(keyID string) registry.Caller {
	return registry.Caller{Account: testAccount, ARN: ref.RootARN(testAccount), KeyID: keyID}
}

// apiToken is the answer of GetAuthorizationToken, and the password inside it.
func (r *identityRig) apiToken(t *testing.T, keyID string) (token, password string) {
	t.Helper()
	token, expires, err := r.issuePassword(context.Background(), callerOf(keyID))
	must(t, err)
	if want := r.now.Add(12 * time.Hour); !expires.Equal(want) {
		t.Errorf("a password until %s instead of %s", expires, want)
	}
	password, err = auth.ParseAuthorizationToken(token)
	must(t, err)
	return token, password
}

func withAuthorization(value string) *http.Request {
	r := newRequest(http.MethodGet, "/v2/", "")
	if value != "" {
		r.Header.Set("Authorization", value)
	}
	return r
}

func basic(user, password string) string {
	r := newRequest(http.MethodGet, "/", "")
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// checkRefused tells whether err is what a client may read about its login.
func checkRefused(t *testing.T, what string, err error, message string) {
	t.Helper()
	var refused *registry.Error
	if !errors.As(err, &refused) || refused.Kind != registry.AccessDenied || refused.Message != message {
		t.Errorf("%s: %v instead of %s", what, err, message)
	}
}

const (
	tokenExpired = "Your authorization token has expired. Reauthenticate and try again."
	tokenInvalid = "Your Authorization Token is invalid."
)

func TestAuthenticate(t *testing.T) {
	r := newIdentityRig(t)
	token, password := r.apiToken(t, "GOOD")
	bearer, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{User: "AWS", Password: password}, nil)
	must(t, err)
	anonymous, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{}, nil)
	must(t, err)
	for name, c := range map[string]struct {
		header string
		want   registry.Caller
	}{
		"no header":             {"", registry.Caller{}},
		"password":              {basic("AWS", password), callerOf("GOOD")},
		"bearer token":          {"Bearer " + bearer.Value, callerOf("GOOD")},
		"bearer in lower case":  {"bearer " + bearer.Value, callerOf("GOOD")},
		"anonymous":             {"Bearer " + anonymous.Value, registry.Caller{}},
		"API token as bearer":   {"Bearer " + token, callerOf("GOOD")},
		"API token as password": {"Basic " + token, callerOf("GOOD")},
	} {
		if got, _, err := r.authenticate(withAuthorization(c.header)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct{ header, want string }{
		"another user":             {basic("root", password), "Your login is not valid: the user name must be AWS."},
		"no user":                  {basic("", password), "Your login is not valid: the user name must be AWS."},
		"wrong password":           {basic("AWS", "secret"), tokenInvalid},
		"no password":              {basic("AWS", ""), tokenInvalid},
		"bearer token as password": {basic("AWS", bearer.Value), tokenInvalid},
		"password as bearer":       {"Bearer " + password, tokenInvalid},
		"changed bearer":           {"Bearer " + changeFirst(bearer.Value), tokenInvalid},
		"empty bearer":             {"Bearer ", tokenInvalid},
		"scheme alone":             {"Bearer", tokenInvalid},
		"broken basic":             {"Basic !", tokenInvalid},
		"another scheme":           {"AWS4-HMAC-SHA256 Credential=x", tokenInvalid},
	} {
		_, _, err := r.authenticate(withAuthorization(c.header))
		checkRefused(t, name, err, c.want)
	}
}

func changeFirst(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func TestTokensOfAnotherRegistryAreInvalid(t *testing.T) {
	r := newIdentityRig(t)
	_, password := r.apiToken(t, "GOOD")
	r.tokens.Registry = "other.example"
	_, _, err := r.authenticate(withAuthorization(basic("AWS", password)))
	checkRefused(t, "password", err, tokenInvalid)
}

func TestTokensExpire(t *testing.T) {
	r := newIdentityRig(t)
	token, password := r.apiToken(t, "GOOD")
	bearer, _, err := r.tokens.IssueBearer(context.Background(), identityOf(callerOf("GOOD")), nil, bearerTTL)
	must(t, err)

	r.now = r.now.Add(bearerTTL)
	_, _, err = r.authenticate(withAuthorization("Bearer " + bearer))
	checkRefused(t, "bearer token after an hour", err, tokenExpired)
	if _, _, err := r.authenticate(withAuthorization(basic("AWS", password))); err != nil {
		t.Errorf("password after an hour: %v", err)
	}
	r.now = r.now.Add(passwordTTL)
	for name, header := range map[string]string{"password": basic("AWS", password), "API token": "Bearer " + token} {
		_, _, err := r.authenticate(withAuthorization(header))
		checkRefused(t, name+" after twelve hours", err, tokenExpired)
	}
	_, err = r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{User: "AWS", Password: password}, nil)
	checkRefused(t, "bearer for it", err, tokenExpired)
}

func TestBearerDoesNotOutliveItsPassword(t *testing.T) {
	r := newIdentityRig(t)
	r.now = time.Now().Truncate(time.Second)
	password, _, err := r.tokens.IssuePassword(context.Background(), identityOf(callerOf("GOOD")), 10*time.Minute)
	must(t, err)
	token, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{User: "AWS", Password: password}, nil)
	must(t, err)
	if token.ExpiresIn <= 0 || token.ExpiresIn > 10*time.Minute {
		t.Errorf("it lives %s", token.ExpiresIn)
	}
	fresh, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{}, nil)
	must(t, err)
	if fresh.ExpiresIn <= 10*time.Minute || fresh.ExpiresIn > bearerTTL {
		t.Errorf("nobody's lives %s", fresh.ExpiresIn)
	}
}

func TestTokenOfAKeyThatNoLongerStands(t *testing.T) {
	r := newIdentityRig(t)
	for _, keyID := range []string{"DISABLED", "REMOVED"} {
		token, password := r.apiToken(t, keyID)
		bearer, _, err := r.tokens.IssueBearer(context.Background(), identityOf(callerOf(keyID)), nil, time.Hour)
		must(t, err)
		for name, header := range map[string]string{"password": basic("AWS", password), "bearer": "Bearer " + bearer, "API token": "Bearer " + token} {
			_, _, err := r.authenticate(withAuthorization(header))
			checkRefused(t, keyID+" "+name, err, tokenInvalid)
		}
		_, err = r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{User: "AWS", Password: password}, nil)
		checkRefused(t, keyID+" login", err, tokenInvalid)
	}
}

func TestBearerIsGoodForItsScopesAlone(t *testing.T) {
	r := newIdentityRig(t)
	_, password := r.apiToken(t, "GOOD")
	for name, c := range map[string]struct {
		login ociapi.Login
		asked []string
		want  ociapi.Scopes
	}{
		"a login":                    {ociapi.Login{User: "AWS", Password: password}, []string{"repository:a1b2c3d4/hello:pull,push"}, ociapi.Scopes{"repository:a1b2c3d4/hello:delete,pull,push"}},
		"a login that asks for none": {ociapi.Login{User: "AWS", Password: password}, nil, nil},
		"nobody":                     {ociapi.Login{}, []string{"repository:a1b2c3d4/hello:pull,push"}, ociapi.Scopes{"repository:a1b2c3d4/hello:pull"}},
		"nobody who may nothing":     {ociapi.Login{}, []string{"repository:a1b2c3d4/hello:push"}, ociapi.Scopes{}},
	} {
		token, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), c.login, c.asked)
		must(t, err)
		_, scopes, err := r.authenticate(withAuthorization("Bearer " + token.Value))
		if err != nil || !reflect.DeepEqual(scopes, c.want) {
			t.Errorf("%s: %#v, %v, want %#v", name, scopes, err, c.want)
		}
	}
}

func TestTokenForTheMostScopesIsRead(t *testing.T) {
	r := newIdentityRig(t)
	_, password := r.apiToken(t, "GOOD")
	var asked []string
	for i := range 16 {
		asked = append(asked, "repository:"+strings.Repeat("a", 50)+"/"+strings.Repeat("b", 203)+strconv.Itoa(10+i)+":*")
	}
	token, err := r.issueBearer(newRequest(http.MethodGet, "/token", ""), ociapi.Login{User: "AWS", Password: password}, asked)
	must(t, err)
	_, scopes, err := r.authenticate(withAuthorization("Bearer " + token.Value))
	if err != nil || len(scopes) != len(asked) {
		t.Errorf("%d scopes of %d, %v", len(scopes), len(asked), err)
	}
}

func TestKeysAreRememberedForAMoment(t *testing.T) {
	r := newIdentityRig(t)
	for range 2 {
		key, err := r.key(context.Background(), "GOOD")
		if err != nil || key.Secret != someSecret || key.Identity != identityOf(callerOf("GOOD")) || key.Disabled {
			t.Fatalf("%+v, %v", key.Identity, err)
		}
	}
	if left := time.Until(r.keys["GOOD"].until); left <= 0 || left > keyTTL {
		t.Errorf("for %s", left)
	}
	for range 2 {
		if _, err := r.key(context.Background(), "UNKNOWN"); !errors.Is(err, auth.ErrKeyNotFound) {
			t.Error(err)
		}
	}
	if len(r.keys) != 1 {
		t.Errorf("%d keys are remembered, and one exists", len(r.keys))
	}
	r.keys["GOOD"] = knownKey{Key: auth.Key{Secret: "old"}, until: time.Now().Add(-time.Second)}
	if key, err := r.key(context.Background(), "GOOD"); err != nil || key.Secret != someSecret {
		t.Errorf("after its time: %v", err)
	}
}

func TestRememberedKeysAreBounded(t *testing.T) {
	r := newIdentityRig(t)
	for i := range maxCachedKeys {
		r.keys[strings.Repeat("x", 1+i%20)+string(rune(i))] = knownKey{}
	}
	if len(r.keys) < maxCachedKeys {
		t.Fatalf("the test makes %d keys only", len(r.keys))
	}
	_, err := r.key(context.Background(), "GOOD")
	must(t, err)
	if len(r.keys) > maxCachedKeys {
		t.Errorf("%d keys", len(r.keys))
	}
}

func TestSecretSealedForAnotherKeyIsAnInternalError(t *testing.T) {
	r := newIdentityRig(t)
	must(t, r.stores.meta.Update(context.Background(), func(tx registry.Tx) error {
		return tx.InsertAccessKey(registry.AccessKey{ID: "SWAPPED", Account: testAccount, SealedSecret: r.stores.sealer.Seal([]byte(someSecret), []byte("GOOD"))})
	}))
	_, err := r.key(context.Background(), "SWAPPED")
	if !errors.Is(err, auth.ErrUnsealable) || errors.Is(err, auth.ErrKeyNotFound) {
		t.Error(err)
	}
	var refused *auth.Error
	if _, err := r.beginAPI(withAuthorization("x")); !errors.As(err, &refused) {
		t.Errorf("an Authorization that is none: %v", err)
	}
}
