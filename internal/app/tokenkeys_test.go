package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/registry"
)

// tokenNode is a node of a registry: its token keys and what it issues with them.
type tokenNode struct {
	*tokenKeys
	auth.Tokens
}

const testTokenKeyAge = 30 * 24 * time.Hour

// tokenFleet are nodes over one store with a common clock, and the store's administration.
func tokenFleet(t *testing.T, n int, now *time.Time) ([]*tokenNode, *administration) {
	t.Helper()
	c := newConfig(t)
	must(t, os.MkdirAll(c.Data, 0o700))
	a := &App{log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { must(t, a.Close()) })
	opened, err := a.openStores(t.Context(), c.Stores, capacity{})
	must(t, err)
	store := opened.tokenKeys(registry.New(registry.Config{Meta: opened.meta, Blobs: opened.blobs}))
	nodes := make([]*tokenNode, n)
	for i := range nodes {
		k := &tokenKeys{tokenKeyStore: store, age: testTokenKeyAge, now: func() time.Time { return *now }}
		must(t, k.refresh(t.Context()))
		nodes[i] = &tokenNode{k, auth.Tokens{Keys: k.use, NewerKeys: k.useNewer, Registry: "registry.example", Now: k.now}}
	}
	return nodes, &administration{registry: store.registry, sealer: opened.sealer, tokenKeys: store}
}

func (n *tokenNode) issue(t *testing.T) string {
	t.Helper()
	token, _, err := n.IssueBearer(t.Context(), auth.Identity{}, nil, auth.MaxTokenTTL)
	must(t, err)
	return token
}

func (n *tokenNode) takes(t *testing.T, token string) bool {
	t.Helper()
	_, err := n.ParseBearer(t.Context(), token)
	if err != nil && !errors.Is(err, auth.ErrTokenInvalid) {
		t.Fatal(err)
	}
	return err == nil
}

// signer is the id of the key that signs.
func (n *tokenNode) signer() string { return (*n.inUse.Load())[0].ID }

func TestTokenKeysRotateByThemselves(t *testing.T) {
	now := time.Now()
	nodes, _ := tokenFleet(t, 2, &now)
	a, b := nodes[0], nodes[1]
	if a.signer() != firstTokenKey || b.signer() != firstTokenKey {
		t.Fatalf("nodes of a new registry sign with %q and %q", a.signer(), b.signer())
	}
	now = now.Add(testTokenKeyAge)
	must(t, a.refresh(t.Context())) // whichever comes first makes the key
	must(t, b.refresh(t.Context()))
	if n := len(*b.inUse.Load()); a.signer() != firstTokenKey || n != 2 {
		t.Errorf("the new key signs at once, or the other node has not got it: %d keys", n)
	}
	now = now.Add(tokenKeyNotice - time.Second)
	old := a.issue(t)
	now = now.Add(time.Second)
	must(t, a.refresh(t.Context()))
	if a.signer() == firstTokenKey {
		t.Error("the first key still signs")
	}
	if token := a.issue(t); !b.takes(t, token) || !b.takes(t, old) {
		t.Error("a node that has not looked since refuses tokens of another")
	}
	now = now.Add(auth.MaxTokenTTL + time.Hour)
	must(t, b.refresh(t.Context()))
	if keys := *b.inUse.Load(); len(keys) != 1 || keys[0].ID == firstTokenKey {
		t.Errorf("%d keys are left, want the new one", len(keys))
	}
}

// A node learns of a key that another has made just now from the first token that names it; made-up names cost one look
// at the store a second.
func TestUnknownTokenKeysAreLookedUpOnce(t *testing.T) {
	now := time.Now()
	nodes, admin := tokenFleet(t, 2, &now)
	a, b := nodes[0], nodes[1]
	old := b.issue(t)
	_, err := RotateTokenKey{}.run(t.Context(), admin)
	must(t, err)
	now = now.Add(time.Second)
	must(t, a.refresh(t.Context()))
	if !b.takes(t, a.issue(t)) || !b.takes(t, old) {
		t.Error("a token of a key that was just made, or of the one before, is refused")
	}
	known := b.inUse.Load()
	madeUp := auth.Tokens{Registry: "registry.example", Keys: func(context.Context) ([]auth.TokenKey, error) {
		return []auth.TokenKey{{ID: "made up"}}, nil
	}}
	forged, _, err := madeUp.IssueBearer(t.Context(), auth.Identity{}, nil, time.Hour)
	must(t, err)
	now = now.Add(tokenKeyPatience)
	if b.takes(t, forged) {
		t.Error("a key was made up and its token taken")
	}
	if b.inUse.Load() != known {
		t.Error("keys that stay the same are another slice, so caches are emptied for nothing")
	}
	_, err = RotateTokenKey{}.run(t.Context(), admin)
	must(t, err)
	if b.takes(t, forged); b.inUse.Load() != known {
		t.Error("the store was asked twice within a second")
	}
}

func TestRevokedTokenKeysEndAllTokens(t *testing.T) {
	now := time.Now()
	nodes, admin := tokenFleet(t, 2, &now)
	a, b := nodes[0], nodes[1]
	old := a.issue(t)
	keys, err := RotateTokenKey{Revoke: true}.run(t.Context(), admin)
	must(t, err)
	if len(keys) != 1 || keys[0].ID == firstTokenKey {
		t.Errorf("left are %+v", keys)
	}
	for _, n := range []*tokenNode{a, b} {
		must(t, n.refresh(t.Context()))
		if n.takes(t, old) || !n.takes(t, n.issue(t)) {
			t.Error("a revoked key still stands, or the new one does not")
		}
	}
	listed, err := ListTokenKeys{}.run(t.Context(), admin)
	must(t, err)
	if len(listed) != 1 || listed[0] != keys[0] {
		t.Errorf("listed are %+v, want %+v", listed, keys)
	}
}

// Two nodes at the same moment make one key.
func TestNodesAgreeOnTheNextTokenKey(t *testing.T) {
	now := time.Now()
	nodes, admin := tokenFleet(t, 8, &now)
	now = now.Add(testTokenKeyAge)
	errs := make(chan error)
	for _, n := range nodes {
		go func() { errs <- n.refresh(t.Context()) }()
	}
	for range nodes {
		must(t, <-errs)
	}
	keys, err := admin.tokenKeys.read(t.Context())
	must(t, err)
	if len(keys) != 2 {
		t.Errorf("%d keys, want two", len(keys))
	}
}

func TestTokenKeysOfAReadOnlyRegistryStay(t *testing.T) {
	now := time.Now()
	nodes, admin := tokenFleet(t, 1, &now)
	_, err := admin.registry.SetReadOnly(t.Context(), true)
	must(t, err)
	now = now.Add(testTokenKeyAge)
	must(t, nodes[0].refresh(t.Context()))
	if n := nodes[0]; n.signer() != firstTokenKey || !n.takes(t, n.issue(t)) {
		t.Error("no key signs")
	}
	unstored := &tokenKeyStore{registry: admin.registry, sealer: admin.sealer, first: [32]byte{1}}
	keys, err := (&tokenKeys{tokenKeyStore: unstored, now: time.Now}).make(t.Context(), nil, now)
	if err != nil || len(keys) != 1 || keys[0].Secret != unstored.first {
		t.Errorf("a registry that was always read-only has %d keys, %v", len(keys), err)
	}
}

// A command holds when it returns, with and without a server.
func TestTokenKeyCommands(t *testing.T) {
	c := newConfig(t)
	first := openClose(t, c)
	if keys := do(t, c.Stores, ListTokenKeys{}); len(keys) != 1 || keys[0].ID != firstTokenKey || keys[0].Verifies != nil {
		t.Errorf("a new registry has %+v", keys)
	}
	if keys := do(t, c.Stores, RotateTokenKey{}); len(keys) != 2 || keys[0].Verifies == nil {
		t.Errorf("rotated without a server: %+v", keys)
	}
	r := serve(t, c)
	if r.Info().AccountID != first.AccountID {
		t.Fatal("another registry")
	}
	_, answer := r.get(t, r.Info().URL+"/token")
	var token struct{ Token string }
	must(t, json.Unmarshal([]byte(answer), &token))
	get := func() int {
		res, _ := r.do(t, "GET", r.Info().URL+"/v2/", http.Header{"Authorization": {"Bearer " + token.Token}})
		return res.StatusCode
	}
	if do(t, c.Stores, RotateTokenKey{}); get() != 200 {
		t.Error("rotating ended a token")
	}
	if do(t, c.Stores, RotateTokenKey{Revoke: true}); get() != 401 {
		t.Error("revoking did not end a token")
	}
}
