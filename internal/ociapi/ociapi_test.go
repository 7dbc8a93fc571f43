package ociapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	owner    = registry.Caller{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"}
	stranger = registry.Caller{Account: "222222222222", ARN: "arn:aws:iam::222222222222:root"}
)

// server is a registry with the repositories a1b2c3d4/hello of the owner and z9y8x7w6/theirs of the stranger.
//
// Bearer tokens are "owner", "stranger" and "nobody", good for scopes alone that follow after " for "; "broken" is one at
// which the server fails. The owner signs in with
// AWS:secret, and the token it then gets is followed by the scopes it asked for. It hears of at most 100 requests.
type server struct {
	address  string
	blobs    *registrytest.MemBlobs
	observed chan observation
}

// observation is what Options.Observe hears.
type observation struct {
	operation string
	caller    registry.Caller
	err       error
}

func newServer(t *testing.T, change ...func(*ociapi.Options)) *server {
	t.Helper()
	s := &server{blobs: registrytest.NewMemBlobs(t), observed: make(chan observation, 100)}
	options := ociapi.Options{
		Registry:     newCore(t, s.blobs),
		PublicURL:    func(*http.Request) *url.URL { return &url.URL{Scheme: "https", Host: "registry.test"} },
		Authenticate: authenticate,
		IssueToken:   issueToken,
		DefaultAlias: suggestAlias,
		Observe:      s.observe,
	}
	for _, fn := range change {
		fn(&options)
	}
	api := ociapi.New(options)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "request-1")
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	s.address = listener.Listener.Addr().String()
	return s
}

// newCore is the registry behind a server.
func newCore(t *testing.T, blobs registry.Blobs) *registry.Registry {
	t.Helper()
	return newCoreOf(t, registry.Config{Blobs: blobs})
}

// newCoreOf adds what every registry has here.
func newCoreOf(t *testing.T, c registry.Config) *registry.Registry {
	t.Helper()
	meta, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := meta.Close(); err != nil {
			t.Error(err)
		}
	})
	c.Meta, c.Host = meta, "registry.test"
	core := registry.New(c)
	addAccount(t, meta, core, owner, "a1b2c3d4", "hello")
	addAccount(t, meta, core, stranger, "z9y8x7w6", "theirs")
	return core
}

func addAccount(t *testing.T, meta registry.Meta, core *registry.Registry, c registry.Caller, alias ref.Alias, name ref.RepositoryName) {
	t.Helper()
	err := meta.Update(t.Context(), func(tx registry.Tx) error {
		return errors.Join(
			tx.InsertAccount(registry.Account{ID: c.Account}),
			tx.InsertAlias(registry.Alias{Name: alias, Account: c.Account, Default: true, Primary: true}))
	})
	if err == nil {
		_, err = core.CreateRepository(t.Context(), c, name, registry.Catalog{}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) observe(_ *http.Request, operation string, caller registry.Caller, err error) {
	s.observed <- observation{operation, caller, err}
}

func authenticate(r *http.Request) (registry.Caller, ociapi.Scopes, error) {
	header, scopes, limited := strings.Cut(r.Header.Get("Authorization"), " for ")
	caller, err := authenticateAs(header)
	if !limited {
		return caller, nil, err
	}
	return caller, strings.Fields(scopes), err
}

func authenticateAs(header string) (registry.Caller, error) {
	switch header {
	case "", "Bearer nobody":
		return registry.Caller{}, nil
	case "Bearer owner":
		return owner, nil
	case "Bearer stranger":
		return stranger, nil
	case "Bearer broken":
		return registry.Caller{}, errors.New("the keys cannot be read")
	}
	return registry.Caller{}, &registry.Error{Kind: registry.AccessDenied, Message: "Your authorization token has expired: sign in again."}
}

func issueToken(_ *http.Request, login ociapi.Login, scopes []string) (ociapi.Token, error) {
	token := ociapi.Token{IssuedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), ExpiresIn: time.Hour}
	switch login {
	case ociapi.Login{}:
		token.Value = "nobody"
	case ociapi.Login{User: "AWS", Password: "secret"}:
		token.Value = strings.Join(append([]string{"owner"}, scopes...), " ")
	case ociapi.Login{User: "AWS", Password: "broken"}:
		return token, errors.New("the keys cannot be read")
	default:
		return token, &registry.Error{Kind: registry.AccessDenied, Message: "The password is wrong or has expired."}
	}
	return token, nil
}

func suggestAlias(_ context.Context, c registry.Caller) ref.Alias {
	if c.ARN == owner.ARN {
		return "a1b2c3d4"
	}
	return ""
}
